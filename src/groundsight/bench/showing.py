"""A sample as it is shown: pictures open and perturbed, sizes known, boxes moved along."""

from dataclasses import dataclass
from hashlib import sha256
from time import perf_counter

import numpy as np

from groundsight.bench.records import NONE, Unanswered
from groundsight.bench.views import Lost, perturbed
from groundsight.core.errors import GroundsightError, PictureError
from groundsight.core.types import Sample
from groundsight.data.packed import open_image, read_image_bytes
from groundsight.tasks.opened import sized_by
from groundsight.vision.frames import PictureSize
from groundsight.vision.images import Limits, Picture, decode_picture_size, printable_path

HASH_DIGITS = 16
NO_SAMPLE = "no_sample"


@dataclass(frozen=True)
class Shown:
    """A sample under one perturbation: what a worker is handed.

    Args:
        sample: as the suite has it.
        perturbation: a row of `vision.perturbations.PERTURBATIONS`, or `none`.
        seed: of what the perturbation draws.
    """

    sample: Sample
    perturbation: str = NONE
    seed: int = 0

    @property
    def request_id(self) -> str:
        """What a recording knows it by: the sample's id, with the perturbation where there is one.

        So that a recording of several perturbations answers each with its own replies.
        """
        plain = self.perturbation == NONE
        return self.sample.id if plain else f"{self.sample.id}@{self.perturbation}"

    def unanswered(self, code: str, message: str) -> Unanswered:
        """Why this has no score."""
        return Unanswered(
            perturbation=self.perturbation,
            id=self.sample.id,
            code=code,
            message=message,
            images=tuple(image.path for image in self.sample.images),
        )


@dataclass(frozen=True, eq=False)
class Ready:
    """What can be asked.

    Args:
        shown: what this is of.
        sample: with the sizes of the pictures as they are shown, and boxes in their pixels.
        pictures: as they are shown.
        pictures_sha256: of the files, before any perturbation.
        timing_s: of opening.
    """

    shown: Shown
    sample: Sample
    pictures: tuple[Picture, ...]
    pictures_sha256: str
    timing_s: float

    @property
    def named(self) -> Sample:
        """The sample under the name that recordings know it by."""
        return self.sample.model_copy(update={"id": self.shown.request_id})


def make_ready(shown: Shown, limits: Limits, *, pixels: bool = True) -> Ready | Unanswered:
    """Open, perturb, size. Never raises on a sample or its files.

    Args:
        shown: sample and perturbation.
        limits: what is refused before decoding.
        pixels: False: whoever answers looks at no pixels, so that an unperturbed picture's header
            is enough.
    """
    start = perf_counter()
    try:
        plain = not pixels and shown.perturbation == NONE
        opened = _headers(shown.sample, limits) if plain else _opened(shown.sample, limits)
        digest = _digest(opened)
        sample = sized_by([PictureSize(one.width, one.height) for one in opened], shown.sample)
        pictures = opened
        if shown.perturbation != NONE:
            viewed = perturbed(sample, opened, shown.perturbation, limits, seed=shown.seed)
            if isinstance(viewed, Lost):
                return shown.unanswered(viewed.code, viewed.message)
            sample, pictures = viewed
    except PictureError as error:
        return shown.unanswered(error.code, str(error))
    except MemoryError:
        return shown.unanswered("out_of_memory", "too large for this machine's memory")
    except GroundsightError as error:
        return shown.unanswered(NO_SAMPLE, str(error))
    return Ready(shown, sample, pictures, digest, perf_counter() - start)


def _opened(sample: Sample, limits: Limits) -> tuple[Picture, ...]:
    return tuple(open_image(image.path, limits) for image in sample.images)


def _headers(sample: Sample, limits: Limits) -> tuple[Picture, ...]:
    """Pictures of which bytes and size are known; their pixels are a stand-in without memory."""
    pictures = []
    for image in sample.images:
        data = read_image_bytes(image.path, limits)
        size = decode_picture_size(data, limits)
        black = np.broadcast_to(np.uint8(0), (size.height, size.width, 3))
        name = printable_path(image.path)
        pictures.append(Picture(path=name, data=data, rgb=black, format="unread"))
    return tuple(pictures)


def _digest(pictures: tuple[Picture, ...]) -> str:
    if len(pictures) == 1:
        return pictures[0].sha256[:HASH_DIGITS]
    joined = "".join(picture.sha256 for picture in pictures)
    return sha256(joined.encode()).hexdigest()[:HASH_DIGITS]
