"""CNNSpot against the official demo's pre-processing and the published file's layout."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tests.experts.official_layouts import drawn_state, resnet_layout
from tests.experts.official_steps import resnet_forward, torchvision_centre_crop

from groundsight.experts import load_expert
from groundsight.experts.base import Expert

EXAMPLES = Path(__file__).parents[3] / "shared" / "images" / "cnnspot_examples"
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file as the official training saves it: the state under `model`."""
    path = tmp_path_factory.mktemp("cnnspot") / "blur_jpg_prob0.5.pth"
    torch.save({"model": drawn_state(resnet_layout()), "total_steps": 1}, path)
    return path


def load(published: Path, **settings: object) -> Expert:
    return load_expert("cnnspot", weights=published, device="cpu", settings=settings)


def official_input(view: np.ndarray) -> torch.Tensor:
    x = view.astype(np.float32).transpose(2, 0, 1) / np.float32(255)
    mean, std = (np.array(values, np.float32)[:, None, None] for values in (MEAN, STD))
    return torch.from_numpy((x - mean) / std)[None]


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="../shared/images is not here")
@pytest.mark.parametrize("name", ["real.png", "fake.png"])
@pytest.mark.parametrize("crop", [224, None])
def test_the_official_examples_step_by_step(published: Path, name: str, crop: int | None) -> None:
    expert = load(published, crop=crop)
    picture = Image.open(EXAMPLES / name).convert("RGB")
    pixels = np.asarray(picture)
    wanted = official_input(pixels if crop is None else torchvision_centre_crop(pixels, crop))
    with torch.no_grad():
        got = expert.network_input(torch.from_numpy(expert.views(picture)))
        torch.testing.assert_close(got, wanted, rtol=0, atol=1e-5)
        logit = resnet_forward(drawn_state(resnet_layout()), wanted, (3, 4, 6, 3), "fc").item()
    np.testing.assert_allclose(expert.score_logits([picture])[0], logit, rtol=1e-3, atol=1e-3)


def test_a_small_picture_is_padded_with_black(published: Path) -> None:
    views = load(published).views(Image.new("RGB", (100, 300), (255, 0, 0)))
    assert views.shape == (1, 3, 224, 224)
    assert views[0, 0, :, :62].max() == 0.0 and views[0, 0, :, 62:162].min() == 1.0


def test_a_grid_of_crops_averages_the_logits(published: Path) -> None:
    rng = np.random.default_rng(0)
    picture = Image.fromarray(rng.integers(0, 256, (100, 120, 3)).astype(np.uint8))
    expert = load(published, crop=64, grid=2)
    with torch.no_grad():
        each = expert.logits(torch.from_numpy(expert.views(picture)))
    assert each.shape == (4,) and each.std() > 0
    np.testing.assert_allclose(expert.score_logits([picture])[0], each.mean().item(), rtol=1e-4)
