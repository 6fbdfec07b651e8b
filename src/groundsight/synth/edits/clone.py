"""Clone: a region covered with a copy of another part of the same picture."""

from dataclasses import dataclass

import numpy as np

from groundsight.synth.edits.base import Draft, Edit
from groundsight.synth.region import EditRegion, draw_place
from groundsight.vision.images import RGBArray

_TRIES = 20


@dataclass(frozen=True, kw_only=True)
class Clone(Edit):
    """Copy-move.

    Args:
        mirror_rate: share of copies that are mirrored left to right.
    """

    name = "clone"
    tag = "cloned region"
    captions = (
        "this part repeats another part of the same picture exactly",
        "a copy of something that is seen elsewhere in the picture sits here",
        "duplicated content: the same details appear twice",
        "cloned from another place, it does not belong in this surrounding",
    )
    mirror_rate: float = 0.25

    def draft(
        self, rgb: RGBArray, region: EditRegion, rng: np.random.Generator, donor: RGBArray | None
    ) -> Draft | None:
        """Take the copy from where it does not overlap; None in a picture that is too small."""
        box = region.box
        for _ in range(_TRIES):
            source = draw_place(rng, rgb, box)
            if not source.meets(box):
                break
        else:
            return None
        mirrored = bool(rng.random() < self.mirror_rate)
        patch = source.crop(rgb)
        patch = patch[:, ::-1] if mirrored else patch
        return Draft(patch, {"source_xyxy_px": list(source), "mirrored": mirrored})


EDIT = Clone()
