"""What a kind of question is, and the desk that it takes its pictures from."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from groundsight.core.seeds import pick
from groundsight.core.types import XYXY
from groundsight.synth.boxed import BoxedPicture, NamedBox, may_mean_the_same
from groundsight.synth.edits.base import Edit
from groundsight.synth.photos import PhotoCache, PhotoFault
from groundsight.synth.region import DEFAULT_RANGES, RegionRanges
from groundsight.synth.views import View, whole_view
from groundsight.vision.images import RGBArray

TRIES = 12
"Configurations that a kind draws before it gives up."


@dataclass(frozen=True, eq=False, kw_only=True)
class Draft:
    """A question with its pictures and its truth.

    Args:
        pictures: (h, w, 3) each, in order.
        question: the instruction.
        boxes: (index of the picture, box in its whole pixels, caption); none when there is nothing
            to find.
        asked_image: the picture that is asked about, from 0; None where that is to be found.
        question_frame: frame of the boxes inside the question, where it has any.
        record: for the manifest.
    """

    pictures: tuple[RGBArray, ...] = field(repr=False)
    question: str
    boxes: tuple[tuple[int, XYXY, str], ...]
    asked_image: int | None = None
    question_frame: str | None = None
    record: dict[str, Any] = field(default_factory=dict)


class Desk:
    """Pictures of one split, and how questions show them.

    Args:
        pictures: with boxes.
        cache: opens them.
        size_px: longer side of every picture of a question.
        most_pictures: of a question, 2 to 6.
        edits: operators of difference questions.
        ranges: of the places of edits.
    """

    def __init__(
        self,
        pictures: Sequence[BoxedPicture],
        cache: PhotoCache,
        *,
        size_px: int,
        most_pictures: int,
        edits: Sequence[Edit],
        ranges: RegionRanges = DEFAULT_RANGES,
    ) -> None:
        self.pictures = tuple(pictures)
        self.size_px = size_px
        self.most_pictures = most_pictures
        self.edits = tuple(edits)
        self.ranges = ranges
        self.faults: list[PhotoFault] = []
        self._cache = cache

    def open(self, picture: BoxedPicture) -> RGBArray | None:
        """Its pixels, perhaps reduced; None, and a fault noted, when it cannot be opened."""
        rgb = self._cache.get(picture.photo)
        if isinstance(rgb, PhotoFault):
            self.faults.append(rgb)
            return None
        return rgb

    def view(self, picture: BoxedPicture) -> View | None:
        """The whole picture at the size of the set."""
        rgb = self.open(picture)
        return None if rgb is None else whole_view(rgb, picture, size_px=self.size_px)

    def pick(self, rng: np.random.Generator) -> BoxedPicture:
        """Any picture."""
        return pick(rng, self.pictures)

    @cached_property
    def once(self) -> dict[str, list[BoxedPicture]]:
        """Name → the pictures that have exactly one box of that name."""
        found: dict[str, list[BoxedPicture]] = {}
        for picture in self.pictures:
            for name in picture.once():
                found.setdefault(name, []).append(picture)
        return found

    def shared_names(self, at_least: int) -> list[str]:
        """Names that so many pictures have exactly once, sorted."""
        if at_least not in self._shared:
            names = sorted(name for name, found in self.once.items() if len(found) >= at_least)
            self._shared[at_least] = names
        return self._shared[at_least]

    @cached_property
    def _shared(self) -> dict[int, list[str]]:
        return {}

    def without(self, name: str, rng: np.random.Generator, num: int) -> list[BoxedPicture] | None:
        """Some pictures without a box of that name but with named boxes; None if too few.

        A picture without any name may well show the object: nobody has looked.
        """
        found: list[BoxedPicture] = []
        for place in rng.integers(len(self.pictures), size=20 * num):
            picture = self.pictures[int(place)]
            named = picture.names()
            says = any(may_mean_the_same(other, name) for other in named)
            if named and not says and picture not in found:
                found.append(picture)
            if len(found) == num:
                return found
        return None


class QuestionKind(ABC):
    """One kind of question; stateless; a row of `QUESTIONS`."""

    name: ClassVar[str]
    "MIG-Bench's name of the task."

    @abstractmethod
    def draw(self, desk: Desk, rng: np.random.Generator, *, answerable: bool) -> Draft | None:
        """Make one question.

        Args:
            desk: its pictures.
            rng: draws everything.
            answerable: False: a question to which the answer is that there is nothing to find.

        Returns:
            None when the pictures of the desk offer none after some tries.
        """


def draw_count(rng: np.random.Generator, least: int, most: int) -> int:
    """A whole number, both ends included; `least` where `most` is less."""
    return int(rng.integers(least, max(least, most) + 1))


def ordinal(index: int) -> str:
    """The picture's name in MIG-Bench's own words, which count "1th", "2th"."""
    return f"{index + 1}th"


def caption(box: NamedBox) -> str:
    """What the box is called."""
    return box.name or ""
