"""Referring by a picture: Image 1 shows an object, find it in the other pictures."""

import numpy as np

from groundsight.core.seeds import pick
from groundsight.synth.boxed import BoxedPicture, NamedBox
from groundsight.synth.questions.base import (
    TRIES,
    Desk,
    Draft,
    QuestionKind,
    draw_count,
)
from groundsight.synth.views import View, window_view
from groundsight.vision.frames import PictureSize

TWO = (
    "Find and locate where does the object in image-1 locate in the image-2.",
    "Image 1 shows an object. Where is an object of the same kind in Image 2?",
)
SEVERAL = (
    "Image 1 shows an object. One of the other images may show the same kind of object: say which "
    "one, and where.",
    "Look at the object of the first picture, and find its like among the others.",
)
MARGIN_RATE = 0.08


class ReferGrounding(QuestionKind):
    """Image 1 is cut from one picture; exactly one other picture has a box of the same name.

    Nothing to find: no other picture has one.
    """

    name = "refer_grounding"

    def draw(self, desk: Desk, rng: np.random.Generator, *, answerable: bool) -> Draft | None:
        """Make one question of two pictures or more."""
        names = desk.shared_names(2 if answerable else 1)
        for _ in range(TRIES if names else 0):
            name = pick(rng, names)
            having = desk.once[name]
            first, *rest = (having[int(i)] for i in rng.permutation(len(having))[:2])
            count = draw_count(rng, 2, desk.most_pictures)
            others = (
                desk.without(name, rng, count - 1 - answerable)
                if count > 2 or not answerable
                else []
            )
            shown = _show(desk, rng, first, first.once()[name])
            if others is None or shown is None:
                continue
            place = draw_count(rng, 0, count - 2)
            if answerable:
                others.insert(place, rest[0])
            views = [view for picture in others if (view := desk.view(picture)) is not None]
            if len(views) < count - 1:
                continue
            box = views[place].find(rest[0].once()[name]) if answerable else None
            if answerable and box is None:
                continue
            return Draft(
                pictures=(shown.rgb, *(view.rgb for view in views)),
                question=pick(rng, TWO if count == 2 else SEVERAL),
                boxes=((place + 1, box, name),) if box else (),
                asked_image=1 if count == 2 else None,
                record={"object": name, "pictures": [v.record for v in (shown, *views)]},
            )
        return None


KIND = ReferGrounding()


def _show(
    desk: Desk, rng: np.random.Generator, picture: BoxedPicture, box: NamedBox
) -> View | None:
    """The object alone with a narrow margin, at a drawn size."""
    rgb = desk.open(picture)
    if rgb is None:
        return None
    x0, y0, x1, y1 = box.xyxy_px
    across, down = (x1 - x0) * MARGIN_RATE, (y1 - y0) * MARGIN_RATE
    width, height = picture.photo.size
    window = (
        max(x0 - across, 0.0),
        max(y0 - down, 0.0),
        min(x1 + across, float(width)),
        min(y1 + down, float(height)),
    )
    longer = max(window[2] - window[0], window[3] - window[1])
    scale = desk.size_px * float(rng.uniform(0.4, 1.0)) / longer
    size = PictureSize(
        max(28, round((window[2] - window[0]) * scale)),
        max(28, round((window[3] - window[1]) * scale)),
    )
    return window_view(rgb, picture, window=window, size=size)
