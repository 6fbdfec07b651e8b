"""Values of boxes that several suites share; the IoUs themselves are `vision.boxes`'."""

from collections.abc import Sequence

import numpy as np

from groundsight.vision.boxes import Boxes, pairwise_iou, union_area

MOST_BOXES = 100
"Of a picture, the first ones: COCO's maxDets."
# COCO's guard, so that a threshold of 1 can be met in floats.
_NEARLY_ONE = 1 - 1e-10


def iou_values(iou: float, thresholds: Sequence[float]) -> dict[str, float | None]:
    """`iou`, and `acc@T` for each threshold: 1.0 where the IoU reaches it."""
    return {"iou": iou, **{f"acc@{t:g}": float(iou >= t) for t in thresholds}}


def overlap_areas(found: Boxes, true: Boxes) -> tuple[float, float]:
    """Areas that both sets of rectangles cover, and that either does.

    Args:
        found: P boxes, P may be 0.
        true: T boxes in the same frame, T may be 0.
    """
    either = union_area(Boxes(np.concatenate([found.xyxy, true.xyxy]), found.frame))
    both = union_area(found) + union_area(true) - either
    return max(both, 0.0), either


def coco_hits(
    found: Boxes, true: Boxes, thresholds: Sequence[float]
) -> tuple[tuple[bool, ...], ...]:
    """Which found boxes meet a true one, as COCO pairs them.

    At each threshold the found boxes choose in order, each the free true box with the highest IoU
    that reaches it; of equal ones the later.

    Args:
        found: P boxes, most certain first; those beyond `MOST_BOXES` are left out.
        true: T boxes in the same frame.
        thresholds: of IoU.

    Returns:
        For each found box whether it meets one, by threshold.

    Source: pycocotools COCOeval.evaluateImg, without crowds.
    """
    iou = pairwise_iou(Boxes(found.xyxy[:MOST_BOXES], found.frame), true)
    columns = [_hits(iou, min(threshold, _NEARLY_ONE)) for threshold in thresholds]
    return tuple(zip(*columns, strict=True))


def _hits(iou: np.ndarray, threshold: float) -> list[bool]:
    free = np.ones(iou.shape[1], dtype=bool)
    hits = []
    for row in iou:
        open_to_it = np.where(free, row, -1.0)
        best = len(row) - 1 - int(open_to_it[::-1].argmax()) if len(row) else -1
        hit = best >= 0 and bool(open_to_it[best] >= threshold)
        if hit:
            free[best] = False
        hits.append(hit)
    return hits
