"""Tracking: a window wanders and zooms over one picture; follow the object through the frames."""

from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from groundsight.core.seeds import pick
from groundsight.core.types import XYXY
from groundsight.replies.dialect import Dialect
from groundsight.replies.render import write_box, write_numbers
from groundsight.synth.boxed import BoxedPicture, NamedBox
from groundsight.synth.questions.base import (
    TRIES,
    Desk,
    Draft,
    QuestionKind,
    caption,
    draw_count,
    ordinal,
)
from groundsight.synth.views import View, overlap_rate, window_view
from groundsight.vision.frames import PictureSize
from groundsight.vision.images import RGBArray

FRAME = "xyxy_model:qwen2_vl"
"MIG-Bench writes the boxes of its questions in Qwen2-VL's way, 0 to 1000."
WORDINGS = (
    "These are a sequence of images containing moving objects. For the object in the first image "
    "marked with red bounding box({box}), please locate it in the {nth} image.",
    "Follow the object that a red box({box}) marks in the first image through the sequence. Where "
    "is it in the {nth} image?",
)
_ZOOMS = (1.6, 4.5)  # side of the window over that of the object
_MAX_ZOOM = 0.9  # of the window over the picture: a whole picture leaves nowhere to go


class ObjectTracking(QuestionKind):
    """Frames are windows on one picture along a smooth path; the object is wholly in each.

    Nothing to find: the object is not in the frame that is asked about.
    """

    name = "object_tracking"

    def draw(self, desk: Desk, rng: np.random.Generator, *, answerable: bool) -> Draft | None:
        """Make one question of two frames or more."""
        for _ in range(TRIES):
            picture = desk.pick(rng)
            target = pick(rng, picture.boxes)
            count = draw_count(rng, 2, desk.most_pictures)
            windows = _path(rng, picture, target, count)
            asked = draw_count(rng, 1, count - 1)
            if windows is not None and not answerable:
                windows[asked] = _elsewhere(rng, picture, target, windows[asked]) or windows[asked]
            rgb = desk.open(picture)
            if windows is None or rgb is None:
                continue
            views = [_frame(desk, rgb, picture, window) for window in windows]
            boxes = [view.find(target) for view in views]
            gone = overlap_rate(target.xyxy_px, windows[asked]) == 0
            if boxes[0] is None or (boxes[asked] is None) == answerable or gone == answerable:
                continue
            return _draft(rng, views, boxes, asked, target)
        return None


KIND = ObjectTracking()


class _Window(NamedTuple):
    """Centre and size."""

    x: float
    y: float
    width: float
    height: float


def _draft(
    rng: np.random.Generator,
    views: list[View],
    boxes: list[XYXY | None],
    asked: int,
    target: NamedBox,
) -> Draft:
    first, found = boxes[0], boxes[asked]
    assert first is not None
    size = PictureSize(views[0].rgb.shape[1], views[0].rgb.shape[0])
    dialect = Dialect(frame=FRAME, notation="box_tokens")
    told = write_box(write_numbers(first, size, dialect), dialect.notation)
    return Draft(
        pictures=(_marked(views[0].rgb, first), *(view.rgb for view in views[1:])),
        question=pick(rng, WORDINGS).format(box=told, nth=ordinal(asked)),
        boxes=((asked, found, caption(target)),) if found else (),
        asked_image=asked,
        question_frame=FRAME,
        record={"pictures": [view.record for view in views], "object": list(target.xyxy_px)},
    )


def _path(
    rng: np.random.Generator, picture: BoxedPicture, target: NamedBox, count: int
) -> list[XYXY] | None:
    """Windows between two drawn ones, each with the object in it."""
    ends = [_window(rng, picture, target) for _ in range(2)]
    if ends[0] is None or ends[1] is None:
        return None
    steps = np.linspace(0, 1, count)
    path = [_between(ends[0], ends[1], float(step)) for step in steps]
    return [_corners(window) for window in path]


def _window(rng: np.random.Generator, picture: BoxedPicture, target: NamedBox) -> _Window | None:
    """A window of the picture's shape with the whole object somewhere in it."""
    width, height = picture.photo.size
    x0, y0, x1, y1 = target.xyxy_px
    fills = max((x1 - x0) / width, (y1 - y0) / height)
    zoom = min(fills * float(rng.uniform(*_ZOOMS)), _MAX_ZOOM)
    if zoom < fills * 1.2:
        return None
    wide, high = zoom * width, zoom * height
    left = float(rng.uniform(max(0.0, x1 - wide), min(x0, width - wide)))
    top = float(rng.uniform(max(0.0, y1 - high), min(y0, height - high)))
    return _Window(left + wide / 2, top + high / 2, wide, high)


def _between(first: _Window, last: _Window, step: float) -> _Window:
    """Both ends hold the object and lie in the picture, and so does everything between them."""
    return _Window(*(a + (b - a) * step for a, b in zip(first, last, strict=True)))


def _elsewhere(
    rng: np.random.Generator, picture: BoxedPicture, target: NamedBox, window: XYXY
) -> XYXY | None:
    """A window of the same size without any of the object; None when there is no room."""
    wide, high = window[2] - window[0], window[3] - window[1]
    for _ in range(TRIES):
        left = float(rng.uniform(0, picture.photo.size.width - wide))
        top = float(rng.uniform(0, picture.photo.size.height - high))
        moved = (left, top, left + wide, top + high)
        if overlap_rate(target.xyxy_px, moved) == 0:
            return moved
    return None


def _corners(window: _Window) -> XYXY:
    half_x, half_y = window.width / 2, window.height / 2
    return (window.x - half_x, window.y - half_y, window.x + half_x, window.y + half_y)


def _frame(desk: Desk, rgb: RGBArray, picture: BoxedPicture, window: XYXY) -> View:
    scale = desk.size_px / max(picture.photo.size)
    width, height = (max(28, round(side * scale)) for side in picture.photo.size)
    return window_view(rgb, picture, window=window, size=PictureSize(width, height))


def _marked(rgb: RGBArray, box: XYXY) -> RGBArray:
    """With a red line just outside the box."""
    image = Image.fromarray(rgb)
    x0, y0, x1, y1 = (int(side) for side in box)
    thick = max(2, round(max(image.size) / 200))
    outline = (x0 - thick, y0 - thick, x1 + thick - 1, y1 + thick - 1)
    ImageDraw.Draw(image).rectangle(outline, outline=(255, 0, 0), width=thick)
    return np.asarray(image)
