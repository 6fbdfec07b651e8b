import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundsight.core.errors import FrameError, UsageError
from groundsight.metrics.localisation import (
    false_regions_per_picture,
    matched_ious,
    mean_matched_iou,
    mean_union_iou,
    num_regions,
    pointing_accuracy,
    pointing_hits,
    points_inside,
    union_ious,
)
from groundsight.vision.boxes import Boxes

NONE = Boxes.px([])
BOXES = st.lists(st.lists(st.integers(0, 30), min_size=4, max_size=4), min_size=1, max_size=4).map(
    lambda rows: Boxes.px(rows).ordered()
)


def test_worked_by_hand() -> None:
    found = [Boxes.px([[10, 10, 50, 50]]), NONE]
    true = [Boxes.px([[20, 20, 60, 60]]), Boxes.px([[0, 0, 9, 9]])]
    assert pointing_hits(found, true).tolist() == [1.0, 0.0]
    assert pointing_accuracy(found, true) == 0.5
    assert union_ious(found, true).tolist() == pytest.approx([900 / 2300, 0.0])
    assert mean_union_iou(found, true) == pytest.approx(450 / 2300)


def test_pairs_see_what_areas_do_not() -> None:
    halves, whole = Boxes.px([[0, 0, 5, 10], [5, 0, 10, 10]]), Boxes.px([[0, 0, 10, 10]])
    assert union_ious([halves], [whole]).tolist() == [1.0]
    assert matched_ious([halves], [whole]).tolist() == [0.25]  # one pair of IoU 0.5 over two boxes
    assert matched_ious([whole], [halves]).tolist() == [0.25]
    assert mean_matched_iou([halves, NONE, NONE], [whole, whole, NONE]) == pytest.approx(1.25 / 3)


def test_only_the_first_box_points_but_all_cover() -> None:
    true = Boxes.px([[0, 0, 10, 10]])
    right, wrong = [0, 0, 10, 10], [20, 20, 30, 30]
    assert points_inside(Boxes.px([right, wrong]), true)
    assert not points_inside(Boxes.px([wrong, right]), true)
    assert union_ious([Boxes.px([wrong, right])], [true]).tolist() == [0.5]


@pytest.mark.parametrize(
    ("found", "hit"),
    [
        ([[0, 0, 20, 20]], True),  # centre (10, 10) on the corner of the true box
        ([[0, 0, 19, 20]], False),  # half a pixel outside
        ([[0, 0, 70, 70]], True),  # a large box may point well and cover badly
        ([[40, 40, 20, 20]], True),  # swapped corners have the same centre
        ([[90, 0, 95, 5]], False),
    ],
)
def test_pointing_at_edges(found: list[list[float]], hit: bool) -> None:
    assert points_inside(Boxes.px(found), Boxes.px([[10, 10, 40, 40]])) is hit


def test_any_of_several_true_boxes_may_be_hit() -> None:
    true = Boxes.px([[0, 0, 5, 5], [30, 30, 20, 20]])  # the second with swapped corners
    assert points_inside(Boxes.px([[24, 24, 26, 26]]), true)
    assert not points_inside(Boxes.px([[9, 9, 11, 11]]), true)
    assert not points_inside(Boxes.px([[9, 9, 11, 11]]), NONE)


def test_false_regions_of_untouched_pictures() -> None:
    found = [NONE, Boxes.px([[0, 0, 1, 1]]), Boxes.px([[0, 0, 1, 1], [2, 2, 3, 3]]), NONE]
    assert num_regions(found).tolist() == [0, 1, 2, 0]
    assert false_regions_per_picture(found) == 0.75


@given(st.lists(BOXES, min_size=1, max_size=5))
def test_a_box_points_at_itself_and_covers_itself(sets: list[Boxes]) -> None:
    assert pointing_accuracy(sets, sets) == 1.0
    solid = [float((b.xyxy[:, 2:] > b.xyxy[:, :2]).all(axis=1).any()) for b in sets]
    assert mean_union_iou(sets, sets) == pytest.approx(np.mean(solid))


@given(BOXES, BOXES, st.integers(-50, 50))
def test_moving_both_moves_no_figure(found: Boxes, true: Boxes, step: int) -> None:
    moved = [Boxes.px(boxes.xyxy + step) for boxes in (found, true)]
    assert points_inside(*moved) == points_inside(found, true)
    assert union_ious([moved[0]], [moved[1]]) == pytest.approx(union_ious([found], [true]))


def test_what_can_not_be_scored_is_refused() -> None:
    unit = Boxes.unit([[0, 0, 1, 1]])
    with pytest.raises(FrameError, match="xyxy_px, true ones in xyxy_unit"):
        points_inside(NONE, unit)
    with pytest.raises(FrameError):
        mean_union_iou([NONE], [unit])
    with pytest.raises(UsageError, match="got 1 and 2"):
        pointing_accuracy([NONE], [NONE, NONE])
    with pytest.raises(UsageError, match="at least one"):
        mean_union_iou([], [])
    with pytest.raises(UsageError, match="at least one untouched"):
        false_regions_per_picture([])
