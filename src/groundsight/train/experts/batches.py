"""Training batches: which pictures in which order, opened and cut, by worker processes if asked.

The order of an epoch and every view follow from the seed, the epoch and the place in it, not from
a generator that is passed along: so the number of workers changes nothing, and a killed run goes on
in the middle of an epoch with the very batch that would have come.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from groundsight.core.errors import PictureError, UsageError
from groundsight.core.seeds import make_rng
from groundsight.data.packed import open_image
from groundsight.experts.base import AnyArray, Expert
from groundsight.experts.signal.pictures import FitPicture, picture_weights
from groundsight.experts.signal.views import bounded
from groundsight.train.experts.settings import ExpertTraining
from groundsight.train.experts.views import training_crop, training_views

MOST_TRIES = 16
"Pictures that are tried in place of one that cannot be read."


class Place(NamedTuple):
    """Which picture is shown, and what its view is drawn from."""

    epoch: int
    position: int
    picture: int


@dataclass(frozen=True, eq=False)
class Batch:
    """Views of a step.

    Args:
        views: packed, (N, …) as `Expert.packed_views` packs them.
        labels: (N,) float32, 1 = generated.
        num_unreadable: pictures that could not be read and were replaced.
    """

    views: AnyArray
    labels: npt.NDArray[np.float32]
    num_unreadable: int


def epoch_places(
    pictures: Sequence[FitPicture], settings: ExpertTraining, epoch: int
) -> list[Place]:
    """What an epoch shows, in order: classes evenly, families and sources by `group_power`."""
    count = settings.pictures_an_epoch or len(pictures)
    everything = np.ones(len(pictures), dtype=bool)
    weights = picture_weights(pictures, everything, group_power=settings.group_power)
    rng = make_rng(settings.seed, "order", epoch)
    return [Place(epoch, at, int(index)) for at, index in enumerate(_spread(weights, count, rng))]


def num_steps(num_pictures: int, settings: ExpertTraining) -> int:
    """Steps of an epoch."""
    return -(-(settings.pictures_an_epoch or num_pictures) // settings.batch)


class Views(Dataset[Batch]):
    """The view of a place.

    Args:
        pictures: to fit.
        expert: packs the views.
        settings: of the run.
        cache_bytes: decoded pictures that are kept in memory, of each process.
    """

    def __init__(
        self,
        pictures: Sequence[FitPicture],
        expert: Expert,
        settings: ExpertTraining,
        *,
        cache_bytes: int = 0,
    ) -> None:
        self._pictures = pictures
        self._pack = _Packer(expert)
        self._settings = settings
        self._cache = PictureCache(cache_bytes)
        self._labels = np.array([one.label for one in pictures])

    def __getitem__(self, place: Place) -> Batch:
        """The view, its label once a view."""
        rng = make_rng(self._settings.seed, "view", place.epoch, place.position)
        index, num_unreadable = place.picture, 0
        image = self._cache.open(self._pictures[index])
        while image is None:
            num_unreadable += 1
            if num_unreadable > MOST_TRIES:
                raise UsageError(
                    f"{num_unreadable} pictures in a row cannot be read, the last is "
                    f"{self._pictures[index].path}: look at the data with `groundsight data check`"
                )
            index = int(rng.choice(np.flatnonzero(self._labels == self._labels[place.picture])))
            image = self._cache.open(self._pictures[index])
        settings = self._settings
        crop = training_crop(image, settings.crop_px, settings.augmentation, rng)
        views = training_views(self._pack.expert, crop, settings.crop_px)
        labels = np.full(len(views), self._labels[index], dtype=np.float32)
        return Batch(views, labels, num_unreadable)


def iter_batches(
    views: Views, places: Sequence[Place], settings: ExpertTraining, *, done: int, workers: int
) -> Iterator[Batch]:
    """The batches of an epoch from step `done` on."""
    steps = [
        list(places[start : start + settings.batch])
        for start in range(done * settings.batch, len(places), settings.batch)
    ]
    yield from DataLoader(
        views,
        batch_sampler=steps,
        num_workers=workers,
        collate_fn=_together,
        generator=torch.Generator(),  # it would draw from the one that dropout draws from
        multiprocessing_context="spawn" if workers else None,
    )


class PictureCache:
    """Decoded pictures, kept until a budget is spent; None where one cannot be read.

    Args:
        most_bytes: of pixels.
    """

    def __init__(self, most_bytes: int) -> None:
        self._left = most_bytes
        self._kept: dict[str, Image.Image] = {}

    def open(self, picture: FitPicture) -> Image.Image | None:
        """RGB, longest side at most 1024, as scored pictures are."""
        kept = self._kept.get(picture.key)
        if kept is not None:
            return kept
        image = open_bounded(picture)
        if image is not None:
            size = 3 * image.width * image.height
            if size <= self._left:
                self._left -= size
                self._kept[picture.key] = image
        return image


def open_bounded(picture: FitPicture) -> Image.Image | None:
    """A picture at the size that experts are shown; None where it cannot be read."""
    try:
        return bounded(Image.fromarray(open_image(str(picture.path)).rgb))
    except PictureError:
        return None


class _Packer:
    """An expert without its network, so that it travels to worker processes cheaply."""

    def __init__(self, expert: Expert) -> None:
        self.expert = object.__new__(type(expert))
        self.expert.settings = expert.settings


def _together(parts: list[Batch]) -> Batch:
    return Batch(
        np.concatenate([part.views for part in parts]),
        np.concatenate([part.labels for part in parts]),
        sum(part.num_unreadable for part in parts),
    )


def _spread(
    weights: npt.NDArray[np.float64], count: int, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """(count,) draws by weight, shuffled: each picture within one of its expected number.

    Systematic sampling: an epoch over evenly weighted pictures shows each once.
    """
    edges = np.cumsum(weights) / weights.sum() * count
    at = np.searchsorted(edges, np.arange(count) + rng.random(), side="right")
    return rng.permutation(np.minimum(at, len(weights) - 1))
