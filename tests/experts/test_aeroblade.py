"""AEROBLADE: the autoencoder by diffusers' names, LPIPS restated, a threshold, hostile folders."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

from groundsight.core.errors import UsageError
from groundsight.demo.photos import find_photos
from groundsight.experts import load_expert, save_expert
from groundsight.experts.aeroblade import LPIPS_FILE, VGG_FILE, Aeroblade
from groundsight.experts.networks.autoencoder import (
    Autoencoder,
    AutoencoderConfig,
    read_autoencoder,
)
from groundsight.experts.networks.perceptual import Perceptual

CONFIG = {
    "_class_name": "AutoencoderKL",
    "_diffusers_version": "0.30.0",
    "sample_size": 64,
    "block_out_channels": [8, 16, 16],
    "down_block_types": ["DownEncoderBlock2D"] * 3,
    "up_block_types": ["UpDecoderBlock2D"] * 3,
    "layers_per_block": 2,
    "latent_channels": 4,
    "norm_num_groups": 4,
    "scaling_factor": 0.18215,
}


def write_vae(folder: Path, config: dict[str, object] | None = None) -> Autoencoder:
    """A small autoencoder in a folder as diffusers writes it."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    network = Autoencoder(AutoencoderConfig.model_validate(config or CONFIG))
    network.eval()
    (folder / "config.json").write_text(json.dumps(config or CONFIG))
    save_file(dict(network.state_dict()), folder / "diffusion_pytorch_model.safetensors")
    return network


def official_names() -> dict[str, tuple[int, ...]]:
    """Names and shapes of diffusers' state for CONFIG."""
    shapes: dict[str, tuple[int, ...]] = {}

    def layer(name: str, *shape: int) -> None:
        shapes[f"{name}.weight"], shapes[f"{name}.bias"] = shape, shape[:1]

    def resnet(at: str, inputs: int, outputs: int) -> None:
        layer(f"{at}.norm1", inputs)
        layer(f"{at}.conv1", outputs, inputs, 3, 3)
        layer(f"{at}.norm2", outputs)
        layer(f"{at}.conv2", outputs, outputs, 3, 3)
        if inputs != outputs:
            layer(f"{at}.conv_shortcut", outputs, inputs, 1, 1)

    def middle(at: str) -> None:
        resnet(f"{at}.mid_block.resnets.0", 16, 16)
        resnet(f"{at}.mid_block.resnets.1", 16, 16)
        layer(f"{at}.mid_block.attentions.0.group_norm", 16)
        for part in ("to_q", "to_k", "to_v", "to_out.0"):
            layer(f"{at}.mid_block.attentions.0.{part}", 16, 16)

    layer("encoder.conv_in", 8, 3, 3, 3)
    for block, (inputs, outputs) in enumerate(((8, 8), (8, 16), (16, 16))):
        for index in range(2):
            at = f"encoder.down_blocks.{block}.resnets.{index}"
            resnet(at, inputs if index == 0 else outputs, outputs)
        if block < 2:
            layer(f"encoder.down_blocks.{block}.downsamplers.0.conv", outputs, outputs, 3, 3)
    middle("encoder")
    layer("encoder.conv_norm_out", 16)
    layer("encoder.conv_out", 8, 16, 3, 3)
    layer("quant_conv", 8, 8, 1, 1)
    layer("post_quant_conv", 4, 4, 1, 1)
    layer("decoder.conv_in", 16, 4, 3, 3)
    middle("decoder")
    for block, (inputs, outputs) in enumerate(((16, 16), (16, 16), (16, 8))):
        for index in range(3):
            at = f"decoder.up_blocks.{block}.resnets.{index}"
            resnet(at, inputs if index == 0 else outputs, outputs)
        if block < 2:
            layer(f"decoder.up_blocks.{block}.upsamplers.0.conv", outputs, outputs, 3, 3)
    layer("decoder.conv_norm_out", 8)
    layer("decoder.conv_out", 3, 8, 3, 3)
    return shapes


def test_names_and_shapes_are_those_of_diffusers(tmp_path: Path) -> None:
    network = write_vae(tmp_path)
    assert {n: tuple(v.shape) for n, v in network.state_dict().items()} == official_names()


def test_it_computes_what_diffusers_computes(tmp_path: Path) -> None:
    diffusers = pytest.importorskip("diffusers", reason="the reference is not installed")
    ours = write_vae(tmp_path)
    theirs = diffusers.AutoencoderKL.from_pretrained(tmp_path).eval()
    x = torch.rand(2, 3, 32, 40) * 2 - 1
    with torch.no_grad():
        expected = theirs.decode(theirs.encode(x).latent_dist.mode()).sample
        torch.testing.assert_close(ours(x), expected, atol=1e-5, rtol=1e-5)


def test_an_old_file_names_its_attention_otherwise(tmp_path: Path) -> None:
    network = write_vae(tmp_path)
    old = {}
    for name, value in network.state_dict().items():
        for new, before in (("to_q", "query"), ("to_k", "key"), ("to_v", "value")):
            name = name.replace(f".{new}.", f".{before}.")
        name = name.replace(".to_out.0.", ".proj_attn.")
        is_conv = any(f".{part}." in name for part in ("query", "key", "value", "proj_attn"))
        old[name] = value[:, :, None, None] if is_conv and value.ndim == 2 else value
    save_file(
        {name: value.contiguous() for name, value in old.items()},
        tmp_path / "diffusion_pytorch_model.safetensors",
    )
    x = torch.rand(1, 3, 16, 16)
    torch.testing.assert_close(read_autoencoder(tmp_path)(x), network(x))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"_class_name": "AutoencoderDC"}, "only AutoencoderKL is read, not AutoencoderDC"),
        ({"down_block_types": ["AttnDownEncoderBlock2D"]}, "not AttnDownEncoderBlock2D"),
        ({"norm_num_groups": 3}, "multiples of norm_num_groups"),
        ({"norm_num_groups": 0}, "is no config of an autoencoder"),
        ({"block_out_channels": []}, "is no config of an autoencoder"),
        ({"latent_channels": 3}, "does not fit"),
    ],
)
def test_another_folder_is_refused_in_a_line(
    tmp_path: Path, change: dict[str, object], told: str
) -> None:
    write_vae(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(CONFIG | change))
    with pytest.raises(UsageError, match=told) as caught:
        read_autoencoder(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "[", "[1]", "[" * 10_000, "null"])
def test_a_config_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    write_vae(tmp_path)
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(UsageError, match="no config of an autoencoder"):
        read_autoencoder(tmp_path)


def test_a_missing_folder_and_a_folder_without_weights_are_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="vae folder of a diffusers model"):
        read_autoencoder(tmp_path / "nowhere")
    write_vae(tmp_path)
    (tmp_path / "diffusion_pytorch_model.safetensors").unlink()
    with pytest.raises(UsageError, match=r"no diffusion_pytorch_model\.safetensors"):
        read_autoencoder(tmp_path)
    with pytest.raises(UsageError, match="--backbone"):
        load_expert("aeroblade", settings={"distance": "mse"})


def write_lpips(folder: Path) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The two published files, with their names and shapes."""
    generator = torch.Generator().manual_seed(4)
    vgg: dict[str, Tensor] = {}
    inputs = 3
    for index, size in ((0, 64), (2, 64), (5, 128), (7, 128), (10, 256), (12, 256), (14, 256)):
        vgg[f"features.{index}.weight"] = torch.randn(size, inputs, 3, 3, generator=generator) / 20
        vgg[f"features.{index}.bias"] = torch.randn(size, generator=generator) / 10
        inputs = size
    vgg["classifier.6.bias"] = torch.zeros(1000)
    lpips = {
        f"lin{index}.model.1.weight": torch.rand(1, size, 1, 1, generator=generator)
        for index, size in enumerate((64, 128, 256, 512, 512))
    }
    torch.save(vgg, folder / VGG_FILE)
    torch.save(lpips, folder / LPIPS_FILE)
    return vgg, lpips


def lpips_restated(
    one: Tensor, other: Tensor, vgg: dict[str, Tensor], lpips: dict[str, Tensor]
) -> Tensor:
    """The second layer's distance by hand: two convolutions, a pool, two convolutions."""

    def features(x: Tensor) -> Tensor:
        shift = torch.tensor([-0.030, -0.088, -0.188]).view(3, 1, 1)
        scale = torch.tensor([0.458, 0.448, 0.450]).view(3, 1, 1)
        x = (x - shift) / scale
        for index in (0, 2, 5, 7):
            x = functional.max_pool2d(x, 2) if index == 5 else x
            weight, bias = vgg[f"features.{index}.weight"], vgg[f"features.{index}.bias"]
            x = functional.relu(functional.conv2d(x, weight, bias, padding=1))
        return x / (x.square().sum(1, keepdim=True).sqrt() + 1e-10)

    return functional.conv2d((features(one) - features(other)) ** 2, lpips["lin1.model.1.weight"])


def test_the_distance_of_a_photograph_is_the_published_one(tmp_path: Path) -> None:
    network = write_vae(tmp_path / "vae")
    vgg, lpips = write_lpips(tmp_path)
    expert = load_expert(
        "aeroblade", backbone=tmp_path, settings={"lpips": tmp_path, "crop": 64}, device="cpu"
    )
    assert isinstance(expert, Aeroblade)
    picture = Image.open(find_photos()[0]).convert("RGB")
    left, top = (picture.width - 64) // 2, (picture.height - 64) // 2
    pixels = np.asarray(picture.crop((left, top, left + 64, top + 64))).transpose(2, 0, 1).copy()
    x = torch.from_numpy(pixels)[None] / 255 * 2 - 1
    with torch.no_grad():
        maps = lpips_restated(x, network(x).clamp(-1, 1), vgg, lpips)
    np.testing.assert_allclose(expert.distances([picture]), maps.mean(), rtol=1e-5)


def test_lpips_of_equal_pictures_is_zero_and_its_gradient_is_finite(tmp_path: Path) -> None:
    vgg, lpips = write_lpips(tmp_path)
    network = Perceptual()
    network.fill_published(vgg, lpips, tmp_path)
    flat = torch.zeros(1, 3, 16, 16, requires_grad=True)
    assert float(network(flat, flat.detach()).detach().abs().max()) == 0
    network(flat, torch.rand(1, 3, 16, 16)).sum().backward()
    assert flat.grad is not None and bool(torch.isfinite(flat.grad).all())


def mse_expert(folder: Path) -> Aeroblade:
    write_vae(folder)
    expert = load_expert(
        "aeroblade", backbone=folder, settings={"distance": "mse", "crop": 64}, device="cpu"
    )
    assert isinstance(expert, Aeroblade)
    return expert


def test_no_probability_before_a_threshold_and_one_half_at_it(tmp_path: Path) -> None:
    expert = mse_expert(tmp_path / "vae")
    pictures = [Image.open(path).convert("RGB") for path in find_photos()[:2]]
    with pytest.raises(UsageError, match="until a threshold is fitted"):
        expert.score(pictures)
    distances = expert.distances(pictures)
    middle, apart = distances.mean(), abs(distances[0] - distances[1])
    steps = np.array([-3.0, -2.0, -1.0, 1.0, 2.0, 3.0])
    expert.fit(middle + steps * apart, np.array([1, 1, 1, 0, 0, 0]))
    nearer = int(distances.argmin())
    p_fake = expert.score(pictures)
    assert p_fake[nearer] > 0.5 > p_fake[1 - nearer]
    np.testing.assert_allclose(p_fake.sum(), 1.0, atol=1e-5)  # as far on both sides of one half
    np.testing.assert_allclose(expert.distances(pictures), distances, rtol=1e-4)
    again = load_expert(save_expert(expert, tmp_path / "mine"), device="cpu")
    np.testing.assert_array_equal(again.score(pictures), p_fake)


@pytest.mark.parametrize(
    ("distances", "labels", "told"),
    [
        ([1.0, 2.0], [1, 1], "both classes"),
        ([1.0, 1.0], [0, 1], "different distances"),
        ([1.0, 2.0, 3.0], [0, 1, 1], "no threshold fits"),
    ],
)
def test_a_threshold_that_cannot_be_is_refused(
    tmp_path: Path, distances: list[float], labels: list[int], told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        mse_expert(tmp_path).fit(np.array(distances), np.array(labels))


@pytest.mark.parametrize(
    ("size", "shape"),
    [((1, 1), (4, 4)), ((70, 3), (4, 64)), ((65, 33), (32, 64)), ((8, 4), (4, 8))],
)
def test_views_have_whole_latent_cells(
    tmp_path: Path, size: tuple[int, int], shape: tuple[int, int]
) -> None:
    expert = mse_expert(tmp_path)
    picture = Image.effect_noise(size, 40).convert("RGB")
    assert expert.views(picture).shape == (1, 3, *shape)
    assert np.isfinite(expert.distances([picture])).all()
