"""Co-occurrences of quantised residuals: how neighbouring noise values go together.

The spatial rich model of steganalysis (Fridrich & Kodovský, IEEE TIFS 2012), kept small: third
order instead of fourth, and a joint histogram of the three colour residuals at one pixel.
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from groundsight.forensics.signal.planes import (
    FIRST,
    SECOND,
    THIRD,
    Plane,
    Planes,
    Vector,
    difference,
    square_3,
    square_5,
)

LEVELS = 5  # residuals are cut to -2 … 2
Levels = npt.NDArray[np.int16]
Counts = npt.NDArray[np.float64]


def residual_cooccurrences(planes: Planes) -> Vector:
    """Third-order co-occurrences of seven residuals.

    Args:
        planes: one window.

    Returns:
        (780,) square roots of relative frequencies, symmetric cells merged.
    """
    found: list[Vector] = []
    for taps in (FIRST, SECOND, THIRD):
        across, down = difference(planes.y, taps, 1), difference(planes.y, taps, 0)
        for step in (1.0, 2.0):
            a, d = _quantised(across, step), _quantised(down, step)
            found.append(_histogram(_triples(a, 1) + _triples(d, 0)))  # along the difference
            found.append(_histogram(_triples(a, 0) + _triples(d, 1)))  # across it
    for residual in (square_3(planes.y), square_5(planes.y)):
        for step in (1.0, 2.0):
            found.append(_both_ways(_quantised(residual, step)))
    for chroma in (planes.cb, planes.cr):
        a = _quantised(difference(chroma, SECOND, 1), 0.5)
        d = _quantised(difference(chroma, SECOND, 0), 0.5)
        found.append(_histogram(_triples(a, 1) + _triples(d, 0)))
        found.append(_both_ways(_quantised(square_3(chroma), 0.5)))
    return np.concatenate(found)


def colour_cooccurrences(planes: Planes) -> Vector:
    """Joint histograms of the R, G and B residual at a pixel, for two residuals.

    Args:
        planes: one window.

    Returns:
        (126,) square roots of relative frequencies; a triple and its negative are one cell.
    """
    channels = [planes.rgb[..., i].astype(np.float32) for i in range(3)]
    found: list[Vector] = []
    for taps in (FIRST, SECOND):
        counts = np.zeros((LEVELS,) * 3)
        for axis in (0, 1):
            levels = [_quantised(difference(channel, taps, axis), 2.0) for channel in channels]
            counts += _count(levels[0], levels[1], levels[2])
        counts = (counts + counts[::-1, ::-1, ::-1]) / 2
        half = counts.ravel()[: counts.size // 2 + 1] / max(counts.sum(), 1.0)
        found.append(np.sqrt(half * 2).astype(np.float32))
    return np.concatenate(found)


def _quantised(residual: Plane, step: float) -> Levels:
    half = LEVELS // 2
    levels = np.rint(residual * np.float32(1 / step))
    np.clip(levels, -half, half, out=levels)
    levels += half
    small: Levels = levels.astype(np.int16)
    return small


def _triples(levels: Levels, axis: int) -> Counts:
    if axis == 0:
        levels = levels.T
    return _count(levels[:, :-2], levels[:, 1:-1], levels[:, 2:])


def _count(first: Levels, second: Levels, third: Levels) -> Counts:
    cells = (first * LEVELS + second) * LEVELS + third
    counts = np.bincount(cells.ravel(), minlength=LEVELS**3)
    return counts.reshape((LEVELS,) * 3).astype(np.float64)


def _both_ways(levels: Levels) -> Vector:
    return _histogram(_triples(levels, 1) + _triples(levels, 0))


def _histogram(counts: Counts) -> Vector:
    """Merge a triple with its negative and its mirror image, then take the root of the share."""
    counts = counts + counts[::-1, ::-1, ::-1]
    counts = counts + counts.transpose(2, 1, 0)
    share = counts.ravel()[_distinct_cells()] / max(counts.sum(), 1.0)
    root: Vector = np.sqrt(share * 4).astype(np.float32)
    return root


@lru_cache(maxsize=1)
def _distinct_cells() -> npt.NDArray[np.int64]:
    cells = np.arange(LEVELS**3).reshape((LEVELS,) * 3)
    least = np.minimum(cells, cells[::-1, ::-1, ::-1])
    least = np.minimum(least, least.transpose(2, 1, 0))
    return np.unique(least)
