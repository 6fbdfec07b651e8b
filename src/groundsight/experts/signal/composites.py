"""Composites with a known box, planned from a split and made one by one.

recipes = plan_composites(read_manifest(manifest, "fit"), num=200, seed=0)
rgb, box = make_picture(recipes[0])     # after the codec; the same on every call and machine

Photograph and donor come from one split, each at most 1024 px; the box is 20-50% of each side, at
native resolution; one JPEG 80-95 goes over the whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from groundsight.core.errors import UsageError
from groundsight.core.seeds import make_rng
from groundsight.experts.signal.pictures import FitPicture
from groundsight.experts.signal.views import bounded, protocol_view
from groundsight.synth.paste import Pasted, paste_region
from groundsight.vision.images import RGBArray, open_picture

HARD_EDGE, FEATHERED, REAL_DONOR = "hard-edge", "feathered", "real-donor"
UNTOUCHED = "untouched"
# Width of the seam, by kind of composite.
FEATHER_PX = {HARD_EDGE: 0, FEATHERED: 8, REAL_DONOR: 0}
NO_BOX = (0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One picture to make.

    Args:
        kind: of composite, or `UNTOUCHED`.
        index: its number within the kind.
        seed: of the whole plan.
        photo: what is pasted into.
        donor: what is pasted from; None leaves the photograph as it is.
    """

    kind: str
    index: int
    seed: int
    photo: FitPicture
    donor: FitPicture | None


def plan_composites(pictures: Sequence[FitPicture], num: int, seed: int) -> list[Recipe]:
    """Recipes of `num` composites of each kind, then of every photograph untouched.

    Every photograph and every donor serves once before one serves twice, and a larger `num` only
    adds recipes.

    Args:
        pictures: of one split.
        num: of each kind, at least 1.
        seed: shuffles who meets whom, and draws boxes and qualities.

    Raises:
        UsageError: fewer than two photographs, no generated picture, or `num` below 1.
    """
    real = [picture for picture in pictures if not picture.label]
    fake = [picture for picture in pictures if picture.label]
    if len(real) < 2 or not fake:
        raise UsageError(
            "composites need a split with at least two photographs and one generated picture; it "
            f"has {len(real)} and {len(fake)}"
        )
    if num < 1:
        raise UsageError(f"at least one composite of a kind is needed, got {num}")
    recipes = [
        Recipe(kind=kind, index=index, seed=seed, photo=photo, donor=donor)
        for kind in FEATHER_PX
        for index, (photo, donor) in enumerate(
            _pairs(real, real if kind == REAL_DONOR else fake, num, seed)
        )
    ]
    untouched = [
        Recipe(kind=UNTOUCHED, index=index, seed=seed, photo=photo, donor=None)
        for index, photo in enumerate(real)
    ]
    return recipes + untouched


def make_picture(recipe: Recipe) -> Pasted:
    """The picture as it is judged, after the codec; an untouched one has a box without area.

    Raises:
        PictureError: the photograph or the donor cannot be read.
    """
    photo = _bounded_pixels(recipe.photo)
    if recipe.donor is None:
        return Pasted(_coded(photo, recipe.photo.key), NO_BOX)
    rng = make_rng(recipe.seed, "composite", recipe.kind, recipe.index)
    donor = _bounded_pixels(recipe.donor)
    rgb, box = paste_region(photo, donor, rng, feather_px=FEATHER_PX[recipe.kind])
    return Pasted(_coded(rgb, f"{recipe.kind}/{recipe.seed}/{recipe.index}"), box)


def _pairs(
    photos: Sequence[FitPicture], donors: Sequence[FitPicture], num: int, seed: int
) -> list[tuple[FitPicture, FitPicture]]:
    """Photographs and donors in shuffled turns; no photograph is its own donor."""
    photo_order = make_rng(seed, "photos").permutation(len(photos)).tolist()
    donor_order = make_rng(seed, "donors").permutation(len(donors)).tolist()
    pairs = []
    for index in range(num):
        photo = photos[photo_order[index % len(photos)]]
        donor = donors[donor_order[index % len(donors)]]
        if donor.key == photo.key:
            donor = donors[donor_order[(index + 1) % len(donors)]]
        pairs.append((photo, donor))
    return pairs


def _bounded_pixels(picture: FitPicture) -> RGBArray:
    return np.asarray(bounded(Image.fromarray(open_picture(picture.path).rgb)))


def _coded(rgb: RGBArray, key: str) -> RGBArray:
    return np.asarray(protocol_view(Image.fromarray(rgb), key))
