"""Coloured shapes stuck on photographs, each with its box and name: boxed pictures to ask about.

    groundsight synth shapes --kind stickers --photos DIR --out boxed
    groundsight synth questions boxed/samples.jsonl --out questions

The names are few and sure ("red circle"), the ground is a real photograph: with these every kind of
multi-image question can be made where no boxed set is at hand.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from PIL import Image, ImageDraw

from groundsight.core.errors import UsageError
from groundsight.core.seeds import make_rng
from groundsight.core.types import XYXY, ImageRef, Sample, SampleRegion
from groundsight.synth.codecs import draw_codec
from groundsight.synth.crops import draw_crop, take_crop
from groundsight.synth.photos import Photo, PhotoCache, PhotoFault
from groundsight.synth.region import PixelBox
from groundsight.synth.runs import Made, NewPicture
from groundsight.synth.shapes import COLOURS, FORMS, draw_form
from groundsight.vision.codecs import FORMATS, encode
from groundsight.vision.images import RGBArray, printable_path

SOURCE = "groundsight.synth.stickers"
QUESTION = "Locate every coloured shape that was stuck on this picture."
MOST = 5
"Shapes on a picture."
SIDE_RATES = (0.1, 0.28)
"Of a shape over the shorter side of its picture."
_OVERSAMPLING = 4
_QUALITIES = (80, 98)
_TRIES = 40


@dataclass(frozen=True)
class StickerPlan:
    """Makes boxed pictures from their numbers; a `runs.Maker`.

    Args:
        photos: the grounds.
        seed: root of every stream.
        size_px: side of the square pictures.
        most: shapes on a picture, from 1; no two have the same name.
        side_rates: least and most side of a shape over the picture's shorter side.
    """

    photos: tuple[Photo, ...]
    seed: int = 0
    size_px: int = 448
    most: int = MOST
    side_rates: tuple[float, float] = SIDE_RATES

    def make(self, unit: int) -> Made:
        """Make one picture.

        Raises:
            UsageError: no photograph can be opened.
        """
        rng = make_rng(self.seed, "stickers", unit)
        faults: list[PhotoFault] = []
        for photo in self._candidates(unit):
            ground = self._cache.get(photo)
            if isinstance(ground, PhotoFault):
                faults.append(ground)
                continue
            crop = draw_crop(rng, photo.size, size_px=self.size_px)
            rgb, named = stick(
                take_crop(ground, photo.size, crop),
                rng,
                most=self.most,
                side_rates=self.side_rates,
            )
            codec = draw_codec(rng, FORMATS, _QUALITIES)
            picture = NewPicture(number=unit, suffix=codec.suffix, data=encode(rgb, codec))
            record = {
                "photo": {"path": printable_path(photo.path), "sha256": photo.sha256},
                "crop": crop.as_record(),
                "codec": codec.as_record(),
            }
            return Made(
                samples=(_sample(unit, picture, rgb, named, photo.split),),
                pictures=(picture,),
                record=record,
                faults=tuple((fault.path, fault.code, fault.message) for fault in faults),
            )
        raise UsageError("no photograph can be opened")

    def _candidates(self, unit: int) -> Iterator[Photo]:
        """The photograph whose turn it is, then those of its split."""
        first = self.photos[unit % len(self.photos)]
        yield first
        yield from (photo for photo in self.photos if photo.split == first.split)

    @cached_property
    def _cache(self) -> PhotoCache:
        return PhotoCache(short_side_px=2 * self.size_px)

    def __getstate__(self) -> dict[str, object]:
        """Without open photographs: every process opens its own."""
        fields = ("photos", "seed", "size_px", "most", "side_rates")
        return {name: getattr(self, name) for name in fields}


def stick(
    rgb: RGBArray,
    rng: np.random.Generator,
    *,
    most: int,
    side_rates: tuple[float, float] = SIDE_RATES,
) -> tuple[RGBArray, list[tuple[str, XYXY]]]:
    """Stick 1 to `most` shapes on a picture, none upon another, no two of one name.

    Args:
        rgb: (H, W, 3) uint8; not changed.
        rng: draws everything.
        most: shapes at most; fewer where no place is free.
        side_rates: least and most side over the picture's shorter side.

    Returns:
        The picture, and each shape's name and tight box in whole pixels.
    """
    image = Image.fromarray(rgb)
    names = [f"{colour} {form}" for colour in COLOURS for form in FORMS]
    taken: list[PixelBox] = []
    named: list[tuple[str, XYXY]] = []
    for place in rng.permutation(len(names))[: int(rng.integers(1, most + 1))]:
        box = _free_place(rng, image.size, taken, side_rates)
        if box is None:
            continue
        name = names[int(place)]
        colour, form = name.split()
        ink = Image.new("RGB", (box.width, box.height), COLOURS[colour])
        mask = _mask(form, box.width, box.height)
        image.paste(ink, (box.x0, box.y0), mask)
        taken.append(box)
        left, top, right, bottom = mask.getbbox() or (0, 0, box.width, box.height)
        x0, y0 = float(box.x0 + left), float(box.y0 + top)
        named.append((name, (x0, y0, float(box.x0 + right), float(box.y0 + bottom))))
    return np.asarray(image), named


def _mask(form: str, width: int, height: int) -> Image.Image:
    large = Image.new("L", (width * _OVERSAMPLING, height * _OVERSAMPLING), 0)
    corners = (0.0, 0.0, large.width - 1.0, large.height - 1.0)
    draw_form(ImageDraw.Draw(large), form, corners, 255)
    return large.resize((width, height), Image.Resampling.BOX)


def _free_place(
    rng: np.random.Generator,
    size: tuple[int, int],
    taken: list[PixelBox],
    side_rates: tuple[float, float],
) -> PixelBox | None:
    for _ in range(_TRIES):
        side = max(12, round(min(size) * float(rng.uniform(*side_rates))))
        x0, y0 = (int(rng.integers(0, limit - side + 1)) for limit in size)
        box = PixelBox(x0, y0, x0 + side, y0 + side)
        if not any(box.meets(other, gap=4) for other in taken):
            return box
    return None


def _sample(
    unit: int,
    picture: NewPicture,
    rgb: RGBArray,
    named: list[tuple[str, XYXY]],
    split: str | None,
) -> Sample:
    return Sample(
        id=f"stickers-{unit:07d}",
        images=(ImageRef(path=picture.path, width=rgb.shape[1], height=rgb.shape[0]),),
        task="multi_image_grounding",
        question=QUESTION,
        regions=tuple(SampleRegion(xyxy=box, description=name) for name, box in named),
        split=split,
        source=SOURCE,
        extra={"asked_image": 0},
    )
