"""AIDE against its published pre-processing and network, restated; names and shapes of its file."""

from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from groundsight.core.errors import UsageError
from groundsight.demo.photos import find_photos
from groundsight.experts import build_expert, load_expert
from groundsight.experts.aide import Aide, extreme_corners, repeated, window_grades
from groundsight.experts.networks.aide_network import AideNetwork
from groundsight.experts.networks.srm import srm_bank

DEPTHS = (1, 1, 2, 1)
TINY = {"side": 32, "depths": DEPTHS, "dims": (4, 8, 8, 16), "width": 4}


def published_spectra(image: Tensor) -> tuple[Tensor, Tensor]:
    """(3, H, W) in 0..1 → windows (L, 3, 32, 32) and their DCT, by unfolding as published."""
    basis = [
        [(1 if i == 0 else 2) ** 0.5 * 32**-0.5 * np.cos((j + 0.5) * np.pi * i / 32)
         for j in range(32)]
        for i in range(32)
    ]  # fmt: skip
    matrix = torch.tensor(basis, dtype=torch.float64)
    windows = functional.unfold(image[None], 32, stride=16)[0].T.reshape(-1, 3, 32, 32)
    return windows, matrix @ windows @ matrix.T


def published_grades(spectra: Tensor) -> Tensor:
    """(L, 3, 32, 32) → (L,): bands one by one, each the mean of its coefficients, weighted 2^k."""
    index = torch.arange(32)
    sums = index[:, None] + index[None]
    total = torch.zeros(len(spectra), dtype=torch.float64)
    for band in range(6):
        inside = ~((sums > 64 / 6 * (band + 1)) | (sums < 64 / 6 * band))
        values = torch.log(spectra.abs() + 1) * inside / inside.sum()
        total += 2**band * values.sum((1, 2, 3))
    return total


@pytest.mark.parametrize("path", find_photos()[:3], ids=lambda path: path.stem)
def test_patches_and_picture_of_photographs_are_the_published_ones(path: Path) -> None:
    picture = Image.open(path).convert("RGB").crop((40, 20, 300, 240))
    planes = np.asarray(picture).transpose(2, 0, 1)
    image = torch.from_numpy(planes.copy()).double() / 255
    windows, spectra = published_spectra(image)
    grades = published_grades(spectra)
    np.testing.assert_allclose(window_grades(planes).ravel(), grades, rtol=1e-5)
    order = grades.argsort()
    expected = [windows[order[at]] for at in (0, -1, 1, -2)]
    corners = extreme_corners(planes)
    for (row, left), patch in zip(corners, expected, strict=True):
        torch.testing.assert_close(image[:, row : row + 32, left : left + 32], patch)
    view = torch.from_numpy(Aide(settings=Aide.Settings(**TINY | {"side": 256})).views(picture))[0]
    squares = [
        functional.interpolate(part[None], size=(256, 256), mode="bilinear", align_corners=False)[0]
        for part in (*expected, image)
    ]
    torch.testing.assert_close(view, torch.cat(squares, dim=1).float(), atol=1e-5, rtol=1e-5)


def test_a_flat_picture_with_one_noisy_corner() -> None:
    planes = np.full((3, 64, 64), 100, np.uint8)
    planes[:, 32:, 32:] = np.random.default_rng(0).integers(0, 256, (3, 32, 32))
    lowest, highest, second_lowest, second_highest = extreme_corners(planes)
    assert highest == (32, 32)
    assert second_highest in ((16, 32), (32, 16), (16, 16))
    assert lowest == (0, 0) and second_lowest == (0, 16)  # equal grades: in reading order


@pytest.mark.parametrize("size", [(1, 1), (31, 7), (32, 32), (5, 90), (47, 33)])
def test_small_pictures_are_repeated(size: tuple[int, int]) -> None:
    picture = Image.effect_noise(size, 50).convert("RGB")
    view = Aide(settings=Aide.Settings(**TINY)).views(picture)
    assert view.shape == (1, 3, 160, 32) and view.dtype == np.float32
    assert 0 <= view.min() <= view.max() <= 1
    if size in ((1, 1), (32, 32)):  # one window: every patch is the picture, repeated
        planes = repeated(np.asarray(picture).transpose(2, 0, 1), 32)[:, :32, :32] / 255
        for part in range(4):
            np.testing.assert_allclose(view[0, :, 32 * part : 32 * part + 32], planes, atol=1e-6)


def published_names() -> dict[str, tuple[int, ...]]:
    """Names and shapes of the published file, as AIDE, timm and torchvision give them."""
    shapes: dict[str, tuple[int, ...]] = {"hpf.hpf.weight": (30, 3, 5, 5)}
    for name in ("model_min", "model_max"):
        shapes |= {f"{name}.{part}": shape for part, shape in resnet_names().items()}
    shapes |= {f"openclip_convnext_xxl.{part}": shape for part, shape in convnext_names().items()}
    shapes |= {"convnext_proj.0.weight": (256, 3072), "convnext_proj.0.bias": (256,)}
    shapes |= {"fc.fc1.weight": (1024, 2304), "fc.fc1.bias": (1024,)}
    return shapes | {"fc.fc2.weight": (2, 1024), "fc.fc2.bias": (2,)}


def resnet_names() -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {"conv1.weight": (64, 30, 7, 7), **norm("bn1", 64)}
    channels = 64
    for stage, (depth, inner) in enumerate(zip((3, 4, 6, 3), (64, 128, 256, 512), strict=True), 1):
        for block in range(depth):
            at = f"layer{stage}.{block}"
            kernels = ((inner, channels, 1, 1), (inner, inner, 3, 3), (4 * inner, inner, 1, 1))
            for index, kernel in enumerate(kernels, 1):
                shapes |= {f"{at}.conv{index}.weight": kernel, **norm(f"{at}.bn{index}", kernel[0])}
            if block == 0:
                shapes |= {f"{at}.downsample.0.weight": (4 * inner, channels, 1, 1)}
                shapes |= norm(f"{at}.downsample.1", 4 * inner)
            channels = 4 * inner
    return shapes | {"fc.weight": (1000, 2048), "fc.bias": (1000,)}


def norm(name: str, channels: int) -> dict[str, tuple[int, ...]]:
    parts = ("weight", "bias", "running_mean", "running_var")
    shapes: dict[str, tuple[int, ...]] = {f"{name}.{part}": (channels,) for part in parts}
    return shapes | {f"{name}.num_batches_tracked": ()}


def convnext_names() -> dict[str, tuple[int, ...]]:
    dims = (384, 768, 1536, 3072)
    shapes: dict[str, tuple[int, ...]] = {"stem.0.weight": (384, 3, 4, 4), "stem.0.bias": (384,)}
    shapes |= {"stem.1.weight": (384,), "stem.1.bias": (384,)}
    for stage, (depth, dim) in enumerate(zip((3, 4, 30, 3), dims, strict=True)):
        at = f"stages.{stage}"
        if stage > 0:
            shapes |= {
                f"{at}.downsample.0.{part}": (dims[stage - 1],) for part in ("weight", "bias")
            }
            shapes |= {f"{at}.downsample.1.weight": (dim, dims[stage - 1], 2, 2)}
            shapes |= {f"{at}.downsample.1.bias": (dim,)}
        for block in range(depth):
            inside = f"{at}.blocks.{block}"
            shapes |= {f"{inside}.gamma": (dim,), f"{inside}.conv_dw.weight": (dim, 1, 7, 7)}
            shapes |= {f"{inside}.{part}": (dim,) for part in ("conv_dw.bias", "norm.weight")}
            shapes |= {f"{inside}.norm.bias": (dim,), f"{inside}.mlp.fc1.weight": (4 * dim, dim)}
            shapes |= {f"{inside}.mlp.fc1.bias": (4 * dim,), f"{inside}.mlp.fc2.bias": (dim,)}
            shapes |= {f"{inside}.mlp.fc2.weight": (dim, 4 * dim)}
    return shapes | {"head.norm.weight": (3072,), "head.norm.bias": (3072,)}


def test_names_and_shapes_are_the_published_ones_at_full_size() -> None:
    with torch.device("meta"):
        chosen = Aide.Settings()
        network = AideNetwork(chosen.depths, chosen.dims, chosen.width)
    found = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    assert found == published_names()
    assert sum(p.numel() for p in network.openclip_convnext_xxl.parameters()) > 840e6


def test_a_published_file_of_small_size_loads_strictly_with_its_arguments(tmp_path: Path) -> None:
    torch.manual_seed(1)
    state = build_expert("aide", settings=TINY, device="cpu").network.state_dict()
    file = tmp_path / "progan_train.pth"
    torch.save({"model": state, "epoch": 4, "args": Namespace(lr=1e-4)}, file)
    expert = load_expert("aide", weights=file, settings=TINY, device="cpu")
    for name, value in expert.network.state_dict().items():
        torch.testing.assert_close(value, state[name])
    del state["convnext_proj.0.bias"]
    torch.save({"model": state}, file)
    with pytest.raises(UsageError, match=r"missing: convnext_proj\.0\.bias"):
        load_expert("aide", weights=file, settings=TINY, device="cpu")


@pytest.mark.parametrize("prefix", ["visual.trunk.", ""])
def test_the_tower_comes_from_an_openclip_or_timm_file(tmp_path: Path, prefix: str) -> None:
    torch.manual_seed(2)
    trunk = build_expert("aide", settings=TINY, device="cpu").network.openclip_convnext_xxl
    state = {f"{prefix}{name}": value for name, value in trunk.state_dict().items()}
    rest = "text.positional" if prefix else "head.fc.weight"
    torch.save({**state, rest: torch.ones(3, 3)}, tmp_path / "tower.bin")
    expert = build_expert("aide", settings=TINY, backbone=tmp_path / "tower.bin", device="cpu")
    loaded = expert.network.openclip_convnext_xxl.state_dict()
    torch.testing.assert_close(dict(loaded), dict(trunk.state_dict()))


def test_the_network_is_the_published_one_step_by_step() -> None:
    torch.manual_seed(3)
    expert = build_expert("aide", settings=TINY, device="cpu")
    network = expert.network
    with torch.no_grad():  # a fresh ConvNeXt's blocks hardly say anything
        for name, value in network.openclip_convnext_xxl.named_parameters():
            if name.endswith("gamma"):
                value.fill_(0.7)
    views = torch.rand(2, 3, 160, 32)
    mean = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
    clip_mean = torch.tensor([0.48145466, 0.4578275, 0.40821073]).view(3, 1, 1)
    clip_std = torch.tensor([0.26862954, 0.26130258, 0.27577711]).view(3, 1, 1)
    parts = [(part - mean) / std for part in views.chunk(5, dim=2)]
    filters = torch.from_numpy(srm_bank().copy())[:, None].repeat(1, 3, 1, 1)
    residuals = [functional.conv2d(part, filters, padding=2) for part in parts[:4]]
    lowest, highest, lowest1, highest1 = (
        tower.avgpool(tower.feature_maps(x)).flatten(1)
        for tower, x in zip([network.model_min, network.model_max] * 2, residuals, strict=True)
    )
    tokens = parts[4] * (std / clip_std) + (mean - clip_mean) / clip_std
    semantic = network.convnext_proj(convnext_restated(network, tokens).mean((2, 3)))
    noise = (lowest + highest + lowest1 + highest1) / 4
    both = network.fc.fc2(functional.gelu(network.fc.fc1(torch.cat([semantic, noise], dim=1))))
    torch.testing.assert_close(expert.logits(views), both[:, 1] - both[:, 0], atol=1e-5, rtol=1e-4)


def convnext_restated(network: AideNetwork, x: Tensor) -> Tensor:
    """The tower by its state alone: convolutions, norms over channels, products."""
    state = network.openclip_convnext_xxl.state_dict()

    def part(name: str) -> tuple[Tensor, Tensor]:
        return state[f"{name}.weight"], state[f"{name}.bias"]

    def normed(x: Tensor, name: str) -> Tensor:
        weight, bias = part(name)
        centred = x - x.mean(1, keepdim=True)
        scaled = centred / (x.var(1, keepdim=True, correction=0) + 1e-5).sqrt()
        return scaled * weight.view(-1, 1, 1) + bias.view(-1, 1, 1)

    x = normed(functional.conv2d(x, *part("stem.0"), stride=4), "stem.1")
    for stage, depth in enumerate(DEPTHS):
        if stage > 0:
            x = normed(x, f"stages.{stage}.downsample.0")
            x = functional.conv2d(x, *part(f"stages.{stage}.downsample.1"), stride=2)
        for block in range(depth):
            at = f"stages.{stage}.blocks.{block}"
            y = functional.conv2d(x, *part(f"{at}.conv_dw"), padding=3, groups=x.shape[1])
            first, second = part(f"{at}.mlp.fc1"), part(f"{at}.mlp.fc2")
            y = functional.conv2d(normed(y, f"{at}.norm"), first[0][:, :, None, None], first[1])
            y = functional.conv2d(functional.gelu(y), second[0][:, :, None, None], second[1])
            x = x + y * state[f"{at}.gamma"].view(-1, 1, 1)
    return normed(x, "head.norm")


def test_training_leaves_the_tower_and_the_filters_alone() -> None:
    expert = build_expert("aide", settings=TINY, device="cpu")
    network = expert.network.train()
    assert not network.openclip_convnext_xxl.training
    expert.logits(torch.rand(3, 3, 160, 32)).sum().backward()
    moved = {name.split(".")[0] for name, p in network.named_parameters() if p.grad is not None}
    assert moved == {"model_min", "model_max", "convnext_proj", "fc"}
