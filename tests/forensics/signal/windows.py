"""Windows that statistics have to survive, and ones whose statistics are known by hand."""

import numpy as np

from groundsight.core.seeds import make_rng
from groundsight.forensics.signal.planes import RGB, Plane, Planes


def noise(height: int, width: int, name: str = "noise") -> RGB:
    """Uniform noise in each channel."""
    return make_rng(0, "window", name).integers(0, 256, (height, width, 3), dtype=np.uint8)


def constant(level: int, height: int = 96, width: int = 96) -> RGB:
    """One grey value throughout."""
    return np.full((height, width, 3), level, dtype=np.uint8)


def checkerboard(side: int = 96) -> RGB:
    """Black and white pixels in turn."""
    grey = (np.add.outer(np.arange(side), np.arange(side)) % 2 * 255).astype(np.uint8)
    return np.stack([grey] * 3, axis=-1)


def line(side: int = 96) -> RGB:
    """A white line of one pixel on black."""
    rgb = constant(0, side, side)
    rgb[side // 2] = 255
    return rgb


def gaussian_luma(sigma: float, side: int = 256) -> Planes:
    """Gaussian noise around 128 in luma, not rounded; no chroma."""
    y = 128 + make_rng(0, "gaussian").normal(0, sigma, (side, side))
    return from_luma(y.astype(np.float32))


def from_luma(y: Plane) -> Planes:
    """Planes of exactly this luma, without chroma."""
    grey = np.clip(np.rint(y), 0, 255).astype(np.uint8)
    flat = np.zeros_like(y)
    return Planes(np.stack([grey] * 3, axis=-1), y, flat, flat.copy())


UGLY = {
    "smallest": noise(64, 64),
    "one column more": noise(64, 65),
    "black": constant(0),
    "white": constant(255),
    "grey": constant(100),
    "noise": noise(120, 100),
    "checkerboard": checkerboard(),
    "line": line(),
    "column": np.ascontiguousarray(line().transpose(1, 0, 2)),
    "red": constant(0) + np.array([255, 0, 0], dtype=np.uint8),
    "one pixel": noise(1, 1),
    "a strip": noise(3, 700),
    "mirrored": noise(40, 50),
}
