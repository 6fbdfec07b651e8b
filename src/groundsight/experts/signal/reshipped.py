"""Pictures as they come back from sharing: the named views that robustness is measured on.

view = VIEWS["resize-0.5"](image, "real/bsds500/0001.jpg")

Every view but `original` ends in one lossy codec that is the same for both classes. Chains:

| views | chain |
|---|---|
| protocol | at most 1024 px → JPEG 80-95 |
| longest-512 | at most 512 px → JPEG 80-95: sizes of both classes come closer |
| resize, blur, noise, crop | at most 1024 px → the change → JPEG 80-95 |
| jpeg-60-75, webp-80 | at most 1024 px → that codec instead |
| screenshot | protocol → shown at another size (× 0.6-1.3), cut off its grid → JPEG or WebP 75 |
| original | as published: formats differ between classes, so this one flatters |
"""

from collections.abc import Callable
from typing import Literal

import numpy as np
from PIL import Image, ImageFilter

from groundsight.core.seeds import make_rng
from groundsight.experts.signal.views import (
    bounded,
    protocol_view,
    recode,
    scaled,
    with_noise,
)

View = Callable[[Image.Image, str], Image.Image]
Change = Callable[[Image.Image, np.random.Generator], Image.Image]
Codec = Literal["JPEG", "WEBP"]

PROTOCOL = "protocol"
SCREEN_FACTORS = (0.6, 1.3)
# What phones, browsers and image servers scale with.
SCREEN_KERNELS = (
    Image.Resampling.BILINEAR,
    Image.Resampling.BICUBIC,
    Image.Resampling.LANCZOS,
)
GRID_PX = 8
CROP_SIDE_RATE = 0.75


def _changed(change: Change, seed_name: str) -> View:
    """Bounded, changed, then the protocol's codec."""

    def view(image: Image.Image, key: str) -> Image.Image:
        rng = make_rng(0, "reshipped", seed_name, key)
        return protocol_view(change(bounded(image), rng), key)

    return view


def _coded(codec: Codec, low: int, high: int) -> View:
    """Bounded, then this codec alone, at a quality drawn from low … high."""

    def view(image: Image.Image, key: str) -> Image.Image:
        quality = int(make_rng(0, "reshipped", codec, low, key).integers(low, high + 1))
        return recode(bounded(image), codec, quality)

    return view


def _screenshot(codec: Codec, quality: int) -> View:
    """A published copy, shown at another size, captured without loss, and sent on."""

    def view(image: Image.Image, key: str) -> Image.Image:
        rng = make_rng(0, "reshipped", "screenshot", key)
        shown = _resized(protocol_view(image, key), float(rng.uniform(*SCREEN_FACTORS)), rng)
        x, y = (int(offset) for offset in rng.integers(0, GRID_PX, 2))
        captured = shown.crop((x, y, shown.width, shown.height))
        return recode(bounded(captured), codec, quality)

    return view


def _resized(image: Image.Image, factor: float, rng: np.random.Generator) -> Image.Image:
    return scaled(image, factor, SCREEN_KERNELS[int(rng.integers(0, len(SCREEN_KERNELS)))])


def _resize(factor: float) -> View:
    return _changed(lambda image, rng: _resized(image, factor, rng), f"resize-{factor}")


def _blur(sigma: float) -> View:
    return _changed(lambda image, _: image.filter(ImageFilter.GaussianBlur(sigma)), "blur")


def _noise(sigma: float) -> View:
    return _changed(lambda image, rng: with_noise(image, sigma, rng), f"noise-{sigma}")


def _crop(image: Image.Image, x_rate: float, y_rate: float) -> Image.Image:
    """75% of each side; the rates say where: 0 = left or top, 1 = right or bottom."""
    width, height = (max(1, round(side * CROP_SIDE_RATE)) for side in image.size)
    x, y = round((image.width - width) * x_rate), round((image.height - height) * y_rate)
    return image.crop((x, y, x + width, y + height))


VIEWS: dict[str, View] = {
    PROTOCOL: protocol_view,
    "original": lambda image, _: image,
    "jpeg-60-75": _coded("JPEG", 60, 75),
    "webp-80": _coded("WEBP", 80, 80),
    "longest-512": _changed(lambda image, _: bounded(image, 512), "longest"),
    "resize-0.5": _resize(0.5),
    "resize-0.75": _resize(0.75),
    "blur-1": _blur(1.0),
    "noise-3": _noise(3.0),
    "noise-5": _noise(5.0),
    "screenshot-jpeg-75": _screenshot("JPEG", 75),
    "screenshot-webp-75": _screenshot("WEBP", 75),
    "crop-centre-75": _changed(lambda image, _: _crop(image, 0.5, 0.5), "crop-centre"),
    "crop-random-75": _changed(
        lambda image, rng: _crop(image, float(rng.random()), float(rng.random())), "crop-random"
    ),
}
