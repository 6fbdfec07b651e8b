"""Photographs → real pictures and edited ones between which the edit is the only difference.

A unit is a pair: a photograph, a crop and scale, a codec with its quality, and a draw of edits. In
`pairs` both pictures are kept; in `disjoint` one of the two, so that no crop is there twice. A crop
whose edit would not show is drawn anew, whichever picture is kept: plain pictures must not all be
real.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from groundsight.core.errors import UsageError
from groundsight.core.seeds import make_rng
from groundsight.core.types import ImageRef, Label, Sample, SampleRegion
from groundsight.synth.codecs import draw_codec
from groundsight.synth.crops import Crop, draw_crop, take_crop
from groundsight.synth.edit_settings import EditSettings
from groundsight.synth.editing import Donor, EditDone, edit_picture
from groundsight.synth.edits import EDITS
from groundsight.synth.photos import Photo, PhotoCache, PhotoFault
from groundsight.synth.runs import Made, NewPicture
from groundsight.vision.codecs import Codec, encode
from groundsight.vision.images import RGBArray, printable_path

SOURCE = "groundsight.synth.edits"
EDITED_BY = "edit:"  # begins `Sample.generator`; names of operators follow, with + between
LABEL_1 = "a photograph with local edits"
_LATELY = 8  # photographs before this one in the order: donors are taken from them
_CROPS_TRIED = 4  # of a photograph, before the next one


@dataclass(frozen=True, eq=False, kw_only=True)
class Pair:
    """A real picture and its edited twin, before they are written.

    Args:
        photo: where both are from.
        crop: the way both went.
        codec: how both are written.
        real: (H, W, 3).
        edits: what the twin has; the last one's picture is the twin.
        record: what the manifest says of the way here.
    """

    photo: Photo
    crop: Crop
    codec: Codec
    real: RGBArray = field(repr=False)
    edits: tuple[EditDone, ...]
    record: dict[str, Any] = field(default_factory=dict)

    @property
    def edited(self) -> RGBArray:
        """(H, W, 3)."""
        return self.edits[-1].edited.rgb


@dataclass(frozen=True)
class EditPlan:
    """Makes pairs from their numbers; a `runs.Maker`.

    Args:
        settings: of the set.
        photos: usable ones, split where the settings split.
    """

    settings: EditSettings
    photos: tuple[Photo, ...]

    def check(self) -> None:
        """See that each split can be edited.

        Raises:
            UsageError: all operators need a donor, and a split has one photograph only.
        """
        if any(not EDITS[name].needs_donor for name in self.settings.edits):
            return
        counts = Counter(photo.split for photo in self.photos)
        alone = [split for split, count in counts.items() if count == 1]
        if alone:
            where = f"the split {alone[0]!r} has" if alone[0] else "there is"
            raise UsageError(
                f"{', '.join(self.settings.edits)} takes from a second photograph, and {where} one "
                "only: give more photographs, other edits or other splits"
            )

    def make(self, unit: int) -> Made:
        """Make the samples of one pair.

        Raises:
            UsageError: no photograph of the split can be edited.
        """
        faults: list[PhotoFault] = []
        pair = self.make_pair(unit, faults)
        made = [
            _sample(pair, unit, number, label, self.settings.task)
            for number, label in self.numbers(unit)
        ]
        return Made(
            samples=tuple(sample for sample, _ in made),
            pictures=tuple(picture for _, picture in made),
            record=_record(pair),
            faults=tuple((fault.path, fault.code, fault.message) for fault in faults),
        )

    def numbers(self, unit: int) -> list[tuple[int, Label]]:
        """Number and label of each picture that a unit gives; two in a row are of both classes."""
        both = self.settings.twins == "pairs"
        couple = unit if both else unit // 2
        first: Label = 1 if make_rng(self.settings.seed, "order", couple).random() < 0.5 else 0
        second: Label = 0 if first else 1
        if both:
            return [(2 * unit, first), (2 * unit + 1, second)]
        return [(unit, second if unit % 2 else first)]

    def make_pair(self, unit: int, faults: list[PhotoFault] | None = None) -> Pair:
        """Make both pictures of a pair, before the codec.

        Args:
            unit: number of the pair.
            faults: photographs that could not be opened are added to it.

        Raises:
            UsageError: as `make`.
        """
        rng = make_rng(self.settings.seed, "pair", unit)
        told = [] if faults is None else faults
        for photo in self._candidates(unit):
            rgb = self._open(photo, told)
            for attempt in range(_CROPS_TRIED if rgb is not None else 0):
                assert rgb is not None
                pair = self._try_pair(photo, rgb, unit, rng, told)
                if pair is not None:
                    pair.record["crops_refused"] = attempt
                    return pair
        raise UsageError(
            "no photograph can be edited so that it shows: they are broken or of one colour"
        )

    def _try_pair(
        self,
        photo: Photo,
        rgb: RGBArray,
        unit: int,
        rng: np.random.Generator,
        faults: list[PhotoFault],
    ) -> Pair | None:
        settings = self.settings
        crop = self._draw_crop(photo, rng)
        real = take_crop(rgb, photo.size, crop)
        codec = draw_codec(rng, settings.formats, settings.qualities)
        edits = edit_picture(
            real,
            rng,
            [EDITS[name] for name in settings.edits],
            most=settings.most_edits,
            ranges=settings.regions(),
            donor=lambda: self._donor(photo, unit, rng, faults),
        )
        if not edits:
            return None
        return Pair(photo=photo, crop=crop, codec=codec, real=real, edits=tuple(edits))

    def _draw_crop(self, photo: Photo, rng: np.random.Generator) -> Crop:
        return draw_crop(
            rng,
            photo.size,
            size_px=self.settings.size_px,
            min_rate=self.settings.min_crop_rate,
            max_aspect=self.settings.max_aspect,
            mirror=self.settings.mirror,
        )

    def _donor(
        self, photo: Photo, unit: int, rng: np.random.Generator, faults: list[PhotoFault]
    ) -> Donor | None:
        """Another photograph of the same split that was in use lately, and so is open still."""
        lately = [other for other in self._before(unit) if other.split == photo.split]
        others = lately or [other for other in self.photos if other.split == photo.split]
        others = [other for other in others if other.sha256 != photo.sha256]
        for place in rng.permutation(len(others))[:3]:
            other = others[int(place)]
            rgb = self._open(other, faults)
            if rgb is not None:
                crop = self._draw_crop(other, rng)
                record: dict[str, object] = {
                    "photo": _photo_record(other),
                    "crop": crop.as_record(),
                }
                return Donor(rgb=take_crop(rgb, other.size, crop), record=record)
        return None

    def _open(self, photo: Photo, faults: list[PhotoFault]) -> RGBArray | None:
        rgb = self._cache.get(photo)
        if isinstance(rgb, PhotoFault):
            faults.append(rgb)
            return None
        return rgb

    def _candidates(self, unit: int) -> Iterator[Photo]:
        """The photograph whose turn it is, then the others of its split."""
        first = self._scheduled(unit // self.settings.crops_per_photo)
        yield first
        others = [photo for photo in self.photos if photo.split == first.split]
        start = others.index(first)
        yield from (*others[start + 1 :], *others[:start])

    def _before(self, unit: int) -> list[Photo]:
        turn = unit // self.settings.crops_per_photo
        return [self._scheduled(turn - back) for back in range(1, _LATELY + 1) if turn >= back]

    def _scheduled(self, turn: int) -> Photo:
        """All photographs in a drawn order, then all in another."""
        epoch, place = divmod(turn, len(self.photos))
        return self.photos[int(_order(self.settings.seed, epoch, len(self.photos))[place])]

    @cached_property
    def _cache(self) -> PhotoCache:
        return PhotoCache(short_side_px=2 * self.settings.size_px)

    def __getstate__(self) -> dict[str, object]:
        """Without open photographs: every process opens its own."""
        return {"settings": self.settings, "photos": self.photos}


@lru_cache(maxsize=4)
def _order(seed: int, epoch: int, count: int) -> npt.NDArray[np.int64]:
    return make_rng(seed, "photos", epoch).permutation(count)


def _sample(
    pair: Pair, unit: int, number: int, label: Label, task: str
) -> tuple[Sample, NewPicture]:
    rgb = pair.edited if label else pair.real
    data = encode(rgb, pair.codec)
    picture = NewPicture(number=number, suffix=pair.codec.suffix, data=data)
    edits = [one.edited for one in pair.edits] if label else []
    sample = Sample(
        id=f"edits-{number:07d}",
        images=(ImageRef(path=picture.path, width=rgb.shape[1], height=rgb.shape[0]),),
        task=task,
        label=label,
        regions=tuple(SampleRegion(xyxy=e.xyxy_px, description=e.caption) for e in edits),
        tags=tuple(dict.fromkeys(edit.tag for edit in edits)),
        generator=EDITED_BY + "+".join(sorted({edit.edit for edit in edits})) if edits else None,
        split=pair.photo.split,
        source=SOURCE,
        extra={"pair": unit, "photo_sha256": pair.photo.sha256, "label_1_means": LABEL_1},
    )
    return sample, picture


def _record(pair: Pair) -> dict[str, Any]:
    return {
        "photo": _photo_record(pair.photo),
        "crop": pair.crop.as_record(),
        "codec": pair.codec.as_record(),
        "edits": [_edit_record(one) for one in pair.edits],
        **pair.record,
    }


def _photo_record(photo: Photo) -> dict[str, object]:
    return {
        "path": printable_path(photo.path),
        "sha256": photo.sha256,
        "size": list(photo.size),
        "split": photo.split,
    }


def _edit_record(one: EditDone) -> dict[str, object]:
    edited = one.edited
    return {
        "edit": edited.edit,
        "xyxy_px": list(edited.xyxy_px),
        "region_xyxy_px": list(edited.region.box),
        "shape": edited.region.shape,
        "feather_px": edited.region.feather_px,
        "parameters": edited.parameters,
        "caption": edited.caption,
        "tag": edited.tag,
        "changed_rate": edited.changed_rate,
        "mean_change": edited.mean_change,
        "donor": one.donor,
    }
