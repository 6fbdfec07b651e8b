"""The fit pictures and what is made of them: windows to describe, crops to train on.

One picture is one job for a worker process; what comes back is in a fixed order, so the number
of workers does not change a bit of the result.
"""

import csv
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image

from groundsight.core.errors import UsageError
from groundsight.core.seeds import derive_seed, make_rng
from groundsight.experts.signal.views import (
    augmented_view,
    final_codec,
    protocol_view,
    travelled,
)
from groundsight.forensics.signal.expert import WINDOW_PX, middle
from groundsight.forensics.signal.features import describe
from groundsight.forensics.signal.planes import RGB, Vector, at_least
from groundsight.synth.paste import paste_region
from groundsight.vision.images import open_picture

NUM_FOLDS = 4
CROP_PX = 256
Item = TypeVar("Item")
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class FitPicture:
    """One row of the manifest.

    Args:
        path: of the file.
        key: its path in the manifest; seeds its views.
        label: 1 = generated.
        group: family of the generator, or source of the photograph.
    """

    path: Path
    key: str
    label: int
    group: str


def read_manifest(manifest: Path, split: str) -> list[FitPicture]:
    """The pictures of one split, in the order of the file.

    Args:
        manifest: CSV with the columns path, split, label (fake | real), family and source.
        split: "fit" or "unseen".
    """
    with manifest.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == split]
    return [
        FitPicture(
            path=manifest.parent / row["path"],
            key=row["path"],
            label=int(row["label"] == "fake"),
            group=row["family"] if row["label"] == "fake" else row["source"],
        )
        for row in rows
    ]


def assign_folds(pictures: Sequence[FitPicture]) -> npt.NDArray[np.int64]:
    """(N,) fold of each picture: generator families stay whole, photographs are spread.

    Families go, largest first, to the fold that has the fewest generated pictures so far, so
    that out-of-fold scores of generated pictures are scores of unseen families.
    """
    families: dict[str, int] = {}
    for picture in pictures:
        if picture.label:
            families[picture.group] = families.get(picture.group, 0) + 1
    load, home = [0] * NUM_FOLDS, {}
    for family in sorted(families, key=lambda name: (-families[name], name)):
        home[family] = load.index(min(load))
        load[home[family]] += families[family]
    return np.array(
        [home[p.group] if p.label else derive_seed(0, "fold", p.key) % NUM_FOLDS for p in pictures]
    )


def picture_weights(
    pictures: Sequence[FitPicture], keep: npt.NDArray[np.bool_], *, group_power: float
) -> npt.NDArray[np.float64]:
    """(N,) weights that sum to 1 over `keep`: half a class; a group of n gets n^group_power.

    With a power of 1 every picture of a class counts the same, with 0 every group does.
    """
    weights = np.zeros(len(pictures))
    labels = np.array([p.label for p in pictures])
    groups = np.array([p.group for p in pictures])
    for label in (0, 1):
        side = keep & (labels == label)
        for group in np.unique(groups[side]):
            members = side & (groups == group)
            weights[members] = members.sum() ** group_power / members.sum()
        weights[side] /= 2 * weights[side].sum()
    return weights


def described_views(picture: FitPicture, views: int) -> Vector:
    """(views, D) statistics: the protocol view's middle window, then augmented ones' windows."""
    image = _opened(picture)
    found = [describe(middle(np.asarray(protocol_view(image, picture.key))))]
    for index in range(1, views):
        rng = make_rng(0, "window", picture.key, index)
        view = np.asarray(augmented_view(image, picture.key, index))
        found.append(describe(_random_window(view, WINDOW_PX, rng)))
    return np.stack(found)


class Crops(NamedTuple):
    """Training crops of one picture and the truth of each pixel."""

    pixels: RGB
    "(views, 256, 256, 3)."
    truth: RGB
    "(views, 256, 256) 1 = generated."


def choose_partners(
    pictures: Sequence[FitPicture], folds: npt.NDArray[np.int64]
) -> list[FitPicture]:
    """For each picture one of the other class from its own fold, to be pasted into it.

    From its own fold, so that what is held out of a fold stays out of its composites too.
    """
    labels = np.array([picture.label for picture in pictures])
    partners = []
    for i, picture in enumerate(pictures):
        others = np.flatnonzero((folds == folds[i]) & (labels != picture.label))
        if len(others) == 0:
            raise UsageError(f"fold {folds[i]} holds pictures of one class only")
        partners.append(pictures[int(make_rng(0, "partner", picture.key).choice(others))])
    return partners


def training_crops(pair: tuple[FitPicture, FitPicture], views: int) -> Crops:
    """Random crops of a picture: the first half plain, the second with its partner pasted in.

    The rectangle is pasted before the last JPEG, a third of the time with a soft edge, so that
    neither the codec nor the seam tells which side is generated.
    """
    picture, partner = pair
    image, other = _opened(picture), _opened(partner)
    pixels, truth = [], []
    for index in range(views):
        rng = make_rng(0, "crop", picture.key, index)
        crop = _random_window(_travelled_pixels(image, rng), CROP_PX, rng)
        map_ = np.full(crop.shape[:2], picture.label, dtype=np.uint8)
        if index >= views // 2:
            donor = _random_window(_travelled_pixels(other, rng), CROP_PX, rng)
            feather = int(rng.integers(2, 12)) if rng.random() < 1 / 3 else 0
            crop, (x0, y0, x1, y1) = paste_region(
                crop, donor, rng, min_side_rate=0.25, max_side_rate=0.8, feather_px=feather
            )
            map_[int(y0) : int(y1), int(x0) : int(x1)] = partner.label
        pixels.append(np.asarray(final_codec(Image.fromarray(crop), rng)))
        truth.append(map_)
    return Crops(np.stack(pixels), np.stack(truth))


def _travelled_pixels(image: Image.Image, rng: np.random.Generator) -> RGB:
    return at_least(np.asarray(travelled(image, rng)), CROP_PX)


def protocol_pixels(picture: FitPicture) -> RGB:
    """(H, W, 3) the codec-matched picture that scores are taken on."""
    return np.asarray(protocol_view(_opened(picture), picture.key))


def over_pictures(job: Callable[[Item], T], pictures: Sequence[Item], workers: int) -> Iterator[T]:
    """The job's result for each picture (or pair), in order, from worker processes."""
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(job, pictures, chunksize=4)


def _opened(picture: FitPicture) -> Image.Image:
    return Image.fromarray(open_picture(picture.path).rgb)


def _random_window(rgb: RGB, side: int, rng: np.random.Generator) -> RGB:
    y, x = (int(rng.integers(0, max(1, size - side + 1))) for size in rgb.shape[:2])
    return rgb[y : y + side, x : x + side]
