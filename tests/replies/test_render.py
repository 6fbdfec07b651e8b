"""Gold replies: what is written, and that it comes back."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundsight.replies.dialect import PIXELS, Dialect
from groundsight.replies.place import AnswerRegion, place
from groundsight.replies.regions import Notation
from groundsight.replies.render import (
    CAPTION_CHARS,
    plain_caption,
    plain_tag,
    plain_text,
    write_numbers,
    write_region,
    write_section,
)
from groundsight.replies.reply import parse_reply
from groundsight.vision.frames import FAMILIES, PictureSize

SIZE = PictureSize(640, 480)
NOTATIONS: tuple[Notation, ...] = get_args(Notation)
FRAMES = ["xyxy_px", "xyxy_unit", *(f"xyxy_model:{family}" for family in FAMILIES)]


@pytest.mark.parametrize(
    ("notation", "line"),
    [
        ("brackets", "Image 2: [10, 20, 30, 40]: a dog"),
        ("pairs", "Image 2: (10,20),(30,40): a dog"),
        ("box_tokens", "Image 2: <|box_start|>(10,20),(30,40)<|box_end|>: a dog"),
        ("box_tag", "Image 2: <box>[[10, 20, 30, 40]]</box>: a dog"),
        ("bbox_2d", '{"image": 2, "bbox_2d": [10, 20, 30, 40], "label": "a dog"}'),
    ],
)
def test_every_notation(notation: Notation, line: str) -> None:
    region = AnswerRegion(image_index=1, xyxy_px=(10, 20, 30, 40), description="a dog")
    assert write_region(region, SIZE, Dialect(notation=notation), name_image=True) == line


@pytest.mark.parametrize(
    ("frame", "numbers"),
    [
        ("xyxy_px", ("64", "48", "320", "240")),
        ("xyxy_unit", ("0.1000", "0.1000", "0.5000", "0.5000")),
        ("xyxy_model:qwen2_vl", ("100", "100", "500", "500")),
        ("xyxy_model:qwen2_5_vl", ("64", "48", "322", "238")),  # shown as 644×476
    ],
)
def test_every_frame(frame: str, numbers: tuple[str, ...]) -> None:
    assert write_numbers((64, 48, 320, 240), SIZE, Dialect(frame=frame)) == numbers


@pytest.mark.parametrize(
    ("xyxy_px", "numbers"),
    [
        ((10.4, 10.6, 20.5, 21.5), ("10", "11", "20", "22")),  # halves go to the even number
        ((10.1, 0, 10.2, 1), ("10", "0", "11", "1")),  # thinner than a pixel: one pixel wide
        ((10.6, 0, 10.9, 1), ("10", "0", "11", "1")),
        ((639.9, 479.9, 640, 480), ("639", "479", "640", "480")),
        ((-5, -5, 9999, 9999), ("0", "0", "640", "480")),
    ],
)
def test_rounding(xyxy_px: tuple[float, float, float, float], numbers: tuple[str, ...]) -> None:
    assert write_numbers(xyxy_px, SIZE, PIXELS) == numbers


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("six\n fingers ", "six fingers"),
        ("</think><answer>", "‹/think›‹answer›"),
        ("a ```json {} ``` b", "a '''json {} ''' b"),
        ("see [1, 2, 3, 4] there", "see 1, 2, 3, 4 there"),
        ("([1,2,3,4])", "1,2,3,4"),
        ("a [bracket] stays", "a [bracket] stays"),
        ("x" * 1000, "x" * CAPTION_CHARS),
        ("- -: ", ""),
    ],
)
def test_plain_captions(text: str, plain: str) -> None:
    assert plain_caption(text) == plain
    assert plain_caption(plain) == plain


def test_tags_lose_what_parts_them() -> None:
    assert plain_tag("odd, very; odd\n") == "odd very odd"


def test_prose_cannot_be_taken_for_tags() -> None:
    text = plain_text("a </think><verdict>real</verdict> ```json b < c")
    assert parse_reply(write_section("think", text)).layout.problems == ()
    assert "b < c" in text


@st.composite
def boxes(draw: st.DrawFn, size: PictureSize) -> tuple[float, float, float, float]:
    """Boxes of any size on a picture, from a thousandth of a pixel to all of it."""
    ends = []
    for side in size:
        low = draw(st.floats(0, side - 0.001))
        ends.append((low, draw(st.floats(low + 0.001, side))))
    (x0, x1), (y0, y1) = ends
    return x0, y0, x1, y1


@given(data=st.data())
@pytest.mark.parametrize("frame", FRAMES)
def test_a_box_comes_back_within_its_frames_rounding(frame: str, data: st.DataObject) -> None:
    size = PictureSize(data.draw(st.integers(28, 3000)), data.draw(st.integers(28, 3000)))
    if max(size) > 200 * min(size):
        size = PictureSize(max(size), max(size))
    dialect = Dialect(frame=frame, notation=data.draw(st.sampled_from(NOTATIONS)))
    region = AnswerRegion(xyxy_px=data.draw(boxes(size)), description=data.draw(st.text()))
    line = write_region(region, size, dialect, name_image=data.draw(st.booleans()))
    found = place(parse_reply(line).regions, [size], dialect)
    assert found.problems == ()
    (back,) = found.regions
    assert back.description == plain_caption(region.description)
    extents = (1e4, 1e4) if frame == "xyxy_unit" else dialect.extent(size)
    for axis in (0, 1):
        unit_px = size[axis] / extents[axis]
        low, high = region.xyxy_px[axis], region.xyxy_px[axis + 2]
        tolerance = (0.5 if high - low > unit_px else 1.0) * unit_px * (1 + 1e-9)
        assert back.xyxy_px[axis] == pytest.approx(low, abs=tolerance)
        assert back.xyxy_px[axis + 2] == pytest.approx(high, abs=tolerance)


@given(text=st.text(alphabet=st.sampled_from(list('[](){}<>1,. \n-:`"\\a')) | st.characters()))
def test_captions_are_read_back_as_they_are_written(text: str) -> None:
    plain = plain_caption(text)
    assert plain_caption(plain) == plain
    line = f"- [1, 2, 3, 4]: {plain}"
    (region,) = parse_reply(line).regions
    assert region.description == plain
