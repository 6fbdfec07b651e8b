"""Views of one picture: what sharing does to it, and the one codec that both classes pass.

A detector fitted on pictures as they were published learns how they were published (most
photographs here are JPEG near quality 95, most generated pictures PNG). So nothing is ever shown
to the expert as it was published: every view ends in a codec drawn from the same law for both
classes, mostly JPEG, and most views are re-coded or resized before that.
"""

import numpy as np
from PIL import Image, ImageOps

from groundsight.core.seeds import make_rng, pick
from groundsight.forensics.signal.expert import MAX_SIDE
from groundsight.vision.codecs import Codec, Format, recode
from groundsight.vision.perturbations import steps
from groundsight.vision.perturbations.steps import blurred, scaled, with_noise

PROTOCOL_QUALITY = (80, 95)
_KERNELS = (
    Image.Resampling.BILINEAR,
    Image.Resampling.BICUBIC,
    Image.Resampling.LANCZOS,
    Image.Resampling.BOX,
)


def protocol_view(image: Image.Image, key: str) -> Image.Image:
    """The codec-matched picture that figures are measured on.

    Args:
        image: RGB.
        key: names the picture; the JPEG quality is drawn from it.

    Returns:
        Longest side at most 1024 (Lanczos), JPEG quality uniform in 80 … 95, decoded again.
    """
    low, high = PROTOCOL_QUALITY
    quality = int(make_rng(0, "protocol", key).integers(low, high + 1))
    return coded(bounded(image), "jpeg", quality)


def augmented_view(image: Image.Image, key: str, index: int) -> Image.Image:
    """A picture as it might have travelled and been saved: four times in five as JPEG, else WebP.

    Args:
        image: RGB.
        key: names the picture.
        index: number of the view; each (key, index) always gives the same view.
    """
    rng = make_rng(0, "view", key, index)
    image = travelled(image, rng)
    if rng.random() < 0.15:
        image = blurred(image, float(rng.uniform(0.4, 1.4)))
    if rng.random() < 0.2:
        return coded(image, "webp", int(rng.integers(60, 96)))
    return final_codec(image, rng)


def travelled(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """What sharing may have done to a picture before it was last saved."""
    image = bounded(image)
    if rng.random() < 0.65:
        if rng.random() < 0.4:
            image = _early_codec(image, rng)
        image = _resized(image, rng)
    elif rng.random() < 0.3:
        image = coded(image, "jpeg", int(rng.integers(75, 98)))
    if rng.random() < 0.08:
        image = blurred(image, float(rng.uniform(0.2, 0.7)))
    if rng.random() < 0.08:
        image = with_noise(image, float(rng.uniform(0.5, 2.5)), rng)
    return ImageOps.mirror(image) if rng.random() < 0.5 else image


def final_codec(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """The JPEG that every training picture ends in, whatever its class."""
    usual = rng.random() < 0.75
    quality = int(rng.integers(80, 96) if usual else rng.integers(60, 98))
    chroma = str(rng.choice(("4:4:4", "4:2:0", "4:2:0")))
    return recode(image, Codec(format="jpeg", quality=quality, subsampling=chroma))


def bounded(image: Image.Image) -> Image.Image:
    """Scaled down (Lanczos) to the longest side that the expert looks at."""
    return steps.bounded(image, MAX_SIDE)


def coded(image: Image.Image, format: Format, quality: int) -> Image.Image:
    """Written and read again, chroma by the encoder's choice."""
    return recode(image, Codec(format=format, quality=quality))


def _early_codec(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    if rng.random() < 0.8:
        return coded(image, "jpeg", int(rng.integers(60, 98)))
    return coded(image, "webp", int(rng.integers(60, 95)))


def _resized(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    smallest = max(0.45, min(1.0, 180 / min(image.size)))
    factor = float(np.exp(rng.uniform(np.log(smallest), np.log(1.4))))
    return scaled(image, factor, pick(rng, _KERNELS))
