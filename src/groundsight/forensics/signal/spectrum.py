"""The mean log power spectrum: its slope, its shape, and its peaks at the grid frequencies.

Decoders of generative models up-sample by powers of two, which leaves peaks at simple fractions
of the sampling rate and too little or too much power near the highest ones (Durall et al., CVPR
2020; Corvi et al., CVPRW 2023).
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from groundsight.forensics.signal.planes import Plane, Planes, Vector

BLOCK = 64
HOP = 32
FLOORS = (1.0, 0.3, 0.3)  # of luma and chroma power, about that of rounding to 8 bits
_HANN = np.hanning(BLOCK).astype(np.float32)
TAPER = np.outer(_HANN, _HANN)
RINGS = np.arange(0.02, 1.4, 0.06)


def log_spectrum(planes: Planes) -> Vector:
    """Radial profile, coarse shape and grid peaks of the spectrum of each channel.

    Args:
        planes: one window.

    Returns:
        (675,) for luma, blue and red difference in turn: 23 ring means, 121 means on an 11 × 11
        grid, 81 heights over the local median at multiples of 1/16 of the sampling rate.
    """
    parts: list[Vector] = []
    for channel, floor in zip(planes.channels, FLOORS, strict=True):
        log = _mean_log_power(channel, floor)
        parts += [_rings(log), log.reshape(11, 3, 11, 3).mean(axis=(1, 3)).ravel(), _peaks(log)]
    return np.concatenate(parts).astype(np.float32)


def _mean_log_power(channel: Plane, floor: float) -> Plane:
    """(33, 33) mean over blocks; both diagonals folded together. Frequencies 0 … 1/2."""
    blocks = sliding_window_view(channel, (BLOCK, BLOCK))[::HOP, ::HOP].reshape(-1, BLOCK, BLOCK)
    blocks = (blocks - blocks.mean(axis=(1, 2), keepdims=True)) * TAPER
    transform = np.fft.rfft2(blocks)
    power = (transform.real**2 + transform.imag**2) / np.square(TAPER).sum()
    log = np.log(power + floor).mean(axis=0)
    half = BLOCK // 2
    folded = np.concatenate([log[:1], (log[1:half] + log[:half:-1]) / 2, log[half : half + 1]])
    return folded.astype(np.float32)


def _rings(log: Plane) -> Vector:
    row, column = np.mgrid[0:33, 0:33] / 32.0
    radius = np.hypot(row, column)
    means = [log[(radius >= low) & (radius < low + 0.06)].mean() for low in RINGS]
    return np.array(means, dtype=np.float32)


def _peaks(log: Plane) -> Vector:
    around = sliding_window_view(np.pad(log, 2, mode="edge"), (5, 5))
    height = log - np.median(around, axis=(2, 3))
    return height[::4, ::4].ravel().astype(np.float32)
