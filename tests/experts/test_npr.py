"""NPR against the official pre-processing, restated with the official operations."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import save_file
from tests.experts.official_layouts import drawn_state, resnet_layout
from tests.experts.official_steps import noise, resnet_forward, tiled, torchvision_centre_crop
from torch import Tensor

from groundsight.core.errors import UsageError
from groundsight.demo.photos import find_photos
from groundsight.experts import build_expert, load_expert
from groundsight.experts.npr import residual

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def official_input(view: np.ndarray) -> Tensor:
    """(H, W, 3) uint8 → what the first convolution gets: ToTensor, Normalize, NPR, 2/3."""
    x = torch.from_numpy(view.transpose(2, 0, 1).copy()).float().div(255)[None]
    x = (x - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(STD).view(1, 3, 1, 1)
    down = F.interpolate(x, scale_factor=0.5, mode="nearest", recompute_scale_factor=True)
    up = F.interpolate(down, scale_factor=2.0, mode="nearest", recompute_scale_factor=True)
    out: Tensor = (x - up) * 2.0 / 3.0
    return out


def official_state() -> dict[str, Tensor]:
    return drawn_state(resnet_layout((3, 4), stem=3, head="fc1"))


def test_the_residual_of_a_block_by_hand() -> None:
    x = torch.tensor([[5.0, 7.0, 1.0, 1.0], [4.0, 9.0, 0.0, 3.0]])[None, None]
    wanted = torch.tensor([[0.0, 2.0, 0.0, 0.0], [-1.0, 4.0, -1.0, 2.0]])[None, None]
    assert torch.equal(residual(x), wanted)


@pytest.mark.parametrize("path", find_photos()[:4], ids=lambda path: path.stem)
def test_each_step_on_photographs_is_the_official_one(path: Path, tmp_path: Path) -> None:
    picture = Image.open(path).convert("RGB")
    save_file(official_state(), tmp_path / "NPR.safetensors")
    expert = load_expert("npr", weights=tmp_path / "NPR.safetensors", device="cpu")
    wanted_view = torchvision_centre_crop(tiled(np.asarray(picture), 224), 224)
    views = expert.views(picture)
    np.testing.assert_allclose(views[0].transpose(1, 2, 0), wanted_view / 255.0, atol=1e-7)
    with torch.no_grad():
        got = expert.network_input(torch.from_numpy(views))
        wanted = official_input(wanted_view)
        torch.testing.assert_close(got, wanted, rtol=0, atol=1e-5)
        logit = resnet_forward(official_state(), wanted, (3, 4), "fc1").item()
    np.testing.assert_allclose(expert.score_logits([picture])[0], logit, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(expert.score([picture])[0], 1 / (1 + np.exp(-logit)), atol=1e-5)


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_file_of_the_official_training_loads(tmp_path: Path, wrapped: bool) -> None:
    # The official trainer adds a layer `fc` that nothing reads, and saves it too.
    state = official_state() | {"fc.weight": torch.zeros(1, 2048), "fc.bias": torch.zeros(1)}
    file = {"model": state, "optimizer": {}, "total_steps": 3} if wrapped else state
    torch.save(file, tmp_path / "model_epoch_last.pth")
    expert = load_expert("npr", weights=tmp_path / "model_epoch_last.pth", device="cpu")
    loaded = expert.network.state_dict()
    assert all(torch.equal(loaded[name], value) for name, value in official_state().items())


def test_a_file_of_another_network_is_told_in_one_line(tmp_path: Path) -> None:
    save_file(drawn_state(resnet_layout()), tmp_path / "other.safetensors")
    with pytest.raises(UsageError, match=r"unexpected: .*conv1\.weight is \(64, 3, 7, 7\)") as told:
        load_expert("npr", weights=tmp_path / "other.safetensors", device="cpu")
    assert "\n" not in str(told.value)


def test_an_odd_last_row_and_column_are_left_out() -> None:
    expert = build_expert("npr", settings={"crop": None}, device="cpu")
    picture = Image.fromarray(noise(33, 27))
    assert expert.views(picture).shape == (1, 3, 26, 32)
    assert expert.score([picture]).shape == (1,)


def test_the_gradient_reaches_the_pixels() -> None:
    expert = build_expert("npr", device="cpu")
    views = torch.rand(1, 3, 32, 32, requires_grad=True)
    expert.logits(views).sum().backward()
    assert views.grad is not None and views.grad.abs().sum() > 0
