"""The single changes that sharing makes to a picture; pixels in, pixels out, no boxes.

Every function takes an RGB image and gives a new one (or the same, where nothing is to do).
"""

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from groundsight.core.seeds import pick

MIN_SIDE = 16
"Pixels that scaling leaves a side."
# What phones, browsers and image servers scale with.
SCREEN_KERNELS = (
    Image.Resampling.BILINEAR,
    Image.Resampling.BICUBIC,
    Image.Resampling.LANCZOS,
)


def bounded(image: Image.Image, max_side: int) -> Image.Image:
    """Scaled down (Lanczos) where its longest side is over `max_side` pixels."""
    longest = max(image.size)
    return image if longest <= max_side else scaled(image, max_side / longest)


def scaled(
    image: Image.Image, factor: float, kernel: Image.Resampling = Image.Resampling.LANCZOS
) -> Image.Image:
    """Resized by a factor, each side at least 16 pixels."""
    width, height = (max(MIN_SIDE, round(side * factor)) for side in image.size)
    return image.resize((width, height), kernel)


def screen_scaled(image: Image.Image, factor: float, rng: np.random.Generator) -> Image.Image:
    """Resized by a factor, with one of the kernels that screens and servers use."""
    return scaled(image, factor, pick(rng, SCREEN_KERNELS))


def blurred(image: Image.Image, sigma: float) -> Image.Image:
    """Gaussian blur of `sigma` pixels."""
    return image.filter(ImageFilter.GaussianBlur(sigma))


def with_noise(image: Image.Image, sigma: float, rng: np.random.Generator) -> Image.Image:
    """White Gaussian noise of `sigma` grey values added to every channel."""
    values = np.asarray(image, dtype=np.float32)
    noisy = values + rng.normal(0.0, sigma, values.shape)
    return Image.fromarray(np.clip(noisy + 0.5, 0, 255).astype(np.uint8))


def brightened(image: Image.Image, factor: float) -> Image.Image:
    """Every channel times `factor`, cut at white; under 1 it gets darker."""
    return ImageEnhance.Brightness(image).enhance(factor)


def crop_window(
    size: tuple[int, int], side_rate: float, x_rate: float, y_rate: float
) -> tuple[int, int, int, int]:
    """Whole pixels of a crop.

    Args:
        size: width and height of the picture.
        side_rate: of each side that is kept, in (0, 1].
        x_rate: where it lies: 0 = left, 1 = right.
        y_rate: likewise: 0 = top, 1 = bottom.
    """
    width, height = (max(1, round(side * side_rate)) for side in size)
    x, y = round((size[0] - width) * x_rate), round((size[1] - height) * y_rate)
    return x, y, x + width, y + height
