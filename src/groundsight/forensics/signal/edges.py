"""Edges: how many, how sharp, how straight, at three scales."""

import numpy as np

from groundsight.forensics.signal.planes import (
    Plane,
    Planes,
    Vector,
    block_mean,
    quantiles,
    square_3,
)

BINS = (0, 1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128, np.inf)
SCALES = 3


def edge_statistics(planes: Planes) -> Vector:
    """Gradient histogram, local coherence, sharpness of strong edges, block energies.

    Args:
        planes: one window.

    Returns:
        (75,) 25 numbers at each of three scales.
    """
    parts: list[Vector] = []
    plane = planes.y
    for _ in range(SCALES):
        parts.append(_one_scale(plane))
        plane = block_mean(plane, 2)
    return np.concatenate(parts)


def _one_scale(plane: Plane) -> Vector:
    across = plane[1:-1, 2:] - plane[1:-1, :-2]
    down = plane[2:, 1:-1] - plane[:-2, 1:-1]
    size = np.sqrt(across * across + down * down)
    histogram = np.histogram(size, bins=BINS)[0] / size.size
    xx, yy, xy = (block_mean(p, 8) for p in (across * across, down * down, across * down))
    trace = xx + yy + np.float32(1e-3)
    coherence = np.sqrt(np.square(xx - yy) + 4 * np.square(xy)) / trace
    strong = size > np.quantile(size[::2, ::2], 0.95)
    bend = np.abs(square_3(plane))[strong].mean() if strong.any() else 0.0
    steep = size[strong].mean() if strong.any() else 0.0
    energy = quantiles(block_mean(size, 8), (0.05, 0.25, 0.5, 0.75, 0.95))
    scalars = [(coherence * trace).sum() / trace.sum(), np.log(bend / (steep + 1) + 1e-3)]
    spread = quantiles(coherence, (0.1, 0.25, 0.5, 0.75, 0.9))
    parts = (np.sqrt(histogram), spread, np.array(scalars), np.log(energy + 0.1))
    return np.concatenate(parts).astype(np.float32)
