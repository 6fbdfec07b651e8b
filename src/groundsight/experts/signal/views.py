"""Views of one picture: what sharing does to it, and the one codec that both classes pass.

A detector fitted on pictures as they were published learns how they were published (most
photographs here are JPEG near quality 95, most generated pictures PNG). So nothing is ever shown
to the expert as it was published: every view ends in a codec drawn from the same law for both
classes, mostly JPEG, and most views are re-coded or resized before that.
"""

import io
from typing import Literal

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from groundsight.core.seeds import make_rng
from groundsight.forensics.signal.expert import MAX_SIDE

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
    return recode(bounded(image), "JPEG", quality)


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
        image = image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.4, 1.4))))
    if rng.random() < 0.2:
        return recode(image, "WEBP", int(rng.integers(60, 96)))
    return final_codec(image, rng)


def travelled(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """What sharing may have done to a picture before it was last saved."""
    image = bounded(image)
    if rng.random() < 0.65:
        if rng.random() < 0.4:
            image = _early_codec(image, rng)
        image = _resized(image, rng)
    elif rng.random() < 0.3:
        image = recode(image, "JPEG", int(rng.integers(75, 98)))
    if rng.random() < 0.08:
        image = image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.2, 0.7))))
    if rng.random() < 0.08:
        image = with_noise(image, float(rng.uniform(0.5, 2.5)), rng)
    return ImageOps.mirror(image) if rng.random() < 0.5 else image


def final_codec(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """The JPEG that every training picture ends in, whatever its class."""
    usual = rng.random() < 0.75
    quality = int(rng.integers(80, 96) if usual else rng.integers(60, 98))
    return recode(image, "JPEG", quality, subsampling=int(rng.choice((0, 2, 2))))


def bounded(image: Image.Image, max_side: int = MAX_SIDE) -> Image.Image:
    """Scaled down (Lanczos) where its longest side is over `max_side` pixels."""
    longest = max(image.size)
    return image if longest <= max_side else scaled(image, max_side / longest)


def scaled(
    image: Image.Image, factor: float, kernel: Image.Resampling = Image.Resampling.LANCZOS
) -> Image.Image:
    """Resized by a factor, each side at least 16 pixels."""
    width, height = (max(16, round(side * factor)) for side in image.size)
    return image.resize((width, height), kernel)


def recode(
    image: Image.Image,
    codec: Literal["JPEG", "WEBP"],
    quality: int,
    *,
    subsampling: int | None = None,
) -> Image.Image:
    """Encoded and decoded again; subsampling 0 is 4:4:4, 2 is 4:2:0, None the encoder's choice."""
    buffer = io.BytesIO()
    options = {} if subsampling is None else {"subsampling": subsampling}
    image.save(buffer, codec, quality=quality, **options)
    return Image.open(buffer).convert("RGB")


def with_noise(image: Image.Image, sigma: float, rng: np.random.Generator) -> Image.Image:
    """White Gaussian noise of `sigma` grey values added to every channel."""
    values = np.asarray(image, dtype=np.float32)
    noisy = values + rng.normal(0.0, sigma, values.shape)
    return Image.fromarray(np.clip(noisy + 0.5, 0, 255).astype(np.uint8))


def _early_codec(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    if rng.random() < 0.8:
        return recode(image, "JPEG", int(rng.integers(60, 98)))
    return recode(image, "WEBP", int(rng.integers(60, 95)))


def _resized(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    smallest = max(0.45, min(1.0, 180 / min(image.size)))
    factor = float(np.exp(rng.uniform(np.log(smallest), np.log(1.4))))
    return scaled(image, factor, _KERNELS[int(rng.integers(0, len(_KERNELS)))])
