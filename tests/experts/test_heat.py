"""Heat maps: scores of cells add up to the logit, lie where the pixels are, and are drawn."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tests.experts.test_tracing import KINDS, make, noise
from torch import Tensor, nn
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from groundsight.core.errors import UsageError
from groundsight.demo.photos import find_photos
from groundsight.experts import build_expert
from groundsight.experts.base import AnyArray, Expert, ExpertCard
from groundsight.experts.crops import CropSettings, crop_views
from groundsight.experts.heat import draw_heat, grad_cam, heat_map


class RedCells(nn.Module):
    """Each cell of 4×4 pixels scores its mean red."""

    def __init__(self) -> None:
        super().__init__()
        self.nothing = nn.Parameter(torch.zeros(()))

    def cell_logits(self, x: Tensor) -> Tensor:
        return nn.functional.avg_pool2d(x, 4)[:, 0] - 0.5

    def forward(self, x: Tensor) -> Tensor:
        return self.cell_logits(x).mean((1, 2)) + self.nothing


class Reds(Expert):
    """Sees the centre 16 px."""

    card = ExpertCard(
        name="reds", title="Reds", sees="patch", paper="", official_code="",
        official_file="", official_from="", licence="", input="",
    )  # fmt: skip

    def build_network(self) -> nn.Module:
        return RedCells()

    def packed_views(self, picture: Image.Image) -> AnyArray:
        return crop_views(picture, CropSettings(crop=16))


def test_a_red_cell_is_warm_where_it_lies_and_the_margin_is_unknown() -> None:
    pixels = np.zeros((24, 32, 3), np.uint8)
    pixels[4:8, 8:12, 0] = 255  # the upper left cell of the crop: rows 4 to 20, columns 8 to 24
    heat = heat_map(Reds(), Image.fromarray(pixels))
    assert heat.method == "patch scores"
    assert heat.values.shape == (24, 32)
    known = np.isfinite(heat.values)
    expected = np.zeros((24, 32), bool)
    expected[4:20, 8:24] = True
    np.testing.assert_array_equal(known, expected)
    assert heat.values[4, 8] == pytest.approx(0.5)
    assert heat.values[19, 23] == pytest.approx(-0.5)
    assert heat.p_fake == pytest.approx(1 / (1 + np.exp(0.5 - 1 / 16)))


@pytest.mark.parametrize("kind", ["npr", "cnnspot", "patchcraft"])
def test_scores_of_cells_add_up_to_the_logit(kind: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    expert = make(kind, tmp_path)
    views = torch.from_numpy(expert.views(noise((64, 50))))
    heat = expert.view_heat(views)
    with torch.no_grad():
        torch.testing.assert_close(heat.values.mean((1, 2)), expert.logits(views))


def test_grad_cam_of_a_mean_over_cells_is_its_cells_without_the_bias() -> None:
    torch.manual_seed(0)
    network = build_expert("cnnspot", settings={"crop": 64}, device="cpu").network
    x = torch.rand(2, 3, 64, 64)
    maps = network.feature_maps(x).detach().requires_grad_()
    logits = network.fc(maps.mean((2, 3)))[:, 0]
    with torch.no_grad():
        cells = network.cell_logits(x) - network.fc.bias
    torch.testing.assert_close(grad_cam(logits, maps), cells / 4, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_every_expert_has_a_map_of_the_whole_picture(kind: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    expert, picture = make(kind, tmp_path), noise((70, 50))
    heat = heat_map(expert, picture)
    assert heat.values.shape == (50, 70) and heat.values.dtype == np.float32
    known = heat.values[np.isfinite(heat.values)]
    assert known.size >= 256 and np.ptp(known) > 0
    if kind != "aeroblade":  # it says no probability before a threshold is fitted
        assert heat.p_fake == pytest.approx(float(expert.score([picture])[0]), abs=1e-5)
    else:
        assert heat.p_fake is None


def tiny_clip(folder: Path) -> Path:
    """A folder of a CLIP image tower of two layers and 4×4 patches."""
    torch.manual_seed(0)
    config = CLIPVisionConfig(
        hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
        image_size=32, patch_size=8, projection_dim=8,
    )  # fmt: skip
    CLIPVisionModelWithProjection(config).save_pretrained(folder)
    return folder


def test_univfd_shows_the_patches_of_its_tower(tmp_path: Path) -> None:
    tower = tiny_clip(tmp_path)
    expert = build_expert("univfd", settings={"crop": 32}, backbone=tower, device="cpu")
    views = torch.from_numpy(expert.views(noise((40, 40))))
    heat = expert.view_heat(views)
    assert heat.method == "Grad-CAM" and heat.values.shape == (1, 4, 4)
    # By hand: finite differences of the logit at what the last layer is given.
    network = expert.network
    tokens, logits = network.last_tokens(expert.network_input(views))
    layer = network.model.vision_model.encoder.layers[-1]
    gradient = torch.zeros_like(tokens)
    for channel in range(3):
        for place in range(1, 17):
            moved = tokens.detach().clone()
            moved[0, place, channel] += 1e-2
            hook = layer.register_forward_pre_hook(lambda _, args, m=moved: (m, *args[1:]))
            with torch.no_grad():
                after = network(expert.network_input(views))[:, 0]
            hook.remove()
            gradient[0, place, channel] = (after - logits.detach()) / 1e-2
    (exact,) = torch.autograd.grad(logits.sum(), tokens)
    torch.testing.assert_close(exact[0, 1:, :3], gradient[0, 1:, :3], atol=2e-4, rtol=2e-2)
    cam = (exact[0, 1:].mean(0) * tokens.detach()[0, 1:]).sum(1).reshape(4, 4)
    torch.testing.assert_close(heat.values[0], cam)


def test_an_expert_without_a_gradient_has_no_map() -> None:
    class Stone(Reds):
        card = ExpertCard(
            name="stone", title="Stone", sees="patch", paper="", official_code="",
            official_file="", official_from="", licence="", input="", differentiable=False,
        )  # fmt: skip

    with pytest.raises(UsageError, match="stone has no gradient"):
        heat_map(Stone(), noise((20, 20)))


def test_the_drawing_shows_the_picture_warm_and_dark() -> None:
    picture = Image.open(find_photos()[0]).convert("RGB").crop((0, 0, 320, 240))
    heat = heat_map(Reds(), picture)
    drawn = draw_heat(picture, heat, title="Reds", name="photo.png")
    assert drawn.width >= 560 and drawn.height > 240
    body = np.asarray(drawn.convert("L"))[-240:]
    assert body[:, 240:300].mean() < 0.6 * np.asarray(picture.convert("L")).mean()
