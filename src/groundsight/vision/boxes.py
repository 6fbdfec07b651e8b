"""Boxes that carry their frame, and the one IoU that rewards, metrics and matching share.

pred = Boxes.px([[10, 10, 50, 50]])
true = Boxes.px([[20, 20, 60, 60], [0, 0, 5, 5]])
pairwise_iou(pred, true)   # (1, 2)
union_iou(pred, true)      # overlap of the covered areas, exact for overlapping boxes
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast

import numpy as np
import numpy.typing as npt

from groundsight.core.errors import FrameError

FloatArray = npt.NDArray[np.float64]
PX = "xyxy_px"
UNIT = "xyxy_unit"
# Frames of what a model writes are named "xyxy_model:FAMILY", see vision.frames.

# A hostile reply may write 1e308: coordinates are cut here so that no product overflows.
FARTHEST = 1e100


@dataclass(frozen=True, eq=False)
class Boxes:
    """Rectangles of one frame.

    Args:
        xyxy: (N, 4): x0, y0, x1, y1; N may be 0. Kept as a read-only float64 copy,
            cut at ±1e100.
        frame: "xyxy_px", "xyxy_unit" or "xyxy_model:FAMILY".

    Raises:
        FrameError: not an (N, 4) array of finite numbers.
    """

    xyxy: FloatArray
    frame: str

    def __post_init__(self) -> None:
        try:
            array = np.array(self.xyxy, dtype=np.float64)
        except (TypeError, ValueError, OverflowError) as error:
            raise FrameError(f"boxes must be rows of four numbers: {error}") from None
        if array.size == 0:
            array = array.reshape(0, 4)
        if array.ndim != 2 or array.shape[1] != 4:
            raise FrameError(f"boxes must be (N, 4), got {array.shape}")
        if not np.isfinite(array).all():
            raise FrameError("boxes must be finite numbers")
        array = np.clip(array, -FARTHEST, FARTHEST)
        array.setflags(write=False)
        object.__setattr__(self, "xyxy", array)

    @classmethod
    def px(cls, xyxy: Sequence[Sequence[float]] | FloatArray) -> "Boxes":
        """Boxes in pixels of the original picture after EXIF rotation."""
        return cls(cast(FloatArray, xyxy), PX)

    @classmethod
    def unit(cls, xyxy: Sequence[Sequence[float]] | FloatArray) -> "Boxes":
        """Boxes in fractions of the picture's width and height, 0 to 1."""
        return cls(cast(FloatArray, xyxy), UNIT)

    def __len__(self) -> int:
        return int(self.xyxy.shape[0])

    def ordered(self) -> "Boxes":
        """The same rectangles with x0 <= x1 and y0 <= y1 (models swap corners)."""
        x, y = np.sort(self.xyxy[:, 0::2], axis=1), np.sort(self.xyxy[:, 1::2], axis=1)
        return Boxes(np.stack([x[:, 0], y[:, 0], x[:, 1], y[:, 1]], axis=1), self.frame)

    def clipped(self, width: float, height: float) -> "Boxes":
        """The parts inside [0, width] × [0, height], in this frame."""
        limit = np.array([width, height, width, height], dtype=np.float64)
        return Boxes(np.clip(self.xyxy, 0.0, limit), self.frame)


class Match(NamedTuple):
    """One predicted box paired with one true box."""

    pred: int
    true: int
    iou: float


def areas(boxes: Boxes) -> FloatArray:
    """(N,) areas in squared frame units; 0 for degenerate or inverted boxes."""
    side = np.clip(boxes.xyxy[:, 2:] - boxes.xyxy[:, :2], 0.0, None)
    area: FloatArray = side[:, 0] * side[:, 1]
    return area


def pairwise_iou(pred: Boxes, true: Boxes) -> FloatArray:
    """IoU of every pair.

    Args:
        pred: P boxes.
        true: T boxes in the same frame.

    Returns:
        (P, T) in [0, 1]; 0 where both boxes of a pair have no area.

    Raises:
        FrameError: the frames differ.
    """
    _same_frame(pred, true)
    low = np.maximum(pred.xyxy[:, None, :2], true.xyxy[None, :, :2])
    high = np.minimum(pred.xyxy[:, None, 2:], true.xyxy[None, :, 2:])
    side = np.clip(high - low, 0.0, None)
    both = side[..., 0] * side[..., 1]
    either = areas(pred)[:, None] + areas(true)[None, :] - both
    iou: FloatArray = np.divide(both, either, out=np.zeros_like(both), where=either > 0)
    return iou


def union_area(boxes: Boxes) -> float:
    """Area covered by at least one box, exactly, in squared frame units."""
    if len(boxes) == 0:
        return 0.0
    grid = _Grid.of(boxes)
    return grid.area(grid.covered(boxes))


def union_iou(pred: Boxes, true: Boxes) -> float:
    """IoU of the areas that the two sets of rectangles cover.

    Exact: the plane is cut at every box edge and whole cells are counted, so overlapping
    rectangles are not counted twice.

    Args:
        pred: P boxes, P may be 0.
        true: T boxes in the same frame, T may be 0.

    Returns:
        In [0, 1]; 0.0 when neither set covers any area (the caller says what "nothing to find"
        earns).

    Raises:
        FrameError: the frames differ.

    Source: R_G's IoU(R(o), R_y) of FakeXplained (arXiv 2506.07045) between unions of rectangles
    [choice of METHODS.md §2].
    """
    _same_frame(pred, true)
    if len(pred) == 0 or len(true) == 0:
        return 0.0
    grid = _Grid.of(pred, true)
    in_pred, in_true = grid.covered(pred), grid.covered(true)
    either = grid.area(in_pred | in_true)
    return grid.area(in_pred & in_true) / either if either > 0 else 0.0


def match_boxes(pred: Boxes, true: Boxes) -> list[Match]:
    """One-to-one pairs that maximise the summed IoU (Hungarian); pairs of IoU 0 are left out.

    Raises:
        FrameError: the frames differ.
    """
    from scipy.optimize import linear_sum_assignment  # kept off the import path of the CLI

    iou = pairwise_iou(pred, true)
    rows, columns = linear_sum_assignment(iou, maximize=True)
    pairs = zip(rows.tolist(), columns.tolist(), strict=True)
    return [Match(p, t, float(iou[p, t])) for p, t in pairs if iou[p, t] > 0]


def matched_iou(pred: Boxes, true: Boxes) -> float:
    """Summed IoU of the best one-to-one matching over max(P, T).

    Returns:
        In [0, 1]: missing and surplus boxes both cost; 1.0 when both sets are empty.

    Raises:
        FrameError: the frames differ.
    """
    _same_frame(pred, true)
    if len(pred) == 0 and len(true) == 0:
        return 1.0
    return sum(match.iou for match in match_boxes(pred, true)) / max(len(pred), len(true))


def _same_frame(first: Boxes, second: Boxes) -> None:
    if first.frame != second.frame:
        raise FrameError(
            f"boxes are in different frames, {first.frame} and {second.frame}: convert one with "
            "groundsight.vision.frames first"
        )


@dataclass(frozen=True, eq=False)
class _Grid:
    """The plane cut at every box edge: cells that are inside or outside each box as a whole."""

    x: FloatArray
    y: FloatArray

    @classmethod
    def of(cls, *sets: Boxes) -> "_Grid":
        every = np.concatenate([boxes.xyxy for boxes in sets])
        return cls(np.unique(every[:, 0::2]), np.unique(every[:, 1::2]))

    def covered(self, boxes: Boxes) -> npt.NDArray[np.bool_]:
        """(Y-1, X-1) whether a cell lies in some box; by a 2-D difference array, O(N + cells)."""
        steps = np.zeros((len(self.y) + 1, len(self.x) + 1), dtype=np.int64)
        solid = boxes.xyxy[areas(boxes) > 0]
        x = np.searchsorted(self.x, solid[:, 0::2])
        y = np.searchsorted(self.y, solid[:, 1::2])
        for column, row, sign in ((0, 0, 1), (1, 1, 1), (0, 1, -1), (1, 0, -1)):
            np.add.at(steps, (y[:, row], x[:, column]), sign)
        inside = steps.cumsum(0).cumsum(1) > 0
        return inside[: len(self.y) - 1, : len(self.x) - 1]

    def area(self, cells: npt.NDArray[np.bool_]) -> float:
        return float(np.diff(self.y) @ cells @ np.diff(self.x))
