from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.forensics.signal.tiny_expert import MEANS_GRAPH, tiny_network
from tests.forensics.signal.windows import UGLY, constant, noise

from groundsight.forensics.signal.network import (
    CELL_PX,
    HIGH_PASS,
    TILE_CELLS,
    TILE_STEP_CELLS,
    _starts,
)


def test_a_constant_window_by_hand() -> None:
    """Means (200, 200, 200), no spread: crop 2 + 0.25, each cell (200 − 200)/10 + 0.5."""
    score = tiny_network().score(constant(200, 128, 256))
    assert score.logit == pytest.approx(2.25)
    assert score.cells.shape == (16, 32)
    assert score.cells == pytest.approx(0.5)


def test_a_cell_is_its_own_eight_pixels() -> None:
    rgb = constant(50, 136, 128)
    rgb[8:16, 24:32, 0] = 90
    cells = tiny_network().score(rgb).cells
    assert cells[1, 3] == pytest.approx(4.5)
    assert np.delete(cells.ravel(), 1 * 16 + 3) == pytest.approx(0.5)


def test_the_spread_of_a_tile_is_the_sample_standard_deviation() -> None:
    """Half of the 256 cells at 0, half at 10: variance 256 · 25 / 255."""
    rgb = constant(0, 128, 128)
    rgb[64:, :, 2] = 10
    assert tiny_network().score(rgb).logit == pytest.approx(0.25 - (256 * 25 / 255) ** 0.5)


def test_the_logit_is_the_mean_over_tiles_half_a_tile_apart() -> None:
    """192 pixels are 24 cells: tiles start at cells 0 and 8. Rows 128 on are bright.

    The first tile sees none of them, the second half: mean R 0 and 50 → (0 + 0.5)/2 + 0.25.
    """
    rgb = constant(0, 192, 128)
    rgb[128:, :, 0] = 100
    assert tiny_network().score(rgb).logit == pytest.approx(0.25 + 0.25)


@given(st.integers(TILE_CELLS, 300))
def test_tiles_cover_the_window_and_overlap(cells: int) -> None:
    starts = _starts(cells).tolist()
    assert starts[0] == 0
    assert starts[-1] + TILE_CELLS == cells
    assert all(0 < b - a <= TILE_STEP_CELLS for a, b in pairwise(starts))


@pytest.mark.parametrize("window", UGLY)
def test_any_window_gets_a_finite_score_and_cells_of_its_own_only(window: str) -> None:
    rgb = UGLY[window]
    score = tiny_network().score(rgb)
    assert np.isfinite(score.logit)
    expected = tuple(
        side // CELL_PX if side >= TILE_CELLS * CELL_PX else -(-side // CELL_PX)
        for side in rgb.shape[:2]
    )
    assert score.cells.shape == expected
    assert np.isfinite(score.cells).all()


def test_a_small_window_is_continued_for_the_logit() -> None:
    rgb = noise(100, 72)
    whole = np.pad(rgb, ((0, 28), (0, 56), (0, 0)), mode="symmetric")
    assert tiny_network().score(rgb).logit == tiny_network().score(whole).logit
    assert tiny_network().features(rgb).shape == (3, 16, 16)


def test_sides_are_cut_to_whole_cells() -> None:
    rgb = noise(143, 135)
    assert np.array_equal(
        tiny_network().features(rgb), tiny_network().features(rgb[:136, :128].copy())
    )
    assert tiny_network().score(rgb).cells.shape == (17, 16)


def test_the_high_pass_sees_no_ramp() -> None:
    kernel = np.array(HIGH_PASS)
    y, x = np.mgrid[0:3, 0:3]
    for plane in (np.ones((3, 3)), y, x, x * y):
        assert (kernel * plane).sum() == pytest.approx(0)


def test_the_frozen_graph_is_what_it_says() -> None:
    onnx = pytest.importorskip("onnx", reason="onnx is in the extra `fit`")
    pool = onnx.helper.make_node(
        "AveragePool", ["pixels"], ["features"], kernel_shape=[8, 8], strides=[8, 8]
    )
    tensor, kind = onnx.helper.make_tensor_value_info, onnx.TensorProto.FLOAT
    body = onnx.helper.make_graph(
        [pool],
        "means",
        [tensor("pixels", kind, [1, 3, "H", "W"])],
        [tensor("features", kind, [1, 3, "R", "K"])],
    )
    opset = [onnx.helper.make_opsetid("", 17)]
    model = onnx.helper.make_model(body, opset_imports=opset, ir_version=9)
    assert model.SerializeToString(deterministic=True) == MEANS_GRAPH
