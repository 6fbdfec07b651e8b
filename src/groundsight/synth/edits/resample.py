"""Resample: a region scaled down and up again, so that it holds less detail than the rest."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from groundsight.core.seeds import pick
from groundsight.synth.edits.base import Draft, Edit
from groundsight.synth.region import EditRegion
from groundsight.vision.images import RGBArray

_FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


@dataclass(frozen=True, kw_only=True)
class Resample(Edit):
    """Down by a factor, and up again with another filter.

    Args:
        factors: least and most factor.
        filters: for the way up, of Pillow's; drawn evenly.
    """

    name = "resample"
    tag = "resampled region"
    captions = (
        "this part has a coarser resolution than the rest of the picture",
        "the pixels here are blocky or ringing, as if enlarged from a smaller picture",
        "detail was lost by scaling in this area only",
        "sampling differs from the surroundings: edges here are stepped or smeared",
    )
    factors: tuple[float, float] = (2.5, 6.0)
    filters: tuple[str, ...] = ("nearest", "bilinear", "bicubic", "lanczos")

    def draft(
        self, rgb: RGBArray, region: EditRegion, rng: np.random.Generator, donor: RGBArray | None
    ) -> Draft | None:
        """Scale the box."""
        factor = float(rng.uniform(*self.factors))
        way_up = pick(rng, self.filters)
        box = region.box
        small = (max(2, round(box.width / factor)), max(2, round(box.height / factor)))
        image = Image.fromarray(region.crop(rgb)).resize(small, Image.Resampling.BOX)
        patch = np.asarray(image.resize((box.width, box.height), _FILTERS[way_up]))
        return Draft(patch, {"factor": round(factor, 3), "filter": way_up})


EDIT = Resample()
