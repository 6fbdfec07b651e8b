"""Where it shows: a few tight rectangles of the cell map, by a scan statistic.

The rectangle that maximises the sum of (cell log-odds − break-even) is the most likely foreign
region (Kulldorff's spatial scan, 1997, on a Bernoulli map); then the next one outside it. The
break-even is measured against the rest of the picture, so that a picture that looks a little
generated everywhere gets no region, and one that looks so throughout gets its strongest parts,
marked as relative.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from groundsight.core.types import XYXY
from groundsight.forensics.runs import best_runs
from groundsight.forensics.signal.expert import SignalScore
from groundsight.forensics.signal.planes import Plane, block_mean

MERGE = 2
"Cells a side that are merged before scanning: regions end on multiples of 16 analysed pixels."
CLIP = 3.0
"Log-odds beyond this count as this: one blaring spot is not a region."
MAX_REGIONS = 3
GENERATED_THROUGHOUT = 0.85
"""From this p_fake of the whole picture on, regions are relative to the picture itself. It is where
the verdict rule says AI-GENERATED: any lower and many photographs would get such regions."""


@dataclass(frozen=True, kw_only=True)
class ScanSettings:
    """Chosen on composites of `fit` pictures with networks that had not seen them.

    Args:
        quantile: of the map that stands for the rest of the picture.
        share: how much of that level is taken off every cell.
        offset: log-odds a cell must exceed besides.
        min_strength: summed excess over the root of the number of merged cells, below which a
            rectangle is no finding; the root keeps large faint rectangles from winning by size.
        min_side: in merged cells.
    """

    quantile: float
    share: float
    offset: float
    min_strength: float
    min_side: int


FOREIGN = ScanSettings(quantile=0.7, share=1.0, offset=0.3, min_strength=9.0, min_side=3)
"""A region that differs from an otherwise unsuspicious picture; three untouched photos in a
hundred have one."""
STRONGEST = ScanSettings(quantile=0.8, share=1.0, offset=0.2, min_strength=2.0, min_side=3)
"The strongest parts of a picture that looks generated throughout."


@dataclass(frozen=True, kw_only=True)
class SignalRegion:
    """One rectangle.

    Args:
        xyxy_px: in pixels of the original picture.
        score: mean probability of its cells, 0 to 1.
        relative: True when it is only the strongest part of a picture that looks generated
            throughout.
    """

    xyxy_px: XYXY
    score: float
    relative: bool


def find_regions(score: SignalScore, width: int, height: int) -> list[SignalRegion]:
    """Regions of a scored picture, strongest first.

    Args:
        score: of the signal expert.
        width: of the original picture, in pixels.
        height: likewise.

    Returns:
        At most `MAX_REGIONS`; none when nothing stands out.
    """
    if score.p_fake is None or min(score.cells.shape) < MERGE * FOREIGN.min_side:
        return []
    relative = score.p_fake >= GENERATED_THROUGHOUT
    cells = np.clip(block_mean(score.cells, MERGE), -CLIP, CLIP)
    side = MERGE * score.cell_px
    return [
        SignalRegion(
            xyxy_px=_in_pixels(box, side, width, height),
            score=float(_probability(cells[box.rows, box.columns]).mean()),
            relative=relative,
        )
        for box in scan(cells, STRONGEST if relative else FOREIGN)
    ]


@dataclass(frozen=True)
class CellBox:
    """A rectangle of merged cells: start (inclusive) and stop (exclusive)."""

    y0: int
    x0: int
    y1: int
    x1: int

    @property
    def rows(self) -> slice:
        """Rows of the map."""
        return slice(self.y0, self.y1)

    @property
    def columns(self) -> slice:
        """Columns of the map."""
        return slice(self.x0, self.x1)


def scan(cells: Plane, settings: ScanSettings) -> list[CellBox]:
    """Disjoint rectangles of greatest excess, one after the other.

    Args:
        cells: (rows, columns) log-odds.
        settings: what counts as excess.
    """
    level = float(np.quantile(cells, settings.quantile))
    excess = cells.astype(np.float64) - (settings.share * level + settings.offset)
    found: list[CellBox] = []
    while len(found) < MAX_REGIONS:
        gain, box = best_rectangle(excess)
        size = (box.y1 - box.y0) * (box.x1 - box.x0)
        if gain < settings.min_strength * np.sqrt(size):
            break
        if min(box.y1 - box.y0, box.x1 - box.x0) >= settings.min_side:
            found.append(box)
        excess[box.rows, box.columns] = -np.inf  # never again, nor any rectangle across it
    return found


def best_rectangle(excess: npt.NDArray[np.float64]) -> tuple[float, CellBox]:
    """The rectangle of greatest sum.

    Kadane's algorithm along the columns, for all pairs of rows at once: O(rows² · columns).

    Args:
        excess: (rows, columns); -inf forbids a cell.

    Returns:
        The sum and the rectangle; a single cell when all are negative.
    """
    finite = np.where(np.isneginf(excess), -1e12, excess)
    below = np.concatenate([np.zeros((1, finite.shape[1])), finite.cumsum(axis=0)])
    top, bottom = np.triu_indices(len(below), 1)
    strips = below[bottom] - below[top]  # (pairs, columns) sums between two rows
    best = best_runs(strips.T, len(strips))
    at = int(best.total.argmax())
    box = CellBox(int(top[at]), int(best.start[at]), int(bottom[at]), int(best.stop[at]))
    return float(best.total[at]), box


def _in_pixels(box: CellBox, side: float, width: int, height: int) -> XYXY:
    x0, y0, x1, y1 = box.x0 * side, box.y0 * side, box.x1 * side, box.y1 * side
    return (x0, y0, min(x1, float(width)), min(y1, float(height)))


def _probability(log_odds: Plane) -> Plane:
    found: Plane = (1 / (1 + np.exp(-log_odds))).astype(np.float32)
    return found
