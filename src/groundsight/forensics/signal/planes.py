"""A window of a picture as luma and chroma planes, and the small operators all features share."""

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

Plane: TypeAlias = npt.NDArray[np.float32]
Vector: TypeAlias = npt.NDArray[np.float32]
RGB: TypeAlias = npt.NDArray[np.uint8]

MIN_SIDE = 64
# Finite-difference kernels of rising order, as in the spatial rich model (Fridrich & Kodovský,
# IEEE TIFS 2012), scaled so that the central weight is about 1.
FIRST = (-1.0, 1.0)
SECOND = (0.5, -1.0, 0.5)
THIRD = (1 / 3, -1.0, 1.0, -1 / 3)
SQUARE_5 = (
    np.array(
        [
            [-1, 2, -2, 2, -1],
            [2, -6, 8, -6, 2],
            [-2, 8, -12, 8, -2],
            [2, -6, 8, -6, 2],
            [-1, 2, -2, 2, -1],
        ],
        dtype=np.float32,
    )
    / 12
)


@dataclass(frozen=True, eq=False)
class Planes:
    """One window.

    Args:
        rgb: (H, W, 3) uint8, H and W at least `MIN_SIDE`.
        y: (H, W) luma of ITU-R BT.601 (as JPEG stores it), 0 to 255.
        cb: (H, W) blue difference, about -128 to 127.
        cr: (H, W) red difference, likewise.
    """

    rgb: RGB
    y: Plane
    cb: Plane
    cr: Plane

    @classmethod
    def of(cls, rgb: RGB) -> "Planes":
        """Split a window, mirrored at its edges up to `MIN_SIDE` where it is smaller."""
        rgb = at_least(rgb, MIN_SIDE)
        red, green, blue = (rgb[..., i].astype(np.float32) for i in range(3))
        y = 0.299 * red + 0.587 * green + 0.114 * blue
        return cls(rgb, y, (blue - y) * np.float32(0.564), (red - y) * np.float32(0.713))

    @property
    def channels(self) -> tuple[Plane, Plane, Plane]:
        """Luma and both chroma planes."""
        return self.y, self.cb, self.cr


def at_least(rgb: RGB, side: int) -> RGB:
    """The picture, continued by mirroring where a side is shorter than `side` pixels."""
    short = [max(0, side - size) for size in rgb.shape[:2]]
    if not any(short):
        return rgb
    return np.pad(rgb, ((0, short[0]), (0, short[1]), (0, 0)), mode="symmetric")


def difference(plane: Plane, taps: tuple[float, ...], axis: int) -> Plane:
    """Correlate with a short kernel along one axis, only where it fits (a "valid" correlation)."""
    size = plane.shape[axis] - len(taps) + 1
    parts = (
        np.float32(tap) * (plane[:, i : i + size] if axis == 1 else plane[i : i + size])
        for i, tap in enumerate(taps)
    )
    out = next(parts)
    for part in parts:
        out += part
    return out


def square_3(plane: Plane) -> Plane:
    """The 3×3 second-order residual ("SQUARE 3x3" of the rich model), (H-2, W-2)."""
    return -difference(difference(plane, SECOND, 1), SECOND, 0)


def square_5(plane: Plane) -> Plane:
    """The 5×5 residual ("SQUARE 5x5" of the rich model), (H-4, W-4)."""
    rows = [difference(plane, tuple(map(float, row)), 1) for row in SQUARE_5[:3]]
    height = plane.shape[0] - 4
    out = rows[2][2 : 2 + height].copy()  # the kernel is symmetric: rows 0, 1 serve for 4, 3
    for i, row in enumerate((rows[0], rows[1], None, rows[1], rows[0])):
        if row is not None:
            out += row[i : i + height]
    return out


def block_mean(plane: Plane, side: int) -> Plane:
    """Means over whole side × side blocks from the top left corner."""
    height, width = (size // side * side for size in plane.shape)
    blocks = plane[:height, :width].reshape(height // side, side, width // side, side)
    mean: Plane = blocks.mean(axis=(1, 3), dtype=np.float32)
    return mean


def patches(plane: Plane, side: int, step: int, offset: int = 0) -> Plane:
    """(N, side²) patches on a grid, row by row."""
    view = sliding_window_view(plane, (side, side))[offset::step, offset::step]
    flat: Plane = view.reshape(-1, side * side)
    return flat


def quantiles(values: Plane, at: tuple[float, ...]) -> Vector:
    """(len(at),) quantiles of all values."""
    found: Vector = np.quantile(values, at).astype(np.float32)
    return found


def correlation(first: Plane, second: Plane) -> float:
    """Pearson's correlation of all values; 0 where one of the two does not vary."""
    if first.std() < 1e-6 or second.std() < 1e-6:
        return 0.0
    # The spread of equal values may round to a little over 0 in single precision.
    with np.errstate(invalid="ignore", divide="ignore"):
        found = float(np.corrcoef(first.ravel(), second.ravel())[0, 1])
    return found if math.isfinite(found) else 0.0


def dct_matrix(side: int) -> Plane:
    """(side², side²): flattened patch @ matrix = its orthonormal two-dimensional DCT-II."""
    k = np.arange(side)
    basis = np.cos(np.pi * (2 * k[None] + 1) * k[:, None] / (2 * side)) * np.sqrt(2 / side)
    basis[0] /= np.sqrt(2)
    return np.ascontiguousarray(np.kron(basis, basis).T.astype(np.float32))
