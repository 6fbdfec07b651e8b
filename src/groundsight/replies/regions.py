r"""Boxes in a reply, in every notation that models really write.

| notation | example |
|---|---|
| `brackets` | `[12, 34, 56, 78]`, `(12, 34, 56, 78)`, `[[12, 34, 56, 78]]`, `[12 34 56 78]` |
| `pairs` | `(12,34),(56,78)`, `[12, 34], [56, 78]`, `[[12, 34], [56, 78]]` |
| `box_tokens` | `<\|box_start\|>(12,34),(56,78)<\|box_end\|>` and other numbers inside |
| `box_tag` | `<box>12 34 56 78</box>`, `<box>[[12, 34, 56, 78]]</box>` |
| `bbox_2d` | `{"bbox_2d": [12, 34, 56, 78], "label": "hand"}`, also `bbox` and `box` |

One regular expression finds the numbers. Each of its repeats is bounded and possessive, so every
start costs at most a constant and the scan is linear.
"""

import re
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

from groundsight.core.report import Problem
from groundsight.core.types import XYXY
from groundsight.replies.image_mentions import find_mentions
from groundsight.replies.json_blocks import read_first_object
from groundsight.replies.sections import Layout, SectionName

Notation = Literal["brackets", "pairs", "box_tokens", "box_tag", "bbox_2d"]
MAX_REGIONS = 1024
"Later boxes are not read: a thousand boxes are ten thousand tokens."
MAX_CAPTION = 1000
"Longer captions are cut, in characters."
MAX_OBJECT = 4096
"How far the JSON object around a box is read, in characters."
MAX_SCANNED = 262_144
"Boxes are looked for in this many characters, some sixty thousand tokens."
NEAR = 300
"How far from a box its picture may be named, in characters."

_GAP = r"[ \t\r\n]{0,16}+"
_NUMBER = r"([-+]?+(?:\d{1,12}+(?:\.\d{0,18}+)?+|\.\d{1,18}+)(?:[eE][-+]?+\d{1,2}+)?+)"
_COMMA = rf"(?:{_GAP},{_GAP}|[ \t\r\n]{{1,16}}+)"
_OPEN, _CLOSE, _END = r"[\[(]", r"[\])]", r"(?:</box>|<\|box_end\|>)"
_BOX = re.compile(
    rf"(?:<box>|<\|box_start\|>|{_OPEN}(?={_GAP}[-+.\d])){_GAP}(?:{_OPEN}{_GAP}){{0,2}}+"
    rf"{_NUMBER}{_COMMA}{_NUMBER}"
    rf"(?:(?P<pair>{_GAP}{_CLOSE}{_GAP}[,;-]?+{_GAP}{_OPEN}{_GAP})|{_COMMA})"
    rf"{_NUMBER}{_COMMA}{_NUMBER}{_GAP}"
    rf"(?:{_CLOSE}(?:{_GAP}{_CLOSE}){{0,2}}+(?:{_GAP}{_END})?+|{_END})",
    re.ASCII,
)
_KEY = re.compile(r"""["'](?:bbox_2d|bbox|box)["']\s{0,8}:\s{0,8}(?:\[\s{0,8}){0,2}$""")
_NAMED = re.compile(r"(?:<\|object_ref_end\|>|</ref>)\s{0,8}$")
_CAPTION_KEYS = ("label", "description", "desc", "caption", "text", "name")
_CAPTION_SIGNS = (":", "-", "–", "—", "=", "→")
_EDGE = " \t\r\n:;,-–—=→*•\"'`"
# What is left of a caption once its picture's name is taken out of it.
_NO_CAPTION = {"", "in", "in the", "on", "the"}


@dataclass(frozen=True, kw_only=True)
class ReplyRegion:
    """A box as it is written.

    Args:
        xyxy: its four numbers in the order written, in the frame the model writes.
        image_index: the picture it is said to lie in, from 0; None when the reply does not say.
            It may lie outside the sample ("image 9" of two).
        description: its caption, on one line; "" when there is none.
        notation: how it is written.
        section: the tagged section it lies in, None outside of all.
        start: where it begins in the reply.
        end: where it ends in the reply.
        fractional: every number is within 0..1 and at least one has a decimal point, so that it
            reads as a fraction of the picture.
    """

    xyxy: XYXY
    image_index: int | None = None
    description: str = ""
    notation: Notation
    section: SectionName | None = None
    start: int
    end: int
    fractional: bool = False


@dataclass(frozen=True)
class RegionScan:
    """The boxes of a text, and the problems of finding them."""

    regions: tuple[ReplyRegion, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class _Bounds:
    """What of the text belongs to one box: between its neighbours, inside its section."""

    before: int
    after: int


def scan_regions(text: str, layout: Layout) -> RegionScan:
    """Find every box of a reply, with caption and picture, in linear time.

    Problems: `too_many_boxes`, `too_long_for_boxes`.
    """
    scanned = min(len(text), MAX_SCANNED)
    found = list(islice(_BOX.finditer(text, 0, scanned), MAX_REGIONS + 1))
    problems = []
    if len(found) > MAX_REGIONS:
        found.pop()
        message = f"more than {MAX_REGIONS} boxes; the rest is not read"
        problems.append(Problem(code="too_many_boxes", message=message))
    if len(text) > MAX_SCANNED:
        message = f"over {MAX_SCANNED} characters; boxes are read in the first {MAX_SCANNED} only"
        problems.append(Problem(code="too_long_for_boxes", message=message))
    regions: list[ReplyRegion] = []
    ends = [0, *(match.end() for match in found)]
    starts = [*(match.start() for match in found[1:]), len(text)]
    for match, before, after in zip(found, ends, starts, strict=False):
        section = layout.around(match.start())
        if section is not None:
            before, after = max(before, section.start), min(after, section.end)
        previous = regions[-1] if regions else None
        name = None if section is None else section.name
        if previous is not None and previous.section != name:
            previous = None
        regions.append(_region(text, match, _Bounds(before, after), name, previous))
    return RegionScan(tuple(regions), tuple(problems))


def _region(
    text: str,
    match: re.Match[str],
    bounds: _Bounds,
    section: SectionName | None,
    previous: ReplyRegion | None,
) -> ReplyRegion:
    numbers = match.group(1, 2, 4, 5)
    x0, y0, x1, y1 = map(float, numbers)
    keyed = _json_object(text, match, bounds)
    notation = "bbox_2d" if keyed is not None else _notation(text, match)
    index = None if keyed is None else _keyed_image(keyed)
    if index is None:
        index = _said_image(text, match, bounds)
    if index is None and previous is not None:
        index = previous.image_index
    return ReplyRegion(
        xyxy=(x0, y0, x1, y1),
        image_index=index,
        description=_caption(text, match, bounds) if keyed is None else _keyed_caption(keyed),
        notation=notation,
        section=section,
        start=match.start(),
        end=match.end(),
        fractional=all(0 <= v <= 1 for v in (x0, y0, x1, y1)) and any("." in n for n in numbers),
    )


def _notation(text: str, match: re.Match[str]) -> Notation:
    if text.startswith("<box>", match.start()):
        return "box_tag"
    if text.startswith("<|", match.start()):
        return "box_tokens"
    return "brackets" if match["pair"] is None else "pairs"


def _json_object(text: str, match: re.Match[str], bounds: _Bounds) -> dict[str, Any] | None:
    """The JSON object whose bbox_2d this is; {} when there is a key but no readable object."""
    if not _KEY.search(text, max(bounds.before, match.start() - 32), match.start()):
        return None
    opening = text.rfind("{", max(bounds.before, match.start() - MAX_CAPTION), match.start())
    if opening < 0:
        return {}
    return read_first_object(text[opening : match.end() + MAX_OBJECT])


def _keyed_caption(tree: dict[str, Any]) -> str:
    said = (tree[key] for key in _CAPTION_KEYS if isinstance(tree.get(key), str))
    return one_line(next(said, ""))


def _keyed_image(tree: dict[str, Any]) -> int | None:
    """`image` counts from 1, as people do; `image_index` from 0."""
    for key, first in (("image", 1), ("image_number", 1), ("image_index", 0)):
        value = tree.get(key)
        if isinstance(value, str):
            mentions = find_mentions(value[:NEAR])
            return mentions[0].image_index if mentions else None
        if isinstance(value, int) and not isinstance(value, bool):
            return value - first
    return None


def _said_image(text: str, match: re.Match[str], bounds: _Bounds) -> int | None:
    """The last picture named before the box, else the first named after it on its line."""
    before = find_mentions(text, max(bounds.before, match.start() - NEAR), match.start())
    if before:
        return before[-1].image_index
    after = find_mentions(text, match.end(), _line_end(text, match.end(), bounds))
    return after[0].image_index if after else None


def _caption(text: str, match: re.Match[str], bounds: _Bounds) -> str:
    """Words that name the box: a reference tag, what follows a colon or dash, or its line."""
    low = max(bounds.before, match.start() - MAX_CAPTION)
    line = max(low, text.rfind("\n", low, match.start()) + 1)
    before = text[line : match.start()]
    after = text[match.end() : _line_end(text, match.end(), bounds)]
    if _NAMED.search(before):
        return one_line(before[_name_start(before) : before.rfind("<")])
    if after.lstrip().startswith(_CAPTION_SIGNS):
        return one_line(after) or _without_image(one_line(before))
    return _without_image(one_line(before)) or one_line(after)


def _without_image(caption: str) -> str:
    """A caption, or "" when it only says which picture the box is in."""
    mentions = find_mentions(caption[:NEAR])
    if len(mentions) != 1 or len(caption) > NEAR:
        return caption
    rest = caption[: mentions[0].start] + caption[mentions[0].end :]
    return "" if rest.strip(" :,()[]<>").lower() in _NO_CAPTION else caption


def _name_start(before: str) -> int:
    tags = ("<|object_ref_start|>", "<ref>")
    return max(before.rfind(tag) + len(tag) if tag in before else 0 for tag in tags)


def _line_end(text: str, start: int, bounds: _Bounds) -> int:
    stop = max(start, min(bounds.after, start + MAX_CAPTION))
    end = text.find("\n", start, stop)
    return stop if end < 0 else end


def has_box(text: str) -> bool:
    """Whether some box is written in a text (looked for as far as `MAX_SCANNED`)."""
    return _BOX.search(text, 0, MAX_SCANNED) is not None


def one_line(text: str) -> str:
    """A caption as it is kept: white space runs become one space, separators around it go."""
    return " ".join(text.split()).lstrip(_EDGE + ")]}").rstrip(_EDGE + "([{")
