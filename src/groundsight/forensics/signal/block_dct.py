"""How the 8×8 DCT coefficients are spread, on the JPEG grid and off it."""

import numpy as np

from groundsight.forensics.signal.planes import Planes, Vector, dct_matrix, patches

DCT_8 = dct_matrix(8)[:, 1:]  # without the mean


def dct_statistics(planes: Planes) -> Vector:
    """Scale, peakedness and share of near-zero values of each AC coefficient.

    Args:
        planes: one window.

    Returns:
        (1134,) for each channel, on the window's grid and shifted by (4, 4): 63 log mean
        magnitudes, 63 log ratios of root mean square to mean, 63 shares below 1/2.
    """
    parts: list[Vector] = []
    for channel in planes.channels:
        for offset in (0, 4):
            size = np.abs(patches(channel, 8, 8, offset) @ DCT_8)
            mean = size.mean(axis=0) + 1e-3
            rms = np.sqrt(np.einsum("ij,ij->j", size, size) / len(size)) + 1e-3
            parts += [np.log(mean), np.log(rms / mean), (size < 0.5).mean(axis=0)]
    return np.concatenate(parts).astype(np.float32)
