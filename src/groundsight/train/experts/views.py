"""What a network is shown of a picture while it learns.

    crop = training_crop(image, 224, augmentation, make_rng(0, "view", key, epoch))

A region is cut first and travels alone, which costs a tenth of re-coding the whole picture. It is
cut a little larger than needed, and the crop is taken from it after the last JPEG at a drawn
offset, so that the 8-pixel grid lies anywhere, as it does in a crop of a whole picture.
"""

import math

import numpy as np
from PIL import Image, ImageOps

from groundsight.core.seeds import pick
from groundsight.experts.base import AnyArray, Expert
from groundsight.experts.crops import CropSettings, crop_views
from groundsight.experts.signal.views import bounded, final_codec
from groundsight.train.experts.settings import Augmentation
from groundsight.vision.codecs import Codec, recode
from groundsight.vision.perturbations.steps import blurred, scaled

GRID_PX = 8
MARGIN_PX = 16
_KERNELS = (
    Image.Resampling.BILINEAR,
    Image.Resampling.BICUBIC,
    Image.Resampling.LANCZOS,
    Image.Resampling.BOX,
)


def training_crop(
    image: Image.Image, side: int, augmentation: Augmentation, rng: np.random.Generator
) -> Image.Image:
    """A crop as it might have travelled.

    Args:
        image: RGB.
        side: of the crop in pixels; a smaller picture gives what it has.
        augmentation: what may happen.
        rng: draws everything.

    Returns:
        RGB, at most side × side.
    """
    image = bounded(image)
    factor = _factor(augmentation, rng)
    reach = math.ceil((side + MARGIN_PX) / factor)
    image = _cut(image, reach, rng)
    if factor != 1.0:
        image = scaled(image, factor, pick(rng, _KERNELS))
    image = _travelled(image, augmentation, rng)
    if augmentation.codec == "matched":
        image = final_codec(image, rng)
    return _cut(image, side, rng)


def training_views(expert: Expert, crop: Image.Image, side: int) -> AnyArray:
    """The views of a training crop, packed as the expert packs those that it scores.

    Experts that are shown crops get this one as it is; others make their views of it.

    Args:
        expert: who is trained.
        crop: of `training_crop`.
        side: to which a smaller crop is padded or tiled, as the expert has it.
    """
    if not isinstance(expert.settings, CropSettings):
        return expert.packed_views(crop)
    one_crop = expert.settings.model_copy(update={"crop": side, "grid": 1})
    return crop_views(crop, one_crop)


def _factor(augmentation: Augmentation, rng: np.random.Generator) -> float:
    if rng.random() >= augmentation.resize_rate:
        return 1.0
    low, high = augmentation.resize_factor
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _travelled(
    image: Image.Image, augmentation: Augmentation, rng: np.random.Generator
) -> Image.Image:
    if rng.random() < augmentation.blur_rate:
        sigma = float(rng.uniform(*augmentation.blur_sigma))
        image = blurred(image, sigma)
    if rng.random() < augmentation.jpeg_rate:
        low, high = augmentation.jpeg_quality
        image = recode(image, Codec(format="jpeg", quality=int(rng.integers(low, high + 1))))
    return ImageOps.mirror(image) if rng.random() < augmentation.flip_rate else image


def _cut(image: Image.Image, side: int, rng: np.random.Generator) -> Image.Image:
    """A square (or what there is of it) from anywhere."""
    width, height = (min(side, size) for size in image.size)
    left = int(rng.integers(0, image.width - width + 1))
    top = int(rng.integers(0, image.height - height + 1))
    return image.crop((left, top, left + width, top + height))
