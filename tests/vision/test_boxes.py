import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundsight.core.errors import FrameError
from groundsight.vision.boxes import (
    FARTHEST,
    Boxes,
    areas,
    match_boxes,
    matched_iou,
    pairwise_iou,
    union_area,
    union_iou,
)

SIDE = 24
Rows = list[list[float]]


def rows(side: int = SIDE, most: int = 6) -> st.SearchStrategy[Rows]:
    """Integer boxes on a small canvas; some have no area, some are inverted."""
    number = st.integers(0, side)
    return st.lists(st.lists(number, min_size=4, max_size=4), max_size=most)


def real_rows() -> st.SearchStrategy[Rows]:
    number = st.floats(-1e6, 1e6)
    return st.lists(st.lists(number, min_size=4, max_size=4), min_size=1, max_size=5)


def raster(boxes: Boxes, side: int = SIDE) -> npt.NDArray[np.bool_]:
    """Paint integer boxes pixel by pixel: the slow truth."""
    canvas = np.zeros((side, side), dtype=np.bool_)
    for x0, y0, x1, y1 in boxes.xyxy.astype(int).tolist():
        canvas[y0:y1, x0:x1] = True
    return canvas


def test_two_boxes_that_overlap_in_a_quarter() -> None:
    # 20×20 each, shifted by 10: 100 in common, 700 together.
    assert pairwise_iou(Boxes.px([[0, 0, 20, 20]]), Boxes.px([[10, 10, 30, 30]])) == 100 / 700


def test_pairs_have_one_row_a_prediction_and_one_column_a_truth() -> None:
    pred = Boxes.px([[0, 0, 10, 10], [0, 0, 5, 10]])
    true = Boxes.px([[0, 0, 10, 10], [10, 0, 20, 10], [0, 0, 5, 10]])
    assert pairwise_iou(pred, true).tolist() == [[1.0, 0.0, 0.5], [0.5, 0.0, 1.0]]


def test_boxes_that_only_touch_share_nothing() -> None:
    assert pairwise_iou(Boxes.px([[0, 0, 5, 5]]), Boxes.px([[5, 0, 9, 5]])) == 0.0


def test_a_union_counts_common_area_once() -> None:
    cross = Boxes.px([[0, 10, 30, 20], [10, 0, 20, 30]])  # 300 + 300 - 100
    assert union_area(cross) == 500.0
    assert union_iou(cross, Boxes.px([[10, 10, 20, 20]])) == 100 / 500
    assert union_iou(cross, cross) == 1.0


def test_fragments_of_a_box_cover_what_the_box_covers() -> None:
    whole = Boxes.px([[0, 0, 20, 20]])
    quarters = Boxes.px([[0, 0, 10, 10], [10, 0, 20, 10], [0, 10, 10, 20], [10, 10, 20, 20]])
    assert union_iou(quarters, whole) == 1.0
    assert matched_iou(quarters, whole) == 0.25 / 4  # matching does punish fragments


def test_matching_maximises_the_sum_and_not_the_first_pair() -> None:
    # Greedy would give pred 0 its best truth (0: IoU 0.8) and leave pred 1 with nothing.
    pred = Boxes.px([[0, 0, 10, 10], [0, 0, 8, 10]])
    true = Boxes.px([[0, 0, 8, 10], [2, 0, 10, 10]])
    assert [(m.pred, m.true) for m in match_boxes(pred, true)] == [(0, 1), (1, 0)]
    assert matched_iou(pred, true) == pytest.approx((0.8 + 1.0) / 2)


def test_missing_and_surplus_boxes_cost_alike() -> None:
    one, two = Boxes.px([[0, 0, 4, 4]]), Boxes.px([[0, 0, 4, 4], [8, 8, 9, 9]])
    assert matched_iou(one, two) == matched_iou(two, one) == 0.5


def test_nothing_against_nothing() -> None:
    none, one = Boxes.px([]), Boxes.px([[0, 0, 1, 1]])
    assert matched_iou(none, none) == 1.0
    assert union_iou(none, none) == 0.0
    assert union_iou(none, one) == matched_iou(none, one) == 0.0
    assert union_area(none) == 0.0
    assert pairwise_iou(none, one).shape == (0, 1)
    assert match_boxes(none, one) == []


def test_inverted_and_flat_boxes_have_no_area_until_they_are_ordered() -> None:
    boxes = Boxes.px([[10, 20, 0, 0], [3, 3, 3, 9], [10, 0, 0, 20]])
    assert areas(boxes).tolist() == [0.0, 0.0, 0.0]
    assert union_area(boxes) == 0.0
    assert boxes.ordered().xyxy.tolist() == [[0, 0, 10, 20], [3, 3, 3, 9], [0, 0, 10, 20]]


def test_clipping_keeps_what_lies_inside() -> None:
    boxes = Boxes.px([[-5, -5, 5, 5], [90, 40, 200, 60], [300, 300, 400, 400]])
    assert boxes.clipped(100, 50).xyxy.tolist() == [
        [0, 0, 5, 5],
        [90, 40, 100, 50],
        [100, 50, 100, 50],
    ]


def test_frames_do_not_mix() -> None:
    px, unit = Boxes.px([[0, 0, 1, 1]]), Boxes.unit([[0, 0, 1, 1]])
    for measure in (pairwise_iou, union_iou, match_boxes, matched_iou):
        with pytest.raises(FrameError, match="different frames, xyxy_px and xyxy_unit"):
            measure(px, unit)
    with pytest.raises(FrameError):
        matched_iou(Boxes.px([]), Boxes.unit([]))


@pytest.mark.parametrize(
    "xyxy",
    [
        [[1, 2, 3]],  # three numbers
        [1, 2, 3, 4],  # a bare box
        [[1, 2, 3, 4], [1, 2, 3]],  # ragged
        [[[1, 2, 3, 4]]],  # one level too deep
        [[1, 2, 3, math.nan]],
        [[1, 2, 3, math.inf]],
        [["a", 2, 3, 4]],
        [[10**400, 2, 3, 4]],  # no float holds it
        [[None, 2, 3, 4]],
    ],
)
def test_what_is_no_box_is_refused(xyxy: list[list[float]]) -> None:
    with pytest.raises(FrameError, match="boxes must be"):
        Boxes.px(xyxy)


def test_numbers_of_any_size_are_measured_without_overflow() -> None:
    huge = Boxes.px([[-1e308, -1e308, 1e308, 1e308], [0, 0, 10, 10]])
    assert huge.xyxy[0].tolist() == [-FARTHEST, -FARTHEST, FARTHEST, FARTHEST]
    assert pairwise_iou(huge, huge).diagonal().tolist() == [1.0, 1.0]
    assert union_iou(huge, huge) == 1.0
    assert matched_iou(huge, huge) == 1.0


def test_boxes_do_not_change_when_their_source_does() -> None:
    source = np.array([[0.0, 0.0, 1.0, 1.0]])
    boxes = Boxes.px(source)
    source[0, 2] = 9.0
    assert boxes.xyxy[0, 2] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        boxes.xyxy[0, 0] = 5.0


@given(rows(), rows())
def test_unions_equal_painting_every_pixel(first: Rows, second: Rows) -> None:
    pred, true = Boxes.px(first), Boxes.px(second)
    in_pred, in_true = raster(pred), raster(true)
    assert union_area(pred) == in_pred.sum()
    either = (in_pred | in_true).sum()
    expected = (in_pred & in_true).sum() / either if either else 0.0
    assert union_iou(pred, true) == pytest.approx(expected, abs=1e-12)


@given(rows(), rows())
def test_pairs_equal_painting_every_pixel(first: Rows, second: Rows) -> None:
    pred, true = Boxes.px(first), Boxes.px(second)
    iou = pairwise_iou(pred, true)
    for p, t in np.ndindex(*iou.shape):
        one, other = raster(Boxes.px(pred.xyxy[[p]])), raster(Boxes.px(true.xyxy[[t]]))
        either = (one | other).sum()
        assert iou[p, t] == pytest.approx((one & other).sum() / either if either else 0.0)


@given(real_rows(), real_rows())
def test_every_iou_is_symmetric_and_between_0_and_1(first: Rows, second: Rows) -> None:
    pred, true = Boxes.px(first).ordered(), Boxes.px(second).ordered()
    pairs = pairwise_iou(pred, true)
    assert np.array_equal(pairs, pairwise_iou(true, pred).T)
    assert ((pairs >= 0) & (pairs <= 1)).all()
    for measure in (union_iou, matched_iou):
        value = measure(pred, true)
        assert 0.0 <= value <= 1.0 + 1e-12
        assert value == pytest.approx(measure(true, pred), abs=1e-9)


@given(real_rows())
def test_every_set_with_area_matches_itself(xyxy: Rows) -> None:
    boxes = Boxes.px(xyxy).ordered()
    if (areas(boxes) > 0).all():
        assert matched_iou(boxes, boxes) == pytest.approx(1.0)
        assert union_iou(boxes, boxes) == pytest.approx(1.0)


@given(rows(), rows())
def test_matches_are_one_to_one_and_never_empty_pairs(first: Rows, second: Rows) -> None:
    matches = match_boxes(Boxes.px(first), Boxes.px(second))
    assert len({m.pred for m in matches}) == len({m.true for m in matches}) == len(matches)
    assert all(m.iou > 0 for m in matches)


@given(rows())
def test_order_of_boxes_changes_no_union(xyxy: Rows) -> None:
    assert union_area(Boxes.px(xyxy)) == union_area(Boxes.px(xyxy[::-1]))
