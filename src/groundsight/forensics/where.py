"""Where it shows: the one place that decides which regions a picture gets.

A rectangle closed by straight seams is the sharper finding, so it stands alone where there is one;
else the scan of the signal expert's block map speaks.
"""

from dataclasses import dataclass
from enum import StrEnum

from groundsight.core.types import XYXY
from groundsight.forensics.seams import find_seamed_region
from groundsight.forensics.signal.expert import SignalScore, analysed
from groundsight.forensics.signal.planes import RGB
from groundsight.forensics.signal.regions import find_regions


class Why(StrEnum):
    """What stands out in a region."""

    SEAM = "seam"
    "Straight seams on all four sides: pasted in, or framed."
    UNLIKE_THE_REST = "unlike the rest"
    "Finest structure unlike the rest of the picture, more like a generator's."
    STRONGEST = "strongest"
    "The strongest part of a picture that looks generated throughout."


@dataclass(frozen=True, kw_only=True)
class FoundRegion:
    """One rectangle.

    Args:
        xyxy_px: in pixels of the original picture.
        score: 0 to 1; comparable only between regions of one reason.
        why: what stands out.
    """

    xyxy_px: XYXY
    score: float
    why: Why


def find_where(rgb: RGB, score: SignalScore) -> list[FoundRegion]:
    """Regions of a picture, the one that says most first.

    Args:
        rgb: (H, W, 3) uint8, the original picture.
        score: what the signal expert said of it.
    """
    seamed = _seamed(rgb)
    if seamed:
        return [seamed]
    height, width = rgb.shape[:2]
    return [
        FoundRegion(
            xyxy_px=region.xyxy_px,
            score=region.score,
            why=Why.STRONGEST if region.relative else Why.UNLIKE_THE_REST,
        )
        for region in find_regions(score, width, height)
    ]


def _seamed(rgb: RGB) -> FoundRegion | None:
    seen, factor = analysed(rgb)
    seam = find_seamed_region(seen)
    if seam is None:
        return None
    x0, y0, x1, y1 = (value / factor for value in seam.xyxy_px)
    return FoundRegion(xyxy_px=(x0, y0, x1, y1), score=seam.score, why=Why.SEAM)
