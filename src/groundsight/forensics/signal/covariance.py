"""Covariance of small patches: all second-order structure of the finest scale, colour included.

The matrix logarithm maps covariances to a flat space in which a linear classifier is at home
(Arsigny et al., 2006, log-Euclidean metrics).
"""

import numpy as np

from groundsight.forensics.signal.planes import Plane, Planes, Vector, patches

STEP = 2  # of the patch grid; every pixel still takes part


def patch_covariance(planes: Planes) -> Vector:
    """Log-covariances of 5×5 luma patches, plain and contrast-weighted, and of 3×3 colour patches.

    Args:
        planes: one window.

    Returns:
        (1028,) the upper triangles of three symmetric matrices (25, 25, 27), off-diagonal
        entries times √2 so that the distance of vectors is that of matrices.
    """
    luma = _centred((planes.y,), 5)
    colour = _centred(planes.channels, 3)
    return np.concatenate(
        [
            _log_covariance(luma, floor=1e-3),
            _log_covariance(luma / (_rms(luma) + 1.0), floor=1e-5),
            _log_covariance(colour / (_rms(colour) + 1.0), floor=1e-5),
        ]
    )


def _centred(channels: tuple[Plane, ...], side: int) -> Plane:
    parts = [patches(channel, side, STEP) for channel in channels]
    return np.concatenate([part - part.mean(axis=1, keepdims=True) for part in parts], axis=1)


def _rms(samples: Plane) -> Plane:
    power: Plane = np.einsum("ij,ij->i", samples, samples) / samples.shape[1]
    rms: Plane = np.sqrt(power)[:, None]
    return rms


def _log_covariance(samples: Plane, floor: float) -> Vector:
    covariance = (samples.T @ samples).astype(np.float64) / len(samples)
    values, vectors = np.linalg.eigh(covariance + floor * np.eye(len(covariance)))
    log = (vectors * np.log(np.maximum(values, 1e-4 * floor))) @ vectors.T
    rows, columns = np.triu_indices(len(log))
    upper = log[rows, columns] * np.where(rows == columns, 1.0, np.sqrt(2.0))
    vector: Vector = upper.astype(np.float32)
    return vector
