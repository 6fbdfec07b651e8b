"""Boxes as written → boxes in pixels of the original pictures, and what was wrong with them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from groundsight.core.report import Problem
from groundsight.core.types import XYXY
from groundsight.replies.dialect import Dialect
from groundsight.replies.regions import ReplyRegion
from groundsight.vision.boxes import UNIT
from groundsight.vision.frames import PictureSize


@dataclass(frozen=True, kw_only=True)
class AnswerRegion:
    """A box of an answer, in pixels of the original picture.

    Args:
        image_index: which picture of the sample, from 0.
        xyxy_px: x0 < x1, y0 < y1, inside the picture.
        description: its caption, on one line; may be "".
    """

    image_index: int = 0
    xyxy_px: XYXY
    description: str = ""


@dataclass(frozen=True)
class Placement:
    """The boxes that lie on a picture, and the problems of all."""

    regions: tuple[AnswerRegion, ...]
    problems: tuple[Problem, ...]


def place(
    regions: Iterable[ReplyRegion],
    sizes: Sequence[PictureSize],
    dialect: Dialect,
    *,
    default_index: int | None = None,
) -> Placement:
    """Put the boxes of a reply on their pictures.

    Numbers are read in the dialect's frame; a box written as fractions of 1 where that frame counts
    otherwise is read as fractions (problem `fractions`). Corners are put in order
    (`swapped_corners`) and cut to the picture (`out_of_range`). Left out: a box without area on its
    picture (`empty_box`, `outside_picture`), in a picture that is not there (`wrong_image_index`)
    or that nobody names (`no_image_index`).

    Args:
        regions: of `Reply.regions`.
        sizes: of the sample's pictures, in order. With one picture, indices are not looked at.
        dialect: frame of the numbers.
        default_index: the picture of boxes that name none, from 0; the problem stays.

    Raises:
        FrameError: unknown frame, or a picture that the family's processor refuses.
    """
    extents = [dialect.extent(size) for size in sizes]
    placed: list[AnswerRegion] = []
    problems: list[Problem] = []
    for number, region in enumerate(regions, start=1):
        index = 0 if len(sizes) == 1 else region.image_index
        codes: list[str] = []
        if index is None:
            codes.append("no_image_index")
            index = default_index
        elif not 0 <= index < len(sizes):
            codes.append("wrong_image_index")
            index = None
        if index is not None:
            fractions = region.fractional and dialect.frame != UNIT
            extent = (1.0, 1.0) if fractions else extents[index]
            xyxy_px = _on_picture(region.xyxy, extent, sizes[index], codes)
            if fractions:
                codes.append("fractions")
            if xyxy_px is not None:
                found = AnswerRegion(
                    image_index=index, xyxy_px=xyxy_px, description=region.description
                )
                placed.append(found)
        problems.extend(_problem(code, number, region) for code in codes)
    return Placement(tuple(placed), tuple(problems))


def _on_picture(
    xyxy: XYXY, extent: tuple[float, float], size: PictureSize, codes: list[str]
) -> XYXY | None:
    """Ordered, cut and in pixels; None when nothing of it lies on the picture."""
    xa, ya, xb, yb = xyxy
    x0, x1, y0, y1 = min(xa, xb), max(xa, xb), min(ya, yb), max(ya, yb)
    if x0 == x1 or y0 == y1:
        codes.append("empty_box")
        return None
    if (x0, y0) != (xa, ya):
        codes.append("swapped_corners")
    right, bottom = extent
    if x1 <= 0 or y1 <= 0 or x0 >= right or y0 >= bottom:
        codes.append("outside_picture")
        return None
    if x0 < 0 or y0 < 0 or x1 > right or y1 > bottom:
        codes.append("out_of_range")
    wide, high = size.width / right, size.height / bottom
    return (
        max(x0, 0.0) * wide,
        max(y0, 0.0) * high,
        float(size.width) if x1 >= right else x1 * wide,
        float(size.height) if y1 >= bottom else y1 * high,
    )


_MESSAGES = {
    "no_image_index": "does not say which picture it is in",
    "wrong_image_index": "names a picture that is not there",
    "fractions": "is written in fractions of 1",
    "empty_box": "has no area",
    "swapped_corners": "has its corners swapped",
    "outside_picture": "lies outside the picture",
    "out_of_range": "reaches beyond the picture",
}


def _problem(code: str, number: int, region: ReplyRegion) -> Problem:
    numbers = ", ".join(f"{value:g}" for value in region.xyxy)
    return Problem(code=code, message=f"box {number} [{numbers}] {_MESSAGES[code]}")
