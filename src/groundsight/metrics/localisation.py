"""Scores of where: do the regions found in pictures lie on the true ones?

found = [Boxes.px([[10, 10, 50, 50]]), Boxes.px([])]      # one entry a picture, best region first
true = [Boxes.px([[20, 20, 60, 60]]), Boxes.px([[0, 0, 9, 9]])]
pointing_accuracy(found, true)     # 0.5: the first picture's centre (30, 30) hits
mean_union_iou(found, true)        # (900 / 2300 + 0) / 2
mean_matched_iou(found, true)      # the same here: one box each

Each mean has its row of numbers by picture beside it, for intervals and slices.
"""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from groundsight.core.errors import FrameError, UsageError
from groundsight.vision.boxes import Boxes, matched_iou, union_iou

FloatArray: TypeAlias = npt.NDArray[np.float64]


def points_inside(found: Boxes, true: Boxes) -> bool:
    """Whether the centre of the first found box lies in some true box, edges included.

    Args:
        found: P boxes, best first; P = 0 never hits.
        true: T boxes in the same frame.

    Raises:
        FrameError: the frames differ.

    Source: the pointing game of Zhang et al. 2016 (arXiv 1608.00507), with the centre of the best
    box as the point and no tolerance around the true region.
    """
    if found.frame != true.frame:
        raise FrameError(f"found boxes are in {found.frame}, true ones in {true.frame}")
    if len(found) == 0 or len(true) == 0:
        return False
    best, true = found.xyxy[0], true.ordered()
    centre = (best[:2] + best[2:]) / 2
    inside = (true.xyxy[:, :2] <= centre) & (centre <= true.xyxy[:, 2:])
    return bool(inside.all(axis=1).any())


def pointing_hits(found: Sequence[Boxes], true: Sequence[Boxes]) -> FloatArray:
    """(N,) 1.0 where the first found box points into a true one, else 0.0."""
    return np.array([float(points_inside(f, t)) for f, t in _pairs(found, true)])


def union_ious(found: Sequence[Boxes], true: Sequence[Boxes]) -> FloatArray:
    """(N,) IoU of the covered areas; 0.0 where nothing was found."""
    return np.array([union_iou(f.ordered(), t.ordered()) for f, t in _pairs(found, true)])


def matched_ious(found: Sequence[Boxes], true: Sequence[Boxes]) -> FloatArray:
    """(N,) IoU of the best one-to-one pairs over the larger number of boxes.

    Unlike the IoU of the areas it sees one region cut into many, and many taken for one. 1.0 where
    there is nothing to find and nothing was found.
    """
    return np.array([matched_iou(f.ordered(), t.ordered()) for f, t in _pairs(found, true)])


def num_regions(found: Sequence[Boxes]) -> FloatArray:
    """(N,) number of boxes; on untouched pictures every one of them is false."""
    return np.array([len(boxes) for boxes in found], dtype=np.float64)


def pointing_accuracy(found: Sequence[Boxes], true: Sequence[Boxes]) -> float:
    """Share of pictures whose first found box points into a true one.

    Args:
        found: N sets of boxes, best first.
        true: N sets in the same frames.

    Returns:
        In [0, 1]; a picture without found boxes is a miss.

    Raises:
        UsageError: no pictures, or a different number of sets.
        FrameError: frames of a picture differ.
    """
    return float(pointing_hits(found, true).mean())


def mean_union_iou(found: Sequence[Boxes], true: Sequence[Boxes]) -> float:
    """Mean IoU between the areas found and the true ones.

    Args:
        found: N sets of boxes.
        true: N sets in the same frames.

    Returns:
        In [0, 1]; a picture without found boxes counts as 0.

    Raises:
        UsageError: no pictures, or a different number of sets.
        FrameError: frames of a picture differ.
    """
    return float(union_ious(found, true).mean())


def mean_matched_iou(found: Sequence[Boxes], true: Sequence[Boxes]) -> float:
    """Mean IoU of regions paired one to one; missing and surplus ones count as 0.

    Args:
        found: N sets of boxes.
        true: N sets in the same frames.

    Returns:
        In [0, 1].

    Raises:
        UsageError: no pictures, or a different number of sets.
        FrameError: frames of a picture differ.
    """
    return float(matched_ious(found, true).mean())


def false_regions_per_picture(found: Sequence[Boxes]) -> float:
    """Mean number of regions found in pictures that have none.

    Args:
        found: N sets of boxes, of untouched pictures.

    Raises:
        UsageError: no pictures.
    """
    if not found:
        raise UsageError("at least one untouched picture is needed")
    return float(num_regions(found).mean())


def _pairs(found: Sequence[Boxes], true: Sequence[Boxes]) -> list[tuple[Boxes, Boxes]]:
    if len(found) != len(true) or not found:
        raise UsageError(
            "found and true need one set of boxes a picture, at least one; got "
            f"{len(found)} and {len(true)}"
        )
    return list(zip(found, true, strict=True))
