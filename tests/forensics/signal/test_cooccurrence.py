import math

import numpy as np
import pytest
from tests.forensics.signal.windows import constant, from_luma, noise

from groundsight.forensics.signal.cooccurrence import colour_cooccurrences, residual_cooccurrences
from groundsight.forensics.signal.planes import RGB, Planes

CELLS = 39  # of 5³ triples, after those that are negatives or mirror images are merged
COLOUR_CELLS = 63  # after negatives are merged
SEVERAL = noise(90, 100)


def histograms(planes: Planes) -> list[list[float]]:
    return residual_cooccurrences(planes).reshape(20, CELLS).tolist()


def test_a_constant_plane_puts_all_mass_in_the_centre_cell() -> None:
    """(0, 0, 0) is its own negative and mirror image: four copies of the whole, root of 4."""
    for histogram in histograms(Planes.of(constant(100))):
        assert histogram[-1] == pytest.approx(2)  # the centre has the highest number of all cells
        assert histogram[:-1] == [0] * (CELLS - 1)
    colour = colour_cooccurrences(Planes.of(constant(100))).reshape(2, COLOUR_CELLS)
    assert colour[:, -1] == pytest.approx(math.sqrt(2))
    assert not colour[:, :-1].any()


def test_vertical_stripes_alternate_across_and_are_still_along() -> None:
    """Steps +2, −2, +2 in each row: the triple (4, 0, 4) and, down the columns, (2, 2, 2).

    Half of the triples each. (4, 0, 4) and its negative (0, 4, 0) are one cell: two copies of a
    half, root of 2 · 1/2 = 1. (2, 2, 2) holds the other half: root of 4 · 1/2.
    """
    side = 67  # 66 differences a row and 64 triples; all 65 rows of triples run down
    y = np.tile(100 + 2 * (np.arange(side, dtype=np.float32) % 2), (side, 1))
    first_step_1, across = histograms(from_luma(y))[:2]
    along = [value for value in first_step_1 if value > 0]
    assert sorted(along) == pytest.approx([1, math.sqrt(2)], abs=0.02)
    # Across the difference, each triple is thrice the same level: (4, 4, 4) and (0, 0, 0) merge.
    assert sorted(value for value in across if value > 0) == pytest.approx(
        [1, math.sqrt(2)], abs=0.02
    )


def test_large_residuals_are_cut_to_the_last_level() -> None:
    low, high = (np.tile(step * (np.arange(70.0) % 2), (70, 1)) for step in (2, 200))
    assert histograms(from_luma(low.astype(np.float32)))[0] == pytest.approx(
        histograms(from_luma(high.astype(np.float32)))[0]
    )


def test_shares_of_all_cells_sum_to_one() -> None:
    """A cell's square is 4 · share of one of the triples merged in it: 4, 2 or 1 of them."""
    counts = np.zeros((5, 5, 5))
    for cell in np.ndindex(5, 5, 5):
        mirrored = cell[::-1]
        orbit = {cell, mirrored, *(tuple(4 - i for i in c) for c in (cell, mirrored))}
        counts[min(orbit)] = len(orbit)
    sizes = counts.ravel()[np.flatnonzero(counts.ravel())]
    assert len(sizes) == CELLS
    for histogram in histograms(Planes.of(SEVERAL)):
        assert (np.square(histogram) / 4 * sizes).sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    "changed",
    [SEVERAL[:, ::-1], SEVERAL[::-1], SEVERAL.transpose(1, 0, 2), 255 - SEVERAL],
    ids=["mirrored", "upside down", "transposed", "negative"],
)
def test_mirrored_turned_and_negative_windows_look_the_same(changed: RGB) -> None:
    one, other = Planes.of(SEVERAL), Planes.of(np.ascontiguousarray(changed))
    assert np.array_equal(colour_cooccurrences(one), colour_cooccurrences(other))
    # Luma is no whole number: a few residuals fall to the other side of a rounding border.
    assert residual_cooccurrences(one) == pytest.approx(residual_cooccurrences(other), abs=0.02)


def test_colour_that_moves_together_fills_the_diagonal_alone() -> None:
    grey = np.repeat(noise(80, 80)[..., :1], 3, axis=2)
    cells = colour_cooccurrences(Planes.of(grey)).reshape(2, COLOUR_CELLS)
    diagonal = [0, 31, 62]  # (0, 0, 0), (1, 1, 1) and (2, 2, 2) of 5³
    assert (cells[:, diagonal] > 0).all()
    assert not np.delete(cells, diagonal, axis=1).any()
    # A cell's square is its share, the centre's twice that: it is its own negative.
    assert np.square(cells[:, [0, 31]]).sum(axis=1) + np.square(cells[:, 62]) / 2 == pytest.approx(
        1, abs=1e-5
    )
