"""From pixels to views by a differentiable function: equal to the views, its gradient theirs."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from groundsight.core.errors import UsageError
from groundsight.experts import build_expert
from groundsight.experts.base import AnyArray, Expert, ExpertCard
from groundsight.experts.networks.autoencoder import Autoencoder, AutoencoderConfig
from groundsight.experts.tracing import to_pixels

KINDS: dict[str, dict[str, object]] = {
    "npr": {"crop": 16, "grid": 2},
    "npr whole": {"crop": None},
    "cnnspot": {"crop": 24},
    "fredect": {"crop": 16, "resize": 20, "classifier": "cnn"},
    "fredect as it is": {"crop": 16, "resize": None, "classifier": "cnn"},
    "patchcraft": {"patch": 8, "grid": 2},
    "aide": {"side": 32, "depths": (1, 1, 1, 1), "dims": (4, 4, 4, 4), "width": 4},
    "aeroblade": {"distance": "mse", "crop": 64},
}


def make(kind: str, folder: Path) -> Expert:
    name = kind.split()[0]
    if name == "aeroblade":
        config = AutoencoderConfig(block_out_channels=(4, 4), norm_num_groups=2)
        config_file = config.model_dump_json(by_alias=True)
        (folder / "config.json").write_text(config_file)
        save_file(
            dict(Autoencoder(config).state_dict()), folder / "diffusion_pytorch_model.safetensors"
        )
    backbone = folder if name == "aeroblade" else None
    return build_expert(name, settings=KINDS[kind], backbone=backbone, device="cpu")


def noise(size: tuple[int, int]) -> Image.Image:
    width, height = size
    pixels = np.random.default_rng(width).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(pixels)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(41, 37), (7, 30), (1, 1), (300, 20)])
def test_at_the_picture_the_traced_views_are_the_views(
    kind: str, size: tuple[int, int], tmp_path: Path
) -> None:
    expert, picture = make(kind, tmp_path), noise(size)
    views = expert.trace(picture)(to_pixels(picture))
    np.testing.assert_allclose(views, expert.views(picture), atol=2e-6)


@pytest.mark.parametrize("kind", ["fredect", "npr", "cnnspot", "aeroblade"])
def test_of_a_changed_picture_too_they_are_its_views_but_for_rounding(
    kind: str, tmp_path: Path
) -> None:
    expert, picture = make(kind, tmp_path), noise((48, 40))
    levels = np.asarray(picture).astype(int)
    shift = np.random.default_rng(0).integers(-8, 9, levels.shape)
    changed = Image.fromarray((levels + shift).clip(0, 255).astype(np.uint8))
    found = expert.trace(picture)(to_pixels(changed))
    # A resize rounds to whole grey levels twice: across, then down.
    np.testing.assert_allclose(found, expert.views(changed), atol=2.01 / 255)


@pytest.mark.parametrize("kind", ["npr", "npr whole", "cnnspot", "aeroblade"])
def test_a_step_along_the_gradient_moves_the_score_of_the_changed_picture(
    kind: str, tmp_path: Path
) -> None:
    """The whole way: the picture with the step, seen anew, scores as the gradient says."""
    torch.manual_seed(0)
    expert, picture = make(kind, tmp_path), noise((48, 40))
    pixels = to_pixels(picture).requires_grad_()
    expert.logits(expert.trace(picture)(pixels)).mean().backward()
    assert pixels.grad is not None and float(pixels.grad.abs().sum()) > 0
    with torch.no_grad():
        moved = (pixels + pixels.grad.sign() / 255).clamp(0, 1)
        levels = (moved * 255).round().byte().permute(1, 2, 0).numpy()
        changed = Image.fromarray(levels)
    before, after = expert.score_logits([picture, changed])
    assert after > before


class Squares(Expert):
    """Views whose pixels are not those of the picture."""

    card = ExpertCard(
        name="squares", title="Squares", sees="patch", paper="", official_code="",
        official_file="", official_from="", licence="", input="",
    )  # fmt: skip

    def build_network(self) -> torch.nn.Module:
        return torch.nn.Linear(1, 1)

    def packed_views(self, picture: Image.Image) -> AnyArray:
        pixels: AnyArray = np.asarray(picture)[None] // 2
        return pixels


class Floats(Squares):
    """Views that are floats."""

    def packed_views(self, picture: Image.Image) -> AnyArray:
        views = np.asarray(picture, np.float32).transpose(2, 0, 1)[None]
        return views / np.float32(300)


@pytest.mark.parametrize("kind", [Squares, Floats])
def test_an_expert_that_changes_pixels_must_say_how(kind: type[Expert]) -> None:
    with pytest.raises(UsageError, match="does not show pixels as they are"):
        kind().trace(noise((9, 9)))


def test_pixels_that_no_view_shows_have_no_gradient(tmp_path: Path) -> None:
    expert = make("cnnspot", tmp_path)
    picture = noise((40, 40))
    pixels = to_pixels(picture).requires_grad_()
    expert.trace(picture)(pixels).sum().backward()
    assert pixels.grad is not None
    expected = torch.zeros(3, 40, 40)
    expected[:, 8:32, 8:32] = 1
    torch.testing.assert_close(pixels.grad, expected)
