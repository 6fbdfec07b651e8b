"""Boxes as written → pixels of the original picture."""

import pytest

from groundsight.core.errors import FrameError, UnknownNameError
from groundsight.replies.dialect import PIXELS, Dialect
from groundsight.replies.place import Placement, place
from groundsight.replies.reply import parse_reply
from groundsight.vision.frames import PictureSize

SIZE = PictureSize(640, 480)
UNIT = Dialect(frame="xyxy_unit")


def placed(text: str, dialect: Dialect = PIXELS, default_index: int | None = None) -> Placement:
    return place(parse_reply(text).regions, [SIZE], dialect, default_index=default_index)


def placed_in_two(text: str, default_index: int | None = None) -> Placement:
    sizes = [SIZE, PictureSize(100, 200)]
    return place(parse_reply(text).regions, sizes, PIXELS, default_index=default_index)


@pytest.mark.parametrize(
    ("dialect", "text", "xyxy_px"),
    [
        (PIXELS, "[64, 48, 320, 240]", (64, 48, 320, 240)),
        (UNIT, "[0.1, 0.1, 0.5, 0.5]", (64, 48, 320, 240)),
        (UNIT, "[0, 0, 1, 1]", (0, 0, 640, 480)),
        (Dialect.of("qwen2_vl"), "[100, 100, 500, 500]", (64, 48, 320, 240)),
        (Dialect.of("qwen3_vl"), "[100, 100, 500, 500]", (64, 48, 320, 240)),
        (Dialect.of("internvl"), "[100, 100, 500, 500]", (64, 48, 320, 240)),
        # 640×480 is shown to Qwen2.5-VL as 644×476
        (Dialect.of("qwen2_5_vl"), "[322, 119, 644, 476]", (320, 120, 640, 480)),
        # at most 28·28·100 pixels: shown as 308×224 (640 / √(307200/78400) = 323.3, cut to 28s)
        (
            Dialect(frame="xyxy_model:qwen2_5_vl", max_pixels=78_400),
            "[154, 112, 308, 224]",
            (320, 240, 640, 480),
        ),
    ],
)
def test_frames(dialect: Dialect, text: str, xyxy_px: tuple[float, ...]) -> None:
    (region,) = placed(text, dialect).regions
    assert region.xyxy_px == pytest.approx(xyxy_px)
    assert placed(text, dialect).problems == ()


@pytest.mark.parametrize(
    ("text", "xyxy_px", "codes"),
    [
        ("[320, 240, 64, 48]", (64, 48, 320, 240), ["swapped_corners"]),
        ("[320, 48, 64, 240]", (64, 48, 320, 240), ["swapped_corners"]),
        ("[64, 48, 9000, 240]", (64, 48, 640, 240), ["out_of_range"]),
        ("[-5, -5, 320, 240]", (0, 0, 320, 240), ["out_of_range"]),
        ("[9000, 240, 64, 48]", (64, 48, 640, 240), ["swapped_corners", "out_of_range"]),
        ("[0.1, 0.1, 0.5, 0.5]", (64, 48, 320, 240), ["fractions"]),
        ("[0, 0, 1, 1]", (0, 0, 1, 1), []),  # one pixel: no decimal point
        ("[64, 48, 64, 240]", None, ["empty_box"]),
        ("[640, 0, 700, 10]", None, ["outside_picture"]),
        ("[-10, 0, 0, 10]", None, ["outside_picture"]),
        ("[1e30, 0, 2e30, 10]", None, ["outside_picture"]),
        ("[-1e99, -1e99, 1e99, 1e99]", (0, 0, 640, 480), ["out_of_range"]),
        ("image 7: [64, 48, 320, 240]", (64, 48, 320, 240), []),  # there is just one picture
    ],
)
def test_ugly_boxes(text: str, xyxy_px: tuple[float, ...] | None, codes: list[str]) -> None:
    found = placed(text)
    assert [region.xyxy_px for region in found.regions] == ([xyxy_px] if xyxy_px else [])
    assert [problem.code for problem in found.problems] == codes


@pytest.mark.parametrize(
    ("text", "default", "indices", "codes"),
    [
        ("image 2: [10, 10, 50, 50]", None, [1], []),
        ("image 3: [10, 10, 50, 50]", 0, [], ["wrong_image_index"]),
        ("image 0: [10, 10, 50, 50]", 0, [], ["wrong_image_index"]),
        ("[10, 10, 50, 50]", None, [], ["no_image_index"]),
        ("[10, 10, 50, 50]", 1, [1], ["no_image_index"]),
    ],
)
def test_pictures(text: str, default: int | None, indices: list[int], codes: list[str]) -> None:
    found = placed_in_two(text, default)
    assert [region.image_index for region in found.regions] == indices
    assert [problem.code for problem in found.problems] == codes


def test_each_box_is_measured_in_its_own_picture() -> None:
    text = "image 1: [0.5, 0.5, 1.0, 1.0] image 2: [0.5, 0.5, 1.0, 1.0]"
    found = place(parse_reply(text).regions, [SIZE, PictureSize(100, 200)], UNIT)
    assert [r.xyxy_px for r in found.regions] == [(320, 240, 640, 480), (50, 100, 100, 200)]


def test_problems_say_which_box_and_what_it_says() -> None:
    (problem,) = placed("[1, 2, 3, 4] [9, 9, 9, 9]").problems
    assert problem.message == "box 2 [9, 9, 9, 9] has no area"


def test_unknown_frames_are_the_callers_mistake() -> None:
    with pytest.raises(FrameError):
        placed("[1, 2, 3, 4]", Dialect(frame="xyxy_inches"))
    with pytest.raises(UnknownNameError):
        Dialect.of("qwen9")
