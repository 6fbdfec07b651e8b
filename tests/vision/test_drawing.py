"""Overlays: legible on any picture, words beside it, hostile text harmless."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundsight.vision.drawing import (
    BANDS,
    MARK_COLOURS,
    MOST_MARKS,
    PAPER,
    Mark,
    draw_overlay,
    draw_thumbnail,
    plain_text,
)
from groundsight.vision.images import RGBArray


def flat(width: int, height: int, value: int) -> RGBArray:
    return np.full((height, width, 3), value, dtype=np.uint8)


def busy(width: int, height: int) -> RGBArray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def colours(image: RGBArray) -> set[tuple[int, ...]]:
    return {tuple(colour) for colour in np.unique(image.reshape(-1, 3), axis=0).tolist()}


@pytest.mark.parametrize("picture", [flat(300, 200, 255), flat(300, 200, 0), flat(300, 200, 128)])
def test_an_outline_is_a_bright_line_between_two_dark_ones(picture: RGBArray) -> None:
    mark = Mark(xyxy_px=(100, 80, 200, 160), caption="")
    image = np.asarray(draw_overlay(picture, [mark], title="T"))
    left = (image.shape[1] - 300) // 2
    row = image[:, left + 95 : left + 110]
    lines = {tuple(map(tuple, r.tolist())) for r in row}
    assert any(PAPER in r and MARK_COLOURS[0] in r for r in lines)


def test_words_never_cover_the_picture() -> None:
    picture = busy(600, 400)
    image = np.asarray(draw_overlay(picture, [], title="AI-GENERATED", subtitle="a " * 300))
    assert image.shape[0] > 500  # the long subtitle took room of its own
    assert np.array_equal(image[-400:], picture)


def test_the_band_has_the_tone_that_was_asked_for() -> None:
    for tone, (paper, _) in BANDS.items():
        image = np.asarray(draw_overlay(flat(50, 50, 0), [], title="x", tone=tone))
        assert tuple(image[0, 0].tolist()) == paper


@pytest.mark.parametrize(
    ("width", "height"), [(1, 1), (1, 60_000), (60_000, 1), (3, 2), (5000, 4000), (161, 20)]
)
def test_any_size_is_drawn_within_the_limit(width: int, height: int) -> None:
    marks = [
        Mark(xyxy_px=(0, 0, width, height), caption="all"),
        Mark(xyxy_px=(width * 0.9, height * 0.9, width, height), caption="corner"),
    ]
    image = draw_overlay(flat(width, height, 200), marks, title="T", max_side_px=800)
    assert 560 <= image.width <= 800
    assert image.height <= 800 + 250
    assert set(MARK_COLOURS[:2]) <= colours(np.asarray(image))  # both boxes can be seen


def test_numbers_tie_boxes_to_captions() -> None:
    marks = [Mark(xyxy_px=(10, 10, 60, 60), caption=f"region {k}") for k in range(3)]
    few = draw_overlay(flat(400, 300, 90), marks[:1], title="T")
    more = draw_overlay(flat(400, 300, 90), marks, title="T")
    assert more.height > few.height  # one line of caption a mark
    assert MARK_COLOURS[2] in colours(np.asarray(more)[300:])  # its number in its colour


def test_a_flood_of_marks_is_counted_not_drawn() -> None:
    marks = [Mark(xyxy_px=(0, 0, 9, 9), caption="x" * 10_000)] * 5_000
    image = draw_overlay(flat(400, 300, 90), marks, title="T")
    assert image.height < 400 + MOST_MARKS * 250


@pytest.mark.parametrize(
    "text",
    ["", " ", "字幕テスト", "עברית", "é — ü", "\x00\x1b[31m\n", "\udcff", "🙂" * 400, "w" * 10_000],
)
def test_any_text_can_be_drawn(text: str) -> None:
    mark = Mark(xyxy_px=(1, 1, 20, 20), caption=text, score=0.5)
    assert draw_overlay(flat(64, 64, 9), [mark], title=text, subtitle=text).width == 560


@settings(max_examples=40, deadline=None)
@given(
    st.tuples(*[st.floats(-1e9, 1e9)] * 4),
    st.integers(1, 40),
    st.integers(1, 40),
    st.text(max_size=30),
)
def test_any_box_and_text_can_be_drawn(
    xyxy: tuple[float, float, float, float], width: int, height: int, text: str
) -> None:
    draw_overlay(busy(width, height), [Mark(xyxy_px=xyxy, caption=text)], title=text)


def test_the_picture_that_was_handed_in_is_left_alone() -> None:
    picture = busy(200, 200)
    before = picture.copy()
    draw_overlay(picture, [Mark(xyxy_px=(0, 0, 99, 99), caption="x")], title="T")
    assert np.array_equal(picture, before)


@pytest.mark.parametrize(
    ("size", "expected"),
    [((640, 480), (320, 240)), ((100, 50), (100, 50)), ((1, 60_000), (1, 320))],
)
def test_thumbnails_keep_their_shape(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert draw_thumbnail(flat(*size, 7)).size == expected


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("plain é 字", "plain é 字"),
        ("two\nlines\x1b[2J", "two\\nlines\\x1b[2J"),
        ("gpj\u202egnp", "gpj\\u202egnp"),  # a right-to-left override turns names round
        ("\udcff", "\\udcff"),
        ("x" * 500, "x" * 240 + "…"),
    ],
)
def test_plain_text_is_harmless_on_a_terminal(text: str, plain: str) -> None:
    assert plain_text(text) == plain
