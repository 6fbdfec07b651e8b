"""Pictures of floats brought to another size as tensors are: plain bilinear, not antialiased."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from groundsight.experts.base import AnyArray, FloatArray


class Taps(NamedTuple):
    """Which two samples make each new one, and the share of the second; (to,) each."""

    first: npt.NDArray[np.int64]
    second: npt.NDArray[np.int64]
    share: FloatArray


def bilinear_taps(length: int, to: int) -> Taps:
    """Where `to` new samples lie among `length` old ones.

    A sample stands for its middle, so that the ends of both rows meet; past the outermost old
    samples these are repeated (torch's `align_corners=False`).
    """
    places = (np.arange(to) + 0.5) * (length / to) - 0.5
    places = places.clip(0.0, length - 1.0)
    first = np.floor(places).astype(np.int64)
    second = np.minimum(first + 1, length - 1)
    return Taps(first, second, (places - first).astype(np.float32))


def resize_plain(pixels: AnyArray, side: int) -> FloatArray:
    """A square of floats from a picture.

    Args:
        pixels: (C, H, W).
        side: of the square.

    Returns:
        (C, side, side) float32: each pixel mixes the four nearest ones, however much is skipped.
    """
    rows, columns = (bilinear_taps(length, side) for length in pixels.shape[1:])
    # Only the rows that are needed become floats.
    upper, lower = (pixels[:, taken].astype(np.float32) for taken in (rows.first, rows.second))
    mixed = upper + (lower - upper) * rows.share[:, None]
    left, right = mixed[:, :, columns.first], mixed[:, :, columns.second]
    return left + (right - left) * columns.share
