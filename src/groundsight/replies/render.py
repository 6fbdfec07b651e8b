"""The inverse of the grammar: boxes, captions, tags and sections as a gold reply writes them.

Numbers are integers in every frame but `xyxy_unit`, which has four decimals. So a box comes back
within half a written unit at each edge (a unit: one number of the frame, e.g. 1/1000 of the side),
and within one unit where it is thinner than one: such a box is written one unit wide.
"""

import json
import math
import re

from groundsight.core.types import XYXY
from groundsight.replies.dialect import Dialect
from groundsight.replies.encodable import encodable
from groundsight.replies.place import AnswerRegion
from groundsight.replies.regions import Notation, has_box, one_line
from groundsight.replies.sections import SectionName
from groundsight.vision.boxes import UNIT
from groundsight.vision.frames import PictureSize

CAPTION_CHARS = 500
UNIT_STEPS = 10_000
_TAG_LIKE = re.compile(r"<(?=/?(?:think|answer|tag|verdict)>)")


def write_section(name: SectionName, text: str) -> str:
    """A section on lines of its own."""
    return f"<{name}>\n{text}\n</{name}>"


def plain_text(text: str) -> str:
    """Prose that cannot be taken for tags or for a JSON block; other text stays as it is."""
    return _TAG_LIKE.sub("‹", encodable(text)).replace("```", "'''")


def plain_caption(text: str) -> str:
    """A caption as it comes back from `parse_reply`: one line, no tags, fences or boxes in it.

    Applying it twice changes nothing more.
    """
    text = encodable(text).replace("<", "‹").replace(">", "›").replace("```", "'''")
    if has_box(text):
        text = re.sub(r"[\[\](){}]", " ", text)
    return one_line(one_line(text)[:CAPTION_CHARS])


def plain_tag(text: str) -> str:
    """An image-level tag: a caption without commas and semicolons, which part tags."""
    return plain_caption(re.sub("[,;•]", " ", text))


def write_region(
    region: AnswerRegion, size: PictureSize, dialect: Dialect, *, name_image: bool
) -> str:
    """One line: the box, its picture where asked for, its caption.

    Args:
        region: in pixels of its picture.
        size: of its picture.
        dialect: frame and notation to write.
        name_image: whether to say which picture the box is in, counted from 1.

    Raises:
        FrameError: unknown frame, or a picture that the family's processor refuses.
    """
    numbers = write_numbers(region.xyxy_px, size, dialect)
    caption = plain_caption(region.description)
    if dialect.notation == "bbox_2d":
        image = f'"image": {region.image_index + 1}, ' if name_image else ""
        label = json.dumps(caption, ensure_ascii=False)
        return f'{{{image}"bbox_2d": [{", ".join(numbers)}], "label": {label}}}'
    image = f"Image {region.image_index + 1}: " if name_image else ""
    return f"{image}{write_box(numbers, dialect.notation)}{f': {caption}' if caption else ''}"


def write_box(numbers: tuple[str, str, str, str], notation: Notation) -> str:
    """Four numbers in a notation; `bbox_2d` gives its brackets alone."""
    x0, y0, x1, y1 = numbers
    if notation == "pairs":
        return f"({x0},{y0}),({x1},{y1})"
    if notation == "box_tokens":
        return f"<|box_start|>({x0},{y0}),({x1},{y1})<|box_end|>"
    if notation == "box_tag":
        return f"<box>[[{x0}, {y0}, {x1}, {y1}]]</box>"
    return f"[{x0}, {y0}, {x1}, {y1}]"


def write_numbers(xyxy_px: XYXY, size: PictureSize, dialect: Dialect) -> tuple[str, str, str, str]:
    """A box's four numbers in the dialect's frame, rounded as this module says.

    Raises:
        FrameError: unknown frame, or a picture that the family's processor refuses.
    """
    steps = UNIT_STEPS if dialect.frame == UNIT else 1
    right, bottom = dialect.extent(size)
    x0, x1 = _whole(xyxy_px[0], xyxy_px[2], size.width, round(right * steps))
    y0, y1 = _whole(xyxy_px[1], xyxy_px[3], size.height, round(bottom * steps))
    if dialect.frame == UNIT:
        a, b, c, d = (f"{value / UNIT_STEPS:.4f}" for value in (x0, y0, x1, y1))
        return a, b, c, d
    return str(x0), str(y0), str(x1), str(y1)


def _whole(low_px: float, high_px: float, side_px: int, extent: int) -> tuple[int, int]:
    """An interval in whole units, at least one unit long, within 0..extent."""
    low, high = (min(max(px / side_px, 0.0), 1.0) * extent for px in (low_px, high_px))
    first, last = round(low), round(high)
    if last <= first:
        first = min(math.floor(low), extent - 1)
        last = first + 1
    return first, last
