import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from groundsight.forensics.signal.expert import NO_CELLS, SignalScore
from groundsight.forensics.signal.planes import Plane
from groundsight.forensics.signal.regions import (
    CLIP,
    FOREIGN,
    GENERATED_THROUGHOUT,
    MAX_REGIONS,
    STRONGEST,
    CellBox,
    ScanSettings,
    best_rectangle,
    find_regions,
    scan,
)


def cells_with(*boxes: tuple[slice, slice], side: int = 60, low: float = -2.0) -> Plane:
    """A map at `low` with rectangles at 3."""
    cells = np.full((side, side), low, dtype=np.float32)
    for box in boxes:
        cells[box] = 3.0
    return cells


def score(cells: Plane, p_fake: float | None = 0.1, cell_px: float = 8.0) -> SignalScore:
    return SignalScore(p_fake, "", {}, cells, cell_px)


def by_trying_all(excess: npt.NDArray[np.float64]) -> float:
    rows, columns = excess.shape
    return max(
        float(excess[y0:y1, x0:x1].sum())
        for y0 in range(rows)
        for y1 in range(y0 + 1, rows + 1)
        for x0 in range(columns)
        for x1 in range(x0 + 1, columns + 1)
    )


def test_the_best_rectangle_by_hand() -> None:
    excess = np.array(
        [
            [-1.0, -1.0, -1.0, -1.0],
            [-1.0, 2.0, 2.0, -1.0],
            [-1.0, 2.0, -1.0, 4.0],
        ]
    )
    assert best_rectangle(excess) == (8.0, CellBox(1, 1, 3, 4))


@settings(max_examples=60)
@given(
    arrays(np.int8, st.tuples(st.integers(1, 5), st.integers(1, 5)), elements=st.integers(-5, 5))
)
def test_the_best_rectangle_is_the_best_of_all(excess: npt.NDArray[np.int8]) -> None:
    gain, box = best_rectangle(excess.astype(np.float64))
    assert gain == by_trying_all(excess.astype(np.float64))
    assert excess[box.rows, box.columns].sum() == gain
    assert box.y0 < box.y1
    assert box.x0 < box.x1


def test_forbidden_cells_stay_out() -> None:
    excess = np.ones((6, 7))
    excess[2, 3] = -np.inf
    gain, box = best_rectangle(excess)
    assert gain == pytest.approx(21, abs=1e-3)
    assert not (box.y0 <= 2 < box.y1 and box.x0 <= 3 < box.x1)


SETTINGS = ScanSettings(quantile=0.5, share=0.5, offset=0.6, min_strength=4.0, min_side=3)


def test_a_planted_rectangle_is_found_to_the_cell() -> None:
    cells = cells_with((slice(4, 10), slice(11, 20)), side=30)
    assert scan(cells, SETTINGS) == [CellBox(4, 11, 10, 20)]


def test_several_come_strongest_first_and_do_not_overlap() -> None:
    boxes = [
        (slice(1, 5), slice(1, 5)),
        (slice(10, 17), slice(10, 17)),
        (slice(20, 25), slice(2, 8)),
    ]
    found = scan(cells_with(*boxes, side=30), SETTINGS)
    assert found == [CellBox(10, 10, 17, 17), CellBox(20, 2, 25, 8), CellBox(1, 1, 5, 5)]


def test_a_strip_too_narrow_is_no_region_and_hides_none() -> None:
    strip, square = (slice(0, 2), slice(0, 28)), (slice(10, 14), slice(10, 14))
    assert scan(cells_with(strip, square, side=30), SETTINGS) == [CellBox(10, 10, 14, 14)]


def test_no_more_than_the_most() -> None:
    boxes = [(slice(y, y + 4), slice(x, x + 4)) for y in (1, 9, 17) for x in (1, 9, 17)]
    assert len(scan(cells_with(*boxes, side=30), SETTINGS)) == MAX_REGIONS == 3


@pytest.mark.parametrize("level", [-9.0, 0.0, 0.5])
def test_an_even_map_has_no_region_in_an_unsuspicious_picture(level: float) -> None:
    assert find_regions(score(np.full((60, 60), level, np.float32)), 480, 480) == []


def test_a_foreign_region_in_pixels() -> None:
    """Cells 20 … 40 of 8 pixels; merged by two, their edges are whole."""
    cells = cells_with((slice(20, 40), slice(10, 40)))
    (region,) = find_regions(score(cells), 480, 480)
    assert region.xyxy_px == (80, 160, 320, 320)
    assert region.score == pytest.approx(1 / (1 + math.exp(-3)))
    assert not region.relative


def test_the_same_region_of_a_picture_that_was_scaled_down() -> None:
    cells = cells_with((slice(20, 40), slice(10, 40)))
    (region,) = find_regions(score(cells, cell_px=20.0), 1200, 1200)
    assert region.xyxy_px == (200, 400, 800, 800)


def test_a_picture_generated_throughout_has_relative_regions() -> None:
    cells = cells_with((slice(20, 40), slice(10, 30)), low=1.5)
    (region,) = find_regions(score(cells, p_fake=0.9), 480, 480)
    assert region.relative
    assert region.xyxy_px == (80, 160, 240, 320)


def test_what_is_relative_is_decided_by_the_whole_picture() -> None:
    cells = cells_with((slice(20, 40), slice(10, 40)))
    below, at = (
        find_regions(score(cells, p), 480, 480)[0]
        for p in (GENERATED_THROUGHOUT - 1e-3, GENERATED_THROUGHOUT)
    )
    assert (below.relative, at.relative) == (False, True)


def test_one_blaring_spot_is_no_region() -> None:
    cells = cells_with()
    cells[30:32, 30:32] = 1e6
    assert 1.6 + CLIP < FOREIGN.min_strength
    assert find_regions(score(cells), 480, 480) == []


def test_nothing_measured_or_too_small_a_map_has_no_region() -> None:
    assert find_regions(score(NO_CELLS, p_fake=None), 100, 100) == []
    least = 2 * STRONGEST.min_side
    assert find_regions(score(np.full((least - 1, 60), 3.0, np.float32), 0.9), 480, 48) == []


@settings(max_examples=60)
@given(
    height=st.integers(64, 400),
    width=st.integers(64, 400),
    seed=st.integers(0, 2**32 - 1),
    p_fake=st.sampled_from([0.2, 0.9]),
)
def test_regions_lie_inside_the_picture_and_apart(
    height: int, width: int, seed: int, p_fake: float
) -> None:
    rng = np.random.default_rng(seed)
    coarse = rng.normal(0, 4, (height // 32, width // 32)).repeat(4, 0).repeat(4, 1)
    found = find_regions(score(coarse.astype(np.float32), p_fake), width, height)
    for i, region in enumerate(found):
        x0, y0, x1, y1 = region.xyxy_px
        assert 0 <= x0 < x1 <= width
        assert 0 <= y0 < y1 <= height
        assert 0 <= region.score <= 1
        for other in found[:i]:
            a0, b0, a1, b1 = other.xyxy_px
            assert min(x1, a1) <= max(x0, a0) or min(y1, b1) <= max(y0, b0)
