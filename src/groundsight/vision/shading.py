"""Values laid over a picture as colour: warm where they are positive, cool where negative.

    shaded = shade(picture.rgb, values)         # values (H, W), NaN where nothing is known

The picture stays to be recognised; the stronger a value, the stronger its colour. The two colours
are told apart by people with the common colour blindnesses.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from groundsight.vision.images import RGBArray

WARM = (255, 132, 0)
COOL = (0, 130, 255)
STRONGEST = 0.75
"Share of the colour where a value is at the scale or past it."
_GREYED = 0.6
_UNKNOWN_LIGHT = 0.4
_LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)


def shade(
    rgb: RGBArray, values: npt.NDArray[np.floating[Any]], *, scale: float | None = None
) -> RGBArray:
    """The picture, greyed, with the values as colour.

    Args:
        rgb: (H, W, 3) uint8.
        values: (H, W); NaN is unknown and is drawn dark.
        scale: size of a value that has the strongest colour; None takes the 99th percentile.

    Returns:
        (H, W, 3) uint8.
    """
    known = np.isfinite(values)
    size = np.abs(np.where(known, values, 0.0)).astype(np.float32)
    scale = _usual_scale(size[known]) if scale is None else scale
    strength = (STRONGEST * np.minimum(size / scale, 1.0))[..., None]
    colour = np.where((values > 0)[..., None], np.array(WARM), np.array(COOL))
    pixels = rgb.astype(np.float32)
    grey = (pixels @ _LUMINANCE)[..., None]
    base = _GREYED * grey + (1 - _GREYED) * pixels
    mixed = base + strength * (colour - base)
    shaded = np.where(known[..., None], mixed, _UNKNOWN_LIGHT * grey)
    out: RGBArray = (shaded + 0.5).clip(0, 255).astype(np.uint8)
    return out


def _usual_scale(sizes: npt.NDArray[np.float32]) -> float:
    """A size that few values pass; tiny where all are zero, so that nothing is coloured."""
    largest = float(np.percentile(sizes, 99)) if len(sizes) else 0.0
    return largest or float(sizes.max(initial=0.0)) or 1.0
