"""A sample with its pictures open: what every job begins with that puts samples to a model."""

from groundsight.core.errors import UsageError
from groundsight.core.types import Sample
from groundsight.data.packed import open_image
from groundsight.tasks.base import with_sizes
from groundsight.vision.frames import PictureSize
from groundsight.vision.images import Picture


def open_pictures(sample: Sample) -> tuple[Sample, tuple[Picture, ...]]:
    """Open a sample's pictures and give it their sizes.

    Args:
        sample: with picture paths that can be opened.

    Raises:
        PictureError: a picture cannot be read.
        UsageError: the sample says another size than a picture has.
    """
    pictures = tuple(open_image(image.path) for image in sample.images)
    return sized_by([PictureSize(one.width, one.height) for one in pictures], sample), pictures


def sized_by(sizes: list[PictureSize], sample: Sample) -> Sample:
    """The sample with its pictures' sizes, which must be those that it gives where it gives any.

    Raises:
        UsageError: it gives others.
    """
    for image, size in zip(sample.images, sizes, strict=True):
        given = (image.width or size.width, image.height or size.height)
        if given != size:
            raise UsageError(
                f"sample {sample.id} says {given[0]}×{given[1]} of a picture that has "
                f"{size.width}×{size.height} pixels: its boxes would lie elsewhere"
            )
    return with_sizes(sample, sizes)
