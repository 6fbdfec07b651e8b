"""The 30 high-pass filters of the spatial rich model, normalised and padded to 5×5.

Source: Fridrich and Kodovsky, Rich Models for Steganalysis of Digital Images, 2012. The order is
that of the files which PatchCraft and AIDE share, because trained layers follow them.
"""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import numpy.typing as npt

NUM_FILTERS = 30
SIDE = 5
_Kernel = npt.NDArray[np.float32]

# Rows and columns count from the centre; the order of directions is that of the shared files.
_ROWWISE = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))
_CLOCKWISE = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))
_AXES = ((-1, -1), (-1, 0), (-1, 1), (0, -1))
_SQUARE_3 = ((-1, 2, -1), (2, -4, 2), (-1, 2, -1))
_SQUARE_5 = (
    *((-1, 2, -2, 2, -1), (2, -6, 8, -6, 2), (-2, 8, -12, 8, -2)),
    *((2, -6, 8, -6, 2), (-1, 2, -2, 2, -1)),
)


@lru_cache(maxsize=1)
def srm_bank() -> _Kernel:
    """The filters: 8 first, 4 second, 8 third order, 4 + 4 edge, 2 square ones.

    Returns:
        (30, 5, 5) float32, each divided by the size of its centre weight; not to be written to.
    """
    bank = np.stack([*_first(), *_second(), *_third(), *_edges_and_squares()])
    bank.flags.writeable = False
    return bank


def _along(direction: tuple[int, int], weights: dict[int, float]) -> _Kernel:
    """Weights at steps from the centre in a direction; step 0 is the centre."""
    kernel = np.zeros((SIDE, SIDE), np.float32)
    for step, weight in weights.items():
        kernel[2 + step * direction[0], 2 + step * direction[1]] = weight
    return kernel


def _first() -> Iterator[_Kernel]:
    for direction in _ROWWISE:
        yield _along(direction, {0: -1, 1: 1})


def _second() -> Iterator[_Kernel]:
    for direction in _AXES:
        yield _along(direction, {-1: 1, 0: -2, 1: 1}) / np.float32(2)


def _third() -> Iterator[_Kernel]:
    for direction in _CLOCKWISE:
        yield _along(direction, {-1: 1, 0: -3, 1: 3, 2: -1}) / np.float32(3)


def _edges_and_squares() -> Iterator[_Kernel]:
    small = np.pad(np.array(_SQUARE_3, np.float32), 1) / np.float32(4)
    large = np.array(_SQUARE_5, np.float32) / np.float32(12)
    for square in (small, large):
        for half in (np.s_[3:, :], np.s_[:, :2], np.s_[:2, :], np.s_[:, 3:]):
            edge = square.copy()
            edge[half] = 0
            yield edge
    yield small
    yield large
