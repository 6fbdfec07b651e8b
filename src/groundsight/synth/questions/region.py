"""Region: a source picture, then some of its regions cut out and scaled; find one in the source."""

import numpy as np
from PIL import Image

from groundsight.core.seeds import pick
from groundsight.core.types import XYXY
from groundsight.synth.boxed import NamedBox
from groundsight.synth.questions.base import (
    TRIES,
    Desk,
    Draft,
    QuestionKind,
    caption,
    draw_count,
    ordinal,
)
from groundsight.synth.views import View, overlap_rate
from groundsight.vision.images import RGBArray

WORDINGS = (
    "You are given a source image followed by its several regions. Please locate the {nth} region "
    "picture in the source image.",
    "The first image is the source; the others were cut out of it and scaled. Where in the first "
    "image is the {nth} cut-out from?",
    "Find the place of region picture number {k} in the source image, which comes first.",
)
MIN_SPREAD = 10.0
"Standard deviation in levels: a flat region could be from anywhere."


class Region(QuestionKind):
    """The regions are boxes of the source.

    Nothing to find: the region that is asked about is from another picture.
    """

    name = "region"

    def draw(self, desk: Desk, rng: np.random.Generator, *, answerable: bool) -> Draft | None:
        """Make one question of a source and one or more regions."""
        for _ in range(TRIES):
            source = desk.view(desk.pick(rng))
            if source is None:
                continue
            boxes = _telling(source, rng)[: desk.most_pictures - 1]
            count = draw_count(rng, 1, len(boxes))
            if not boxes:
                continue
            asked = draw_count(rng, 0, count - 1)
            pieces = [_cut(source.rgb, box.xyxy_px, rng) for box in boxes[:count]]
            record = {
                "pictures": [source.record],
                "boxes": [list(b.xyxy_px) for b in boxes[:count]],
            }
            if not answerable:
                foreign = _foreign(desk, rng, source)
                if foreign is None:
                    continue
                pieces[asked], record["foreign"] = foreign
            target = boxes[asked]
            return Draft(
                pictures=(source.rgb, *pieces),
                question=pick(rng, WORDINGS).format(nth=ordinal(asked), k=asked + 1),
                boxes=((0, target.xyxy_px, caption(target)),) if answerable else (),
                asked_image=0,
                record=record,
            )
        return None


KIND = Region()


def _telling(view: View, rng: np.random.Generator) -> list[NamedBox]:
    """Boxes that show something, hardly overlap each other, and leave most of the picture out."""
    kept: list[NamedBox] = []
    area = view.rgb.shape[0] * view.rgb.shape[1]
    for place in rng.permutation(len(view.boxes)):
        box = view.boxes[int(place)][0]
        x0, y0, x1, y1 = box.xyxy_px
        if (x1 - x0) * (y1 - y0) > 0.5 * area or _spread(
            _inside(view.rgb, box.xyxy_px)
        ) < MIN_SPREAD:
            continue
        if all(overlap_rate(box.xyxy_px, other.xyxy_px) < 0.5 for other in kept):
            kept.append(box)
    return kept


def _foreign(
    desk: Desk, rng: np.random.Generator, source: View
) -> tuple[RGBArray, dict[str, object]] | None:
    """A region of another picture."""
    for _ in range(TRIES):
        view = desk.view(desk.pick(rng))
        if view is None or view.record["sha256"] == source.record["sha256"]:
            continue
        boxes = _telling(view, rng)
        if boxes:
            box = boxes[0].xyxy_px
            return _cut(view.rgb, box, rng), {**view.record, "box": list(box)}
    return None


def _cut(rgb: RGBArray, box: XYXY, rng: np.random.Generator) -> RGBArray:
    """The box's pixels, scaled by a drawn factor; no side below 28 pixels, which models need."""
    piece = Image.fromarray(_inside(rgb, box))
    scale = float(np.exp(rng.uniform(np.log(0.6), np.log(1.8))))
    scale = max(scale, 28 / min(piece.size))
    size = (round(piece.width * scale), round(piece.height * scale))
    return np.asarray(piece.resize(size, Image.Resampling.LANCZOS))


def _inside(rgb: RGBArray, box: XYXY) -> RGBArray:
    x0, y0, x1, y1 = (int(side) for side in box)
    return rgb[y0:y1, x0:x1]


def _spread(rgb: RGBArray) -> float:
    return float(rgb.mean(axis=2).std())
