"""Straight seams: a rectangle that was pasted in without blending, whatever it shows.

Along a hard paste nearly every pixel steps once, between two columns (rows) and not beside them.
Such steps are rare and short in photographs, whose edges are blurred by optics and seldom exactly
upright over dozens of pixels. Four of them that close a rectangle are a finding. Windows, signs,
frames and collages can make one too, and a blended edge makes none.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from groundsight.core.types import XYXY
from groundsight.forensics.runs import best_runs
from groundsight.forensics.signal.planes import RGB

Evidence = npt.NDArray[np.float32]

FULL_STEP = 6.0
"Excess of a step over its neighbours, in grey values, that counts as full evidence."
TYPICAL = 0.12
"Evidence a pixel that a run must exceed on average to grow."
MIN_RUN_PX = 24
MAX_LINES = 32
"Longest-run columns, and rows, that are tried as sides."
MIN_SIDE_PX = 32
FULL_SIDE_PX = 64
"Shorter sides need more evidence a pixel."
MAX_AREA_RATE = 0.8
"A larger rectangle is a frame around the picture, not a region in it."
MIN_SCORE = 0.4
"Chosen on composites and untouched photographs of the `fit` split."


@dataclass(frozen=True)
class SeamRegion:
    """A rectangle closed by four straight seams.

    Args:
        xyxy_px: in pixels of the picture that was given.
        score: mean evidence of its sides, the weaker ones counted twice, 0 to 1.
    """

    xyxy_px: XYXY
    score: float


def find_seamed_region(rgb: RGB) -> SeamRegion | None:
    """The rectangle with the clearest seams, if any is clear enough.

    Args:
        rgb: (H, W, 3) uint8, in the resolution in which it was put together; a picture that was
            scaled up afterwards has soft seams, which are not found.

    Returns:
        None when no rectangle reaches `MIN_SCORE`.
    """
    upright = step_evidence(rgb)
    level = step_evidence(rgb.transpose(1, 0, 2)).T
    x = promising_columns(upright)
    y = promising_columns(level.T)
    if len(x) < 2 or len(y) < 2:
        return None
    found = _best_rectangle(upright, level, x, y)
    return found if found and found.score >= MIN_SCORE else None


def step_evidence(rgb: RGB) -> Evidence:
    """(H, W) evidence in [-1, 1] that a seam lies between column x-1 and column x.

    A step counts by how far it exceeds the larger of the steps beside it.
    """
    steps = np.abs(np.diff(rgb.astype(np.int16), axis=1))
    excess = (steps[:, 1:-1] - np.maximum(steps[:, :-2], steps[:, 2:])).mean(axis=2)
    evidence = np.zeros(rgb.shape[:2], dtype=np.float32)
    evidence[:, 2:-1] = np.clip(excess / FULL_STEP, -1, 1)
    return evidence


def promising_columns(evidence: Evidence) -> npt.NDArray[np.int64]:
    """Columns, ascending, whose best unbroken run of evidence is among the longest."""
    runs = best_runs(evidence - np.float32(TYPICAL), evidence.shape[1])
    best = np.where(runs.stop - runs.start < MIN_RUN_PX, 0.0, np.maximum(runs.total, 0.0))
    top = np.argsort(-best, kind="stable")[:MAX_LINES]
    return np.sort(top[best[top] > 0])


def _best_rectangle(
    upright: Evidence,
    level: Evidence,
    x: npt.NDArray[np.int64],
    y: npt.NDArray[np.int64],
) -> SeamRegion | None:
    """The best of all rectangles whose sides are among the given columns and rows."""
    left, right = _pairs(x)
    top, bottom = _pairs(y)
    if len(left) == 0 or len(top) == 0:
        return None
    widths, heights = x[right] - x[left], y[bottom] - y[top]
    beside = _side_means(upright[:, x], y[top], y[bottom])  # (columns, row pairs)
    across = _side_means(level[y].T, x[left], x[right])  # (rows, column pairs)
    sides = np.stack([beside[left], beside[right], across[top].T, across[bottom].T])
    sides.sort(axis=0)
    score = (sides[0] + sides[1] + sides.mean(axis=0)) / 3
    shorter = np.minimum.outer(widths, heights)
    score *= np.minimum(1.0, np.sqrt(shorter / FULL_SIDE_PX))
    score[np.multiply.outer(widths, heights) > MAX_AREA_RATE * upright.size] = -1
    i, j = np.unravel_index(int(score.argmax()), score.shape)
    box = (float(x[left[i]]), float(y[top[j]]), float(x[right[i]]), float(y[bottom[j]]))
    return SeamRegion(box, float(np.clip(score[i, j], 0, 1)))


def _pairs(at: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    first, second = np.triu_indices(len(at), 1)
    apart = at[second] - at[first] >= MIN_SIDE_PX
    return first[apart], second[apart]


def _side_means(
    lines: Evidence, start: npt.NDArray[np.int64], stop: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """(lines, pairs) mean evidence of each line between each pair of positions along it.

    Args:
        lines: (length, lines).
        start: (pairs,) first position.
        stop: (pairs,) position after the last.
    """
    sums = np.concatenate([np.zeros((1, lines.shape[1])), lines.cumsum(axis=0, dtype=np.float64)])
    means: npt.NDArray[np.float64] = ((sums[stop] - sums[start]) / (stop - start)[:, None]).T
    return means
