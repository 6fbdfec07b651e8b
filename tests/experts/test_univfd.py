"""UnivFD: the official head, CLIP's pre-processing, the tower by folder."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tests.experts.official_steps import torchvision_centre_crop
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from groundsight.core.errors import UsageError
from groundsight.demo.photos import find_photos
from groundsight.experts import build_expert, load_expert, save_expert

HEAD = Path(__file__).parents[3] / "shared" / "weights" / "univfd" / "fc_weights.pth"
needs_head = pytest.mark.skipif(not HEAD.is_file(), reason="../shared/weights is not here")
MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)


@pytest.fixture(scope="module")
def tower(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CLIP image tower that is small but gives 768 features."""
    torch.manual_seed(0)
    config = CLIPVisionConfig(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=224,
        patch_size=56,
        projection_dim=768,
    )
    folder = tmp_path_factory.mktemp("tower")
    CLIPVisionModelWithProjection(config).save_pretrained(folder)
    return folder


@needs_head
def test_the_official_head_on_fixed_features_equals_a_sum_by_hand(tower: Path) -> None:
    expert = load_expert("univfd", weights=HEAD, backbone=tower, device="cpu")
    stored = torch.load(HEAD, map_location="cpu", weights_only=True)
    weight, bias = (stored[name].double().numpy() for name in ("weight", "bias"))
    assert weight.shape == (1, 768) and bias.shape == (1,)
    features = np.random.default_rng(0).normal(size=(5, 768)).astype(np.float32)
    wanted = [sum(w * x for w, x in zip(weight[0], row, strict=True)) + bias[0] for row in features]
    with torch.no_grad():
        got = expert.official_module()(torch.from_numpy(features)).flatten().numpy()
    np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-5)
    assert np.ptp(wanted) > 0.1


@needs_head
@pytest.mark.parametrize("path", find_photos()[:3], ids=lambda path: path.stem)
def test_each_step_on_photographs_is_the_official_one(path: Path, tower: Path) -> None:
    expert = load_expert("univfd", weights=HEAD, backbone=tower, device="cpu")
    picture = Image.open(path).convert("RGB")
    view = torchvision_centre_crop(np.asarray(picture), 224).astype(np.float32) / np.float32(255)
    wanted = ((view - np.array(MEAN)) / np.array(STD)).transpose(2, 0, 1)[None].astype(np.float32)
    with torch.no_grad():
        got = expert.network_input(torch.from_numpy(expert.views(picture)))
        np.testing.assert_allclose(got.numpy(), wanted, atol=1e-5)
        model = CLIPVisionModelWithProjection.from_pretrained(tower).eval()
        pooled = model.vision_model(pixel_values=torch.from_numpy(wanted)).pooler_output
        features = (pooled @ model.visual_projection.weight.T).double().numpy()
    stored = torch.load(HEAD, map_location="cpu", weights_only=True)
    logit = float((features @ stored["weight"].double().numpy().T)[0, 0]) + stored["bias"].item()
    np.testing.assert_allclose(expert.score_logits([picture])[0], logit, rtol=1e-4, atol=1e-5)


def test_only_the_head_is_ours_to_train_and_to_save(tower: Path, tmp_path: Path) -> None:
    expert = build_expert("univfd", backbone=tower, device="cpu")
    expert.network.train()
    expert.logits(torch.rand(2, 3, 224, 224)).sum().backward()
    learnt = [name for name, p in expert.network.named_parameters() if p.grad is not None]
    assert sorted(learnt) == ["fc.bias", "fc.weight"]
    folder = save_expert(expert, tmp_path / "mine")
    assert (folder / "model.safetensors").stat().st_size < 8_000
    expert.network.eval()
    again = load_expert(folder, device="cpu")
    picture = Image.open(find_photos()[0]).convert("RGB")
    assert again.score([picture])[0] == expert.score([picture])[0]


def test_a_tower_that_is_not_there_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no folder of a CLIP model") as told:
        build_expert("univfd", backbone=tmp_path, device="cpu")
    assert "\n" not in str(told.value)


def test_a_crop_that_the_tower_does_not_see_is_refused(tower: Path) -> None:
    with pytest.raises(UsageError, match="sees 224 px, not crop = 112"):
        build_expert("univfd", settings={"crop": 112}, backbone=tower, device="cpu")
