"""Photographs with named things on them, made on the fly: stickers and edits with exact boxes.

    maker = SceneMaker(scan_photos(paths).photos, PretrainSettings())
    scenes = maker.block(7, 1000)       # the same scenes whenever block 7 is made

A crop of a photograph gets up to three coloured shapes and up to three edits, none upon another.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from PIL import Image

from groundsight.core.seeds import make_rng, pick
from groundsight.core.types import XYXY
from groundsight.synth.codecs import draw_codec
from groundsight.synth.crops import draw_crop, take_crop
from groundsight.synth.editing import edit_picture
from groundsight.synth.edits import EDITS
from groundsight.synth.edits.base import Edit
from groundsight.synth.edits.bold import Stamp
from groundsight.synth.photos import Photo, PhotoCache, PhotoFault
from groundsight.synth.region import PixelBox, RegionRanges
from groundsight.synth.shapes import COLOURS, FORMS
from groundsight.synth.stickers import stick
from groundsight.train.pretrain.settings import PretrainSettings
from groundsight.vision.codecs import Codec, Format, encode
from groundsight.vision.images import RGBArray

_CACHE_BYTES = 1 << 30
_FORMATS: tuple[Format, ...] = ("png", "jpeg")
_STICKER_RATE = 0.5
_EDIT_COUNTS = (0.3, 0.4, 0.2, 0.1)  # chance of 0, 1, 2, 3


class Thing(NamedTuple):
    """Something with a place."""

    name: str
    "A row of `kind_names`."
    xyxy_px: XYXY


@dataclass(frozen=True, eq=False, kw_only=True)
class Scene:
    """A picture and what is on it.

    Args:
        rgb: (S, S, 3).
        things: all of them.
        before: the same picture without the last edit; None where there is no edit. It lacks the
            last of `things`.
    """

    rgb: RGBArray = field(repr=False)
    things: tuple[Thing, ...]
    before: RGBArray | None = field(default=None, repr=False)


def sticker_names() -> tuple[str, ...]:
    """Coloured shapes, as `synth.stickers` names them."""
    return tuple(f"{colour} {form}" for colour in COLOURS for form in FORMS)


def kind_names(settings: PretrainSettings) -> tuple[str, ...]:
    """All things by name: the tags of the edits, then the shapes, stuck on or stamped."""
    tags = dict.fromkeys(EDITS[name].tag for name in settings.edits if EDITS[name].tag != Stamp.tag)
    return (*tags, *sticker_names())


@dataclass(frozen=True)
class SceneMaker:
    """Makes scenes from their numbers.

    Args:
        photos: the grounds.
        settings: of the pretraining.
    """

    photos: tuple[Photo, ...]
    settings: PretrainSettings

    def block(self, number: int, count: int) -> list[Scene]:
        """Scenes of one block."""
        rng = make_rng(self.settings.seed, "scenes", number)
        return [self.make(rng) for _ in range(count)]

    def make(self, rng: np.random.Generator) -> Scene:
        """Make one scene."""
        rgb = self.crop(rng)
        stuck: list[tuple[str, XYXY]] = []
        if rng.random() < _STICKER_RATE:
            rgb, stuck = stick(rgb, rng, most=3)
        things = [Thing(name, box) for name, box in stuck]
        wanted = int(rng.choice(len(_EDIT_COUNTS), p=_EDIT_COUNTS))
        before = None
        for _ in range(wanted):
            done = self._edit(rgb, rng, things, self._edits)
            if done is None:
                break
            before, (rgb, thing) = rgb, done
            things.append(thing)
        codec = draw_codec(rng, _FORMATS, self.settings.qualities)
        return Scene(
            rgb=_written(rgb, codec),
            things=tuple(things),
            before=None if before is None else _written(before, codec),
        )

    def single(self, rng: np.random.Generator, edit: str | None) -> Scene:
        """A crop with one edit, of that operator, and nothing else; None: untouched."""
        while True:
            rgb, things = self.crop(rng), []
            if edit is not None:
                done = self._edit(rgb, rng, [], [EDITS[edit]])
                if done is None:
                    continue
                rgb, things = done[0], [done[1]]
            codec = draw_codec(rng, _FORMATS, self.settings.qualities)
            return Scene(rgb=_written(rgb, codec), things=tuple(things))

    def crop(self, rng: np.random.Generator) -> RGBArray:
        """A crop of a photograph, at the size of the set."""
        while True:
            photo = pick(rng, self.photos)
            rgb = self._cache.get(photo)
            if isinstance(rgb, PhotoFault):
                continue
            crop = draw_crop(
                rng,
                photo.size,
                size_px=self.settings.size_px,
                min_rate=self.settings.min_crop_rate,
            )
            return take_crop(rgb, photo.size, crop)

    def _edit(
        self,
        rgb: RGBArray,
        rng: np.random.Generator,
        things: Sequence[Thing],
        edits: Sequence[Edit],
    ) -> tuple[RGBArray, Thing] | None:
        """One of the edits, where it touches none of the things that are there."""
        for _ in range(4):
            found = edit_picture(rgb, rng, [pick(rng, edits)], ranges=self._ranges)
            if not found:
                continue
            edited = found[0].edited
            box = edited.region.box
            if any(box.meets(_whole(thing.xyxy_px), gap=2) for thing in things):
                continue
            name = str(edited.parameters.get("thing", edited.tag))
            return edited.rgb, Thing(name, edited.xyxy_px)
        return None

    @cached_property
    def _edits(self) -> list[Edit]:
        return [EDITS[name] for name in self.settings.edits]

    @cached_property
    def _ranges(self) -> RegionRanges:
        return RegionRanges(side_rates=self.settings.side_rates, soft_rate=self.settings.soft_rate)

    @cached_property
    def _cache(self) -> PhotoCache:
        return PhotoCache(short_side_px=2 * self.settings.size_px, max_bytes=_CACHE_BYTES)


def turned(scene: Scene, rng: np.random.Generator) -> Scene:
    """One of the eight ways to mirror and turn a square scene, with its boxes."""
    flip_x, flip_y, swap = (bool(value) for value in rng.random(3) < 0.5)
    side = scene.rgb.shape[0]

    def picture(rgb: RGBArray) -> RGBArray:
        rgb = rgb[:, ::-1] if flip_x else rgb
        rgb = rgb[::-1] if flip_y else rgb
        return np.ascontiguousarray(rgb.transpose(1, 0, 2) if swap else rgb)

    def place(box: XYXY) -> XYXY:
        x0, y0, x1, y1 = box
        if flip_x:
            x0, x1 = side - x1, side - x0
        if flip_y:
            y0, y1 = side - y1, side - y0
        return (y0, x0, y1, x1) if swap else (x0, y0, x1, y1)

    return replace(
        scene,
        rgb=picture(scene.rgb),
        before=None if scene.before is None else picture(scene.before),
        things=tuple(thing._replace(xyxy_px=place(thing.xyxy_px)) for thing in scene.things),
    )


def _written(rgb: RGBArray, codec: Codec) -> RGBArray:
    """The picture as it comes back from its file."""
    if codec.format == "png":
        return rgb
    return np.asarray(Image.open(io.BytesIO(encode(rgb, codec))).convert("RGB"))


def _whole(box: XYXY) -> PixelBox:
    return PixelBox(*(int(value) for value in box))
