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

import numpy as np
from PIL import Image

from groundsight.core.seeds import make_rng
from groundsight.experts.signal.views import bounded, coded, protocol_view
from groundsight.vision.codecs import Format
from groundsight.vision.perturbations import steps

View = Callable[[Image.Image, str], Image.Image]
Change = Callable[[Image.Image, np.random.Generator], Image.Image]

PROTOCOL = "protocol"
SCREEN_FACTORS = (0.6, 1.3)
GRID_PX = 8
CROP_SIDE_RATE = 0.75


def _changed(change: Change, seed_name: str) -> View:
    """Bounded, changed, then the protocol's codec."""

    def view(image: Image.Image, key: str) -> Image.Image:
        rng = make_rng(0, "reshipped", seed_name, key)
        return protocol_view(change(bounded(image), rng), key)

    return view


def _coded(codec: Format, low: int, high: int) -> View:
    """Bounded, then this codec alone, at a quality drawn from low … high."""

    def view(image: Image.Image, key: str) -> Image.Image:
        # The stream keeps the name it was given first, so that published figures can be repeated.
        rng = make_rng(0, "reshipped", codec.upper(), low, key)
        return coded(bounded(image), codec, int(rng.integers(low, high + 1)))

    return view


def _screenshot(codec: Format, quality: int) -> View:
    """A published copy, shown at another size, captured without loss, and sent on."""

    def view(image: Image.Image, key: str) -> Image.Image:
        rng = make_rng(0, "reshipped", "screenshot", key)
        factor = float(rng.uniform(*SCREEN_FACTORS))
        shown = steps.screen_scaled(protocol_view(image, key), factor, rng)
        x, y = (int(offset) for offset in rng.integers(0, GRID_PX, 2))
        captured = shown.crop((x, y, shown.width, shown.height))
        return coded(bounded(captured), codec, quality)

    return view


def _resize(factor: float) -> View:
    return _changed(lambda image, rng: steps.screen_scaled(image, factor, rng), f"resize-{factor}")


def _blur(sigma: float) -> View:
    return _changed(lambda image, _: steps.blurred(image, sigma), "blur")


def _noise(sigma: float) -> View:
    return _changed(lambda image, rng: steps.with_noise(image, sigma, rng), f"noise-{sigma}")


def _crop(image: Image.Image, x_rate: float, y_rate: float) -> Image.Image:
    return image.crop(steps.crop_window(image.size, CROP_SIDE_RATE, x_rate, y_rate))


VIEWS: dict[str, View] = {
    PROTOCOL: protocol_view,
    "original": lambda image, _: image,
    "jpeg-60-75": _coded("jpeg", 60, 75),
    "webp-80": _coded("webp", 80, 80),
    "longest-512": _changed(lambda image, _: steps.bounded(image, 512), "longest"),
    "resize-0.5": _resize(0.5),
    "resize-0.75": _resize(0.75),
    "blur-1": _blur(1.0),
    "noise-3": _noise(3.0),
    "noise-5": _noise(5.0),
    "screenshot-jpeg-75": _screenshot("jpeg", 75),
    "screenshot-webp-75": _screenshot("webp", 75),
    "crop-centre-75": _changed(lambda image, _: _crop(image, 0.5, 0.5), "crop-centre"),
    "crop-random-75": _changed(
        lambda image, rng: _crop(image, float(rng.random()), float(rng.random())), "crop-random"
    ),
}
