"""PatchCraft against the published pre-processing, restated; names and shapes of RPTC.pth."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from groundsight.demo.photos import find_photos
from groundsight.experts import build_expert, load_expert
from groundsight.experts.patchcraft import (
    PatchCraft,
    PatchCraftSettings,
    collage,
    texture_corners,
    texture_diversity,
)

TINY = {"patch": 8, "grid": 2}


def test_texture_by_hand() -> None:
    patch = np.zeros((2, 2, 3), np.uint8)
    patch[0, 0, 0] = 10
    # across 10, down 10, one diagonal 10, the other 0
    assert texture_diversity(patch) == 30
    assert texture_diversity(np.full((5, 5, 3), 200, np.uint8)) == 0


def published_diversity(patch: torch.Tensor) -> float:
    """(3, S, S): the published formula on tensors."""
    down = (patch[:, :-1] - patch[:, 1:]).abs().sum()
    across = (patch[:, :, :-1] - patch[:, :, 1:]).abs().sum()
    main = (patch[:, :-1, :-1] - patch[:, 1:, 1:]).abs().sum()
    other = (patch[:, :-1, 1:] - patch[:, 1:, :-1]).abs().sum()
    return float(down + across + main + other)


@pytest.mark.parametrize("path", find_photos()[:3], ids=lambda path: path.stem)
def test_collages_of_photographs_equal_the_published_procedure(path: Path) -> None:
    picture = Image.open(path).convert("RGB")
    chosen = PatchCraftSettings()
    pixels = np.asarray(picture)
    view = torch.from_numpy(PatchCraft(chosen).views(picture))[0]
    # The same 192 places, then sorted, laid and stacked as the published code does.
    from groundsight.experts.patchcraft import _random_corners

    image = torch.from_numpy(pixels.copy()).permute(2, 0, 1) / 255.0
    crops = [image[:, r : r + 32, c : c + 32] for r, c in _random_corners(pixels.shape, chosen)]
    crops.sort(key=lambda crop: round(published_diversity(crop.double() * 255)))
    poor, rich = torch.zeros(3, 256, 256), torch.zeros(3, 256, 256)
    for place in range(64):
        row, column = place // 8 * 32, place % 8 * 32
        poor[:, row : row + 32, column : column + 32] = crops[place]
        rich[:, row : row + 32, column : column + 32] = crops[-1 - place]
    torch.testing.assert_close(view, torch.cat([poor, rich], dim=1), atol=1e-6, rtol=0)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 5))
def test_any_size_gives_the_same_view_twice_and_poor_is_poorer(
    width: int, height: int, seed: int
) -> None:
    chosen = PatchCraftSettings(patch=8, grid=2, seed=seed)
    rng = np.random.default_rng(seed)
    picture = Image.fromarray(rng.integers(0, 256, (height, width, 3), np.uint8))
    expert = PatchCraft(chosen)
    first, again = expert.packed_views(picture), expert.packed_views(picture)
    np.testing.assert_array_equal(first, again)
    assert first.shape == (1, 32, 16, 3)
    poor, rich = first[0, :16], first[0, 16:]
    # The poorest patch is laid first, and so is the richest.
    assert texture_diversity(poor[:8, :8]) <= texture_diversity(poor[8:, 8:])
    assert texture_diversity(rich[:8, :8]) >= texture_diversity(rich[8:, 8:])


def test_a_picture_of_one_patch_shows_it_everywhere() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    chosen = PatchCraftSettings(patch=8, grid=2)
    view = collage(pixels, texture_corners(pixels, chosen), chosen)
    np.testing.assert_array_equal(view, np.tile(pixels, (4, 2, 1)))


def official_shapes() -> dict[str, tuple[int, ...]]:
    """`netC` of RPTC.pth."""
    shapes: dict[str, tuple[int, ...]] = {"group1.hpf.weight": (30, 1, 5, 5)}
    shapes |= convolution("group1_b", 0, 90)
    for group, count in (("group2", 4), ("group3", 2), ("group4", 2), ("group5", 2)):
        for index in range(count):
            shapes |= convolution(group, 3 * index, 32)
    return shapes | {"fc2.weight": (1, 32), "fc2.bias": (1,)}


def convolution(group: str, at: int, inputs: int) -> dict[str, tuple[int, ...]]:
    norm = ("weight", "bias", "running_mean", "running_var")
    return {
        f"{group}.{at}.weight": (32, inputs, 3, 3),
        f"{group}.{at}.bias": (32,),
        **{f"{group}.{at + 1}.{part}": (32,) for part in norm},
    }


def test_the_published_file_loads_strictly(tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(0)
    state = {n: torch.rand(shape, generator=generator) for n, shape in official_shapes().items()}
    torch.save(
        {"netC": {f"module.{n}": value for n, value in state.items()}}, tmp_path / "RPTC.pth"
    )
    expert = load_expert("patchcraft", weights=tmp_path / "RPTC.pth", device="cpu")
    loaded = expert.network.state_dict()
    for name, value in state.items():
        torch.testing.assert_close(loaded[name], value)
    counters = {n for n in loaded if n.endswith("num_batches_tracked")}
    assert set(loaded) - counters == set(state)


def test_the_network_is_the_published_one_step_by_step() -> None:
    """Each colour through the 30 filters apart, then the difference of poor and rich."""
    torch.manual_seed(0)
    network = build_expert("patchcraft", settings=TINY, device="cpu").network
    pair = torch.rand(2, 3, 32, 16)

    def residuals(texture: torch.Tensor) -> torch.Tensor:
        filters = network.group1.hpf.weight
        colours = [
            torch.nn.functional.conv2d(texture[:, c : c + 1], filters, padding=2) for c in range(3)
        ]
        out: torch.Tensor = network.group1_b(torch.cat(colours, dim=1))
        return out

    x = residuals(pair[:, :, :16]) - residuals(pair[:, :, 16:])
    for group in (network.group2, network.group3, network.group4, network.group5):
        x = group(x)
    expected = network.fc2(x.mean((2, 3)))
    torch.testing.assert_close(network(pair), expected, atol=1e-5, rtol=1e-5)


def test_swapping_poor_and_rich_changes_the_answer_and_training_moves_all_but_the_filters() -> None:
    torch.manual_seed(0)
    expert = build_expert("patchcraft", settings=TINY, device="cpu")
    network = expert.network.train()
    expert.logits(torch.rand(4, 3, 32, 16)).sum().backward()
    trained = {n for n, p in network.named_parameters() if p.grad is not None}
    assert trained == {n for n, _ in network.named_parameters()} - {"group1.hpf.weight"}
