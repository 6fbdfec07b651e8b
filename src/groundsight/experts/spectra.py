"""The discrete cosine transform as a matrix. No torch."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt


@lru_cache(maxsize=16)
def dct_matrix(side: int) -> npt.NDArray[np.float64]:
    """The orthonormal DCT-II of length `side`: D x is the transform of x, D.T its inverse.

    Returns:
        (side, side) float64; row 0 is the mean's.
    """
    places = np.arange(side)
    angles = np.pi * np.outer(places, places + 0.5) / side
    matrix: npt.NDArray[np.float64] = np.cos(angles) * np.sqrt(2.0 / side)
    matrix[0] = np.sqrt(1.0 / side)
    return matrix
