"""FreDect against scipy's DCT and the published file's names; its statistics."""

from pathlib import Path

import numpy as np
import pytest
import scipy.fft
import torch
from PIL import Image
from safetensors.torch import save_file

from groundsight.core.errors import UsageError
from groundsight.demo.photos import find_photos
from groundsight.experts import build_expert, load_expert, save_expert
from groundsight.experts.base import Expert
from groundsight.experts.fredect import shorter_side


def small(**settings: object) -> Expert:
    chosen = {"resize": None, "crop": 32, "classifier": "cnn", **settings}
    return build_expert("fredect", settings=chosen, device="cpu")


def restated(pixels: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 → (3, H, W) float64: the published pre-processing by scipy."""
    spectrum = scipy.fft.dctn(pixels.astype(np.float64), type=2, norm="ortho", axes=(0, 1))
    out: np.ndarray = np.log(np.abs(spectrum) + 1e-12).transpose(2, 0, 1)
    return out


@pytest.mark.parametrize("path", find_photos()[:4], ids=lambda path: path.stem)
def test_spectra_of_photographs_equal_scipys(path: Path) -> None:
    expert = small(resize=256, crop=224)
    rng = np.random.default_rng(3)
    mean, var = rng.normal(size=(3, 224, 224)), rng.uniform(0.5, 2.0, (3, 224, 224))
    expert.network.dct_mean.copy_(torch.from_numpy(mean))
    expert.network.dct_var.copy_(torch.from_numpy(var))
    picture = Image.open(path).convert("RGB")
    width, height = picture.size
    short = min(width, height)
    sized = picture.resize(
        (int(256 * width / short), int(256 * height / short)), Image.Resampling.BILINEAR
    )
    left, top = round((sized.width - 224) / 2), round((sized.height - 224) / 2)
    pixels = np.asarray(sized.crop((left, top, left + 224, top + 224)))
    views = torch.from_numpy(expert.views(picture))
    expected = (restated(pixels) - mean) / np.sqrt(var)
    np.testing.assert_allclose(expert.network_input(views)[0], expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("size", "expected"),
    [((512, 384), (341, 256)), ((100, 301), (256, 770)), ((256, 9), (7281, 256))],
)
def test_the_shorter_side_gets_the_length(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert shorter_side(Image.new("RGB", size), 256).size == expected


def test_statistics_of_the_training_views_centre_them() -> None:
    expert = small()
    views = torch.rand(12, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    expert.fit_input([views[:5], views[5:6], views[6:]])
    centred = expert.network_input(views).double()
    torch.testing.assert_close(centred.mean(0), torch.zeros(3, 32, 32).double(), atol=1e-5, rtol=0)
    torch.testing.assert_close(centred.var(0, correction=0), torch.ones(3, 32, 32).double())


def test_one_training_picture_has_no_variance() -> None:
    with pytest.raises(UsageError, match="two training pictures"):
        small().fit_input([torch.rand(1, 3, 32, 32)])


def resnet50_shapes(num_classes: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of torchvision's ResNet-50, written out from the paper's table."""
    shapes: dict[str, tuple[int, ...]] = {"conv1.weight": (64, 3, 7, 7), **norm("bn1", 64)}
    channels = 64
    for stage, depth in enumerate((3, 4, 6, 3), start=1):
        inner = 64 * 2 ** (stage - 1)
        for block in range(depth):
            at = f"layer{stage}.{block}"
            shapes |= {f"{at}.conv1.weight": (inner, channels, 1, 1), **norm(f"{at}.bn1", inner)}
            shapes |= {f"{at}.conv2.weight": (inner, inner, 3, 3), **norm(f"{at}.bn2", inner)}
            shapes |= {f"{at}.conv3.weight": (4 * inner, inner, 1, 1)}
            shapes |= norm(f"{at}.bn3", 4 * inner)
            if block == 0:
                shapes |= {f"{at}.downsample.0.weight": (4 * inner, channels, 1, 1)}
                shapes |= norm(f"{at}.downsample.1", 4 * inner)
            channels = 4 * inner
    return shapes | {"fc.weight": (num_classes, 2048), "fc.bias": (num_classes,)}


def norm(name: str, channels: int) -> dict[str, tuple[int, ...]]:
    names = ("weight", "bias", "running_mean", "running_var")
    return {f"{name}.{part}": (channels,) for part in names}


def test_the_published_file_and_its_statistics_load_strictly(tmp_path: Path) -> None:
    state = {name: torch.ones(shape) for name, shape in resnet50_shapes(1).items()}
    torch.save({"netC": {f"module.{name}": value for name, value in state.items()}}, tmp_path / "w")
    torch.save(torch.full((3, 224, 224), 2.0, dtype=torch.float64), tmp_path / "dct_mean")
    torch.save(torch.full((3, 224, 224), 4.0, dtype=torch.float64), tmp_path / "dct_var")
    expert = load_expert(
        "fredect", weights=tmp_path / "w", settings={"statistics": tmp_path}, device="cpu"
    )
    assert expert.network.get_buffer("dct_var")[0, 0, 0] == 4.0
    assert expert.settings.statistics is None  # a folder of ours needs no path to them
    with pytest.raises(UsageError, match="statistics"):
        load_expert("fredect", weights=tmp_path / "w", device="cpu")


def test_statistics_of_another_side_are_refused(tmp_path: Path) -> None:
    for name in ("dct_mean", "dct_var"):
        torch.save(torch.ones(3, 16, 16), tmp_path / name)
    with pytest.raises(UsageError, match=r"\(3, 32, 32\), is \(3, 16, 16\)"):
        small(statistics=tmp_path)
    (tmp_path / "dct_mean").write_bytes(b"import os")
    with pytest.raises(UsageError, match="cannot be read as a tensor"):
        small(statistics=tmp_path)


def test_a_folder_of_ours_keeps_statistics_and_scores(tmp_path: Path) -> None:
    torch.manual_seed(0)
    expert = small()
    expert.fit_input([torch.rand(6, 3, 32, 32)])
    pictures = [Image.open(path).convert("RGB") for path in find_photos()[:2]]
    before = expert.score(pictures)
    again = load_expert(save_expert(expert, tmp_path / "mine"), device="cpu")
    np.testing.assert_array_equal(again.score(pictures), before)


def test_the_gradient_reaches_every_pixel_and_is_that_of_differences() -> None:
    torch.manual_seed(0)
    expert = small(crop=16)
    expert.network.double()
    generator = torch.Generator().manual_seed(0)
    # Half-way between whole grey levels, where nothing is rounded.
    levels = torch.randint(0, 255, (1, 3, 16, 16), generator=generator) + 0.5
    views = (levels.double() / 255).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: expert.logits(x), views, eps=1e-7, atol=1e-3)


def test_a_state_without_statistics_in_a_safetensors_file_is_told(tmp_path: Path) -> None:
    state = small().network.state_dict()
    save_file({n: v for n, v in state.items() if not n.startswith("dct_")}, tmp_path / "w")
    with pytest.raises(UsageError, match="dct_mean and dct_var"):
        load_expert("fredect", weights=tmp_path / "w", settings={"crop": 32, "classifier": "cnn"})
