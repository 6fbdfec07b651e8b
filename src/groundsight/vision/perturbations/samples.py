"""A sample that stays true when its pictures are changed: its regions move along.

moved = move_sample(sample, {0: again.placement}, paths={0: "again.png"})
moved.sample.regions, moved.num_lost
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from groundsight.core.types import ImageRef, Sample, SampleRegion
from groundsight.vision.boxes import Boxes
from groundsight.vision.perturbations.placement import Placement

MIN_VISIBLE_RATE = 0.5
"[choice] Of a region's area; what is cut more than that is no longer asked for."


@dataclass(frozen=True, kw_only=True)
class Moved:
    """A sample in its changed pictures.

    Args:
        sample: regions in pixels of the changed pictures, cut at their edges.
        num_lost: regions that are mostly out of view now and were left out. Where a question asks
            for a single region and it is lost, the question has no answer any more.
    """

    sample: Sample
    num_lost: int


def move_sample(
    sample: Sample, placements: Mapping[int, Placement], paths: Mapping[int, str] | None = None
) -> Moved:
    """The sample as it is true of the changed pictures.

    What the question says in words, or in numbers of its own, stays as it is: a box written in the
    question is wrong once its picture was cropped.

    Args:
        sample: of the pictures as they were.
        placements: by number of the picture; pictures without one were not changed.
        paths: where the changed pictures lie; None: the sample names the old ones.
    """
    regions, num_lost = [], 0
    for region in sample.regions:
        placement = placements.get(region.image_index)
        moved = region if placement is None else move_region(region, placement)
        if moved is None:
            num_lost += 1
        else:
            regions.append(moved)
    images = tuple(
        _image(image, placements.get(index), (paths or {}).get(index))
        for index, image in enumerate(sample.images)
    )
    update = {"regions": tuple(regions), "images": images}
    return Moved(sample=sample.model_copy(update=update), num_lost=num_lost)


def move_region(region: SampleRegion, placement: Placement) -> SampleRegion | None:
    """The region in pixels of the changed picture; None where less than half of it is in view."""
    was = Boxes(np.array([region.xyxy]), region.frame).ordered()
    now = placement.boxes(was)
    if not placement.is_whole:
        if placement.visible_rates(was)[0] < MIN_VISIBLE_RATE:
            return None
        now = now.clipped(*placement.size)
    x0, y0, x1, y1 = now.xyxy[0].tolist()
    return region.model_copy(update={"xyxy": (x0, y0, x1, y1), "frame": "xyxy_px"})


def _image(image: ImageRef, placement: Placement | None, path: str | None) -> ImageRef:
    size = {} if placement is None else placement.size._asdict()
    return image.model_copy(update=size | ({} if path is None else {"path": path}))
