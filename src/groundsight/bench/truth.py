"""What a run keeps of a sample's truth: its boxes in pixels, and a hash that names it anywhere."""

from collections.abc import Iterable

from groundsight.bench.showing import HASH_DIGITS
from groundsight.core.errors import UsageError
from groundsight.core.report import Region
from groundsight.core.types import Sample, SampleRegion
from groundsight.data.samples.hashing import truth_hash
from groundsight.replies.place import AnswerRegion
from groundsight.tasks.base import gold_regions


def known_regions(sample: Sample) -> tuple[SampleRegion, ...]:
    """The known boxes in pixels of the sample's pictures; none where they cannot be placed."""
    try:
        regions = gold_regions(sample)
    except UsageError:
        return ()
    return plain_regions(regions)


def plain_regions(regions: Iterable[Region | AnswerRegion]) -> tuple[SampleRegion, ...]:
    """Boxes of a report, a reply or the truth, in pixels as shown."""
    return tuple(
        SampleRegion(image_index=one.image_index, xyxy=one.xyxy_px, description=one.description)
        for one in regions
    )


def sample_digest(sample: Sample) -> str:
    """The first 16 hex digits of its `truth_hash`."""
    return truth_hash(sample)[:HASH_DIGITS]
