"""Noise and how it depends on brightness, texture and colour.

A sensor's noise grows with brightness, is there in flat areas too, and is tied between channels
by demosaicing; a generator's "noise" follows texture instead.
"""

import numpy as np

from groundsight.forensics.signal.planes import (
    Plane,
    Planes,
    Vector,
    block_mean,
    correlation,
    quantiles,
    square_3,
)

BLOCK = 8
BRIGHTNESS = (32, 64, 96, 128, 160, 192, 224)
SCALES = 4


def noise_statistics(planes: Planes) -> Vector:
    """Noise levels, their dependences, cross-channel correlation, and multi-scale kurtosis.

    Args:
        planes: one window.

    Returns:
        (110,) mostly logarithms of levels in grey values.
    """
    luma, blue, red = (square_3(channel) for channel in planes.channels)
    luma *= np.float32(2 / 3)
    inner = planes.y[1:-1, 1:-1]
    mean = block_mean(inner, BLOCK)
    variance = block_mean(luma * luma, BLOCK)
    level = np.sqrt(variance)
    texture = np.sqrt(np.maximum(block_mean(inner * inner, BLOCK) - mean * mean, 0.0))
    moments = _Moments(luma, blue, red)
    head = [
        np.log(quantiles(level, (0.02, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)) + 0.05),
        _chroma_levels(moments.blue),
        _chroma_levels(moments.red),
        _by_brightness(level, mean),
    ]
    middle = _by_texture(level, texture, moments)
    tail = [np.array([correlation(level, texture)]), *map(_band_shapes, planes.channels)]
    return np.concatenate([*head, middle, *tail]).astype(np.float32)


class _Moments:
    """Block means of products of the three residuals."""

    def __init__(self, luma: Plane, blue: Plane, red: Plane) -> None:
        square = luma * luma
        self.luma = block_mean(square, BLOCK)
        self.luma_4 = block_mean(square * square, BLOCK)
        self.blue, self.red = block_mean(blue * blue, BLOCK), block_mean(red * red, BLOCK)
        self.luma_blue, self.luma_red = (
            block_mean(luma * blue, BLOCK),
            block_mean(luma * red, BLOCK),
        )
        self.blue_red = block_mean(blue * red, BLOCK)


def _chroma_levels(variance: Plane) -> Vector:
    levels = quantiles(np.sqrt(variance), (0.05, 0.1, 0.25, 0.5, 0.75, 0.9))
    log: Vector = np.log(levels + np.float32(0.05))
    return log


def _by_brightness(level: Plane, mean: Plane) -> Vector:
    """Low noise quantile in eight bands of brightness; the overall one where a band is empty."""
    band = np.digitize(mean, BRIGHTNESS)
    overall = np.quantile(level, 0.2)
    found = [level[band == i] for i in range(len(BRIGHTNESS) + 1)]
    low = [np.quantile(part, 0.2) if part.size > 10 else overall for part in found]
    log: Vector = np.log(np.array(low, dtype=np.float32) + np.float32(0.05))
    return log


def _by_texture(level: Plane, texture: Plane, m: _Moments) -> Vector:
    """Nine statistics in each fifth of the blocks, from flat to busy."""
    band = np.digitize(texture, np.quantile(texture, (0.2, 0.4, 0.6, 0.8)))
    found: list[float] = []
    for i in range(5):
        part = band == i if (band == i).any() else np.ones_like(band, dtype=bool)
        luma, blue, red = (float(v[part].mean()) + 1e-3 for v in (m.luma, m.blue, m.red))
        found += [
            np.log(level[part].mean() + 0.05),
            np.log(texture[part].mean() + 0.05),
            np.log(m.luma_4[part].mean() / luma**2 + 1e-3),
            np.log(np.square(m.luma[part]).mean() / luma**2 + 1e-3),
            m.luma_blue[part].mean() / np.sqrt(luma * blue),
            m.luma_red[part].mean() / np.sqrt(luma * red),
            m.blue_red[part].mean() / np.sqrt(blue * red),
            np.log(blue),
            np.log(red),
        ]
    return np.array(found, dtype=np.float32)


def _band_shapes(channel: Plane) -> Vector:
    """Log power, kurtosis and mean-to-rms ratio of the detail at four scales."""
    found: list[float] = []
    plane = channel
    for _ in range(SCALES):
        if min(plane.shape) < 16:
            found += [0.0, 0.0, 0.0]
            continue
        smooth = _blur(plane)
        detail = plane[1:-1, 1:-1] - smooth
        square = detail * detail
        power = float(square.mean()) + 1e-3
        found += [
            np.log(power),
            np.log(float((square * square).mean()) / power**2 + 1e-3),
            np.log(float(np.abs(detail).mean()) / np.sqrt(power) + 1e-3),
        ]
        plane = smooth[::2, ::2]
    return np.array(found, dtype=np.float32)


def _blur(plane: Plane) -> Plane:
    """Twice the 2×2 mean, (H-2, W-2)."""
    for _ in range(2):
        plane = (plane[:-1] + plane[1:]) * np.float32(0.5)
        plane = (plane[:, :-1] + plane[:, 1:]) * np.float32(0.5)
    return plane
