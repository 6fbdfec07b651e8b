"""Paste: a region of another picture, at its own resolution, with or without its colours matched.

`synth.paste.paste_region` is the plain rectangle that the seam detectors are measured on; this one
knows shapes, soft borders and colour.
"""

from dataclasses import dataclass

import numpy as np

from groundsight.synth.edits.base import Draft, Edit
from groundsight.synth.region import EditRegion, draw_place
from groundsight.vision.images import RGBArray


@dataclass(frozen=True, kw_only=True)
class Paste(Edit):
    """Splicing.

    Args:
        matched_rate: share of pastes whose mean and spread of colour follow the place they go to.
    """

    name = "paste"
    tag = "pasted region"
    captions = (
        "this part was pasted in from another picture",
        "content, light and sharpness here do not belong to this scene",
        "a foreign piece: its border cuts through objects and shadows",
        "what is shown here breaks off against its surroundings, like a cut-out",
    )
    needs_donor = True
    matched_rate: float = 0.4

    def draft(
        self, rgb: RGBArray, region: EditRegion, rng: np.random.Generator, donor: RGBArray | None
    ) -> Draft | None:
        """Take a piece of the donor; None when it is smaller than the region."""
        box = region.box
        if donor is None or donor.shape[0] < box.height or donor.shape[1] < box.width:
            return None
        source = draw_place(rng, donor, box)
        patch = source.crop(donor)
        matched = bool(rng.random() < self.matched_rate)
        if matched:
            patch = _colours_of(region.crop(rgb), patch)
        return Draft(patch, {"donor_xyxy_px": list(source), "matched": matched})


EDIT = Paste()


def _colours_of(place: RGBArray, piece: RGBArray) -> RGBArray:
    """The piece with mean and standard deviation of each channel as in the place.

    Source: Reinhard et al., Color Transfer between Images (2001); here in RGB, and the spread is
    changed by a factor of 2 at most, so that noise in a flat piece is not blown up.
    """
    means, spreads = (
        [np.asarray(part.mean(axis=(0, 1))), np.asarray(part.std(axis=(0, 1)))]
        for part in (place.astype(np.float32), piece.astype(np.float32))
    )
    (to_mean, to_std), (mean, std) = means, spreads
    scale = np.clip((to_std + 1) / (std + 1), 0.5, 2.0)
    moved: RGBArray = np.clip((piece - mean) * scale + to_mean + 0.5, 0, 255).astype(np.uint8)
    return moved
