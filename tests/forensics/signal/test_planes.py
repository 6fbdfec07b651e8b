import numpy as np
import pytest
import scipy.fft
import scipy.ndimage
from hypothesis import given
from hypothesis import strategies as st
from tests.forensics.signal.windows import constant, noise

from groundsight.forensics.signal.planes import (
    FIRST,
    SECOND,
    SQUARE_5,
    THIRD,
    Planes,
    at_least,
    block_mean,
    dct_matrix,
    difference,
    patches,
    quantiles,
    square_3,
    square_5,
)

PLANE = noise(23, 31)[..., 0].astype(np.float32)


def test_luma_and_chroma_of_pure_colours() -> None:
    white = Planes.of(constant(255))
    assert white.y == pytest.approx(255, abs=1e-3)
    assert white.cb == pytest.approx(0, abs=1e-3)
    assert white.cr == pytest.approx(0, abs=1e-3)
    red = Planes.of(constant(0) + np.array([255, 0, 0], dtype=np.uint8))
    assert red.y == pytest.approx(76.245, abs=1e-3)
    assert red.cb == pytest.approx(-76.245 * 0.564, abs=1e-3)
    assert red.cr == pytest.approx(178.755 * 0.713, abs=1e-3)
    assert red.channels[0] is red.y
    assert {plane.dtype for plane in red.channels} == {np.dtype(np.float32)}


@pytest.mark.parametrize("taps", [FIRST, SECOND, THIRD])
@pytest.mark.parametrize("axis", [0, 1])
def test_a_difference_is_the_valid_part_of_a_correlation(
    taps: tuple[float, ...], axis: int
) -> None:
    before = PLANE.copy()
    found = difference(PLANE, taps, axis)
    full = scipy.ndimage.correlate1d(PLANE.astype(np.float64), taps, axis=axis)
    start, size = len(taps) // 2, PLANE.shape[axis] - len(taps) + 1
    expected = full.take(range(start, start + size), axis=axis)
    assert found.shape == expected.shape
    assert found == pytest.approx(expected, abs=1e-3)
    assert np.array_equal(PLANE, before)


@pytest.mark.parametrize(("taps", "degree"), [(FIRST, 0), (SECOND, 1), (THIRD, 2)])
def test_a_difference_of_order_n_sees_no_polynomial_below_it(
    taps: tuple[float, ...], degree: int
) -> None:
    x = np.arange(12.0, dtype=np.float32)
    below, at = (np.tile(x**power, (3, 1)) for power in (degree, degree + 1))
    assert difference(below, taps, 1) == pytest.approx(0, abs=1e-4)
    assert np.abs(difference(at, taps, 1)).min() > 0.3


def test_the_square_residuals_are_those_of_the_rich_model() -> None:
    three = np.array([[-1, 2, -1], [2, -4, 2], [-1, 2, -1]]) / 4
    for operator, kernel in ((square_3, three), (square_5, SQUARE_5)):
        margin = len(kernel) // 2
        full = scipy.ndimage.correlate(PLANE.astype(np.float64), kernel)
        expected = full[margin:-margin, margin:-margin]
        assert operator(PLANE) == pytest.approx(expected, abs=1e-3)
        impulse = np.zeros((2 * len(kernel) - 1,) * 2, dtype=np.float32)
        impulse[len(kernel) - 1, len(kernel) - 1] = 1
        assert operator(impulse) == pytest.approx(kernel, abs=1e-6)
        assert operator(np.full((9, 9), 200, dtype=np.float32)) == pytest.approx(0, abs=1e-3)


def test_block_means_by_hand_and_ragged_edges_are_cut() -> None:
    plane = np.array([[1, 3, 5, 7, 9], [1, 3, 5, 7, 9], [100, 100, 100, 100, 100]], np.float32)
    assert block_mean(plane, 2).tolist() == [[2, 6]]
    assert block_mean(plane, 3) == pytest.approx(np.array([[(2 * 9 + 300) / 9]]))
    assert block_mean(plane, 4).shape == (0, 1)


def test_patches_run_row_by_row_over_a_grid() -> None:
    plane = np.arange(20, dtype=np.float32).reshape(4, 5)
    assert patches(plane, 2, 2).tolist() == [
        [0, 1, 5, 6],
        [2, 3, 7, 8],
        [10, 11, 15, 16],
        [12, 13, 17, 18],
    ]
    assert patches(plane, 2, 2, offset=1).tolist() == [[6, 7, 11, 12], [8, 9, 13, 14]]
    assert patches(plane, 3, 1).shape == (2 * 3, 9)


@pytest.mark.parametrize("side", [2, 4, 8])
def test_the_dct_matrix_is_the_orthonormal_dct(side: int) -> None:
    patch = PLANE[:side, :side]
    expected = scipy.fft.dctn(patch.astype(np.float64), norm="ortho").ravel()
    assert patch.ravel() @ dct_matrix(side) == pytest.approx(expected, abs=1e-2)
    assert dct_matrix(side) @ dct_matrix(side).T == pytest.approx(np.eye(side * side), abs=1e-6)


def test_quantiles_are_of_all_values() -> None:
    plane = np.arange(101, dtype=np.float32).reshape(101, 1)
    assert quantiles(plane, (0.0, 0.25, 1.0)).tolist() == [0, 25, 100]


def test_a_short_side_is_continued_by_mirroring() -> None:
    rgb = noise(2, 3)
    grown = at_least(rgb, 5)
    assert grown.shape == (5, 5, 3)
    assert np.array_equal(grown[:2, :3], rgb)
    assert np.array_equal(grown[2], grown[1])  # the edge itself is repeated
    assert np.array_equal(grown[:, 3], grown[:, 2])
    assert np.array_equal(grown[:, 4], grown[:, 1])
    assert at_least(noise(2, 9), 5).shape == (5, 9, 3)
    assert np.array_equal(at_least(rgb[:1, :1], 4), np.broadcast_to(rgb[0, 0], (4, 4, 3)))


@given(height=st.integers(1, 40), width=st.integers(1, 40), side=st.integers(1, 40))
def test_at_least_grows_only_what_is_short(height: int, width: int, side: int) -> None:
    rgb = noise(height, width)
    grown = at_least(rgb, side)
    assert grown.shape == (max(height, side), max(width, side), 3)
    assert np.array_equal(grown[:height, :width], rgb)
    assert at_least(grown, side) is grown
