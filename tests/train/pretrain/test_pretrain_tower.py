"""The tower over equal pictures gives the numbers of transformers' own forward."""

import numpy as np
import pytest
import torch
from PIL import Image

from groundsight.models.nano import build_nano
from groundsight.models.nano_size import TOY
from groundsight.train.pretrain.tower import grid_of, make_equal, patch_rows, whiten_patches


def test_equal_pictures_give_the_same_states() -> None:
    model, processor = build_nano("qwen3_vl", size=TOY, seed=1)
    tower = model.model.visual
    rgb = np.random.default_rng(0).integers(0, 256, size=(3, 96, 96, 3), dtype=np.uint8)
    made = processor.image_processor([Image.fromarray(one) for one in rgb], return_tensors="pt")
    with torch.no_grad():
        told = tower(made["pixel_values"], grid_thw=made["image_grid_thw"], return_dict=True)
        make_equal(tower)
        mean, std = (
            torch.tensor(getattr(processor.image_processor, name))
            for name in ("image_mean", "image_std")
        )
        rows = patch_rows(torch.from_numpy(rgb), mean, std)
        assert torch.equal(grid_of(96, 3), made["image_grid_thw"])
        mine = tower(rows, grid_thw=grid_of(96, 3), return_dict=True)
    assert mine.pooler_output.numpy() == pytest.approx(told.pooler_output.numpy(), abs=2e-5)
    for one, other in zip(mine.deepstack_features, told.deepstack_features, strict=True):
        assert one.numpy() == pytest.approx(other.numpy(), abs=2e-5)


def test_whitened_filters_answer_alike_to_coarse_and_fine() -> None:
    model, _ = build_nano("qwen3_vl", size=TOY)
    tower = model.model.visual
    make_equal(tower)
    draw = torch.Generator().manual_seed(0)
    # Patches as photographs have them: the first directions vary a thousand times as much.
    scale = torch.logspace(1, -1, 768)
    basis = torch.linalg.qr(torch.randn(768, 768, generator=draw))[0]
    rows = torch.randn(4000, 768, generator=draw) * scale @ basis.T + 3
    before = tower.patch_embed(rows).std(0)
    whiten_patches(tower, rows, seed=0)
    after = tower.patch_embed(rows)
    assert after.mean(0).abs().max() < 1e-3
    assert after.std(0).min() > 0.8
    assert after.std(0).max() < 1.2
    assert before.std() > 0.05
