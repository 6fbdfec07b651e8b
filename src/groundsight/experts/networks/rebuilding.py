"""AEROBLADE's network: a frozen autoencoder, a distance, and a fitted threshold. Torch."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from groundsight.core.errors import UsageError
from groundsight.experts.base import AnyArray
from groundsight.experts.networks.autoencoder import read_autoencoder

_NEWTON_STEPS = 50
_RIDGE = 1e-3
"Keeps the slope finite where the classes do not overlap; distances are scaled to unit deviation."


class Threshold(nn.Module):
    """slope · (threshold − distance), until fitted the negative distance."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("threshold", torch.zeros((), dtype=torch.float64))
        self.register_buffer("slope", torch.ones((), dtype=torch.float64))
        self.register_buffer("fitted", torch.zeros((), dtype=torch.bool))

    @property
    def is_fitted(self) -> bool:
        """Whether the values are from labelled pictures."""
        return bool(self.get_buffer("fitted"))

    def forward(self, distance: Tensor) -> Tensor:
        """(N,) distances → (N,) logits."""
        slope, threshold = (self.get_buffer(name).to(distance) for name in ("slope", "threshold"))
        return slope * (threshold - distance)

    def distance(self, logits: AnyArray) -> AnyArray:
        """The distances that gave these logits."""
        slope, threshold = float(self.get_buffer("slope")), float(self.get_buffer("threshold"))
        return np.asarray(threshold - np.asarray(logits, np.float64) / slope)


class Rebuilding(nn.Module):
    """Picture → how far each cell is from what the autoencoder makes of it.

    Args:
        folder: of a diffusers autoencoder.
        perceptual: LPIPS; None compares pixels.
    """

    def __init__(self, folder: Path, perceptual: nn.Module | None) -> None:
        super().__init__()
        self.autoencoder = read_autoencoder(folder)
        self.perceptual = perceptual
        self.threshold = Threshold()

    def error_maps(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) in −1..1 → (N, 1, h, w)."""
        rebuilt = self.autoencoder(x).clamp(-1, 1)
        if self.perceptual is None:
            return (x - rebuilt).square().mean(1, keepdim=True)
        out: Tensor = self.perceptual(x, rebuilt)
        return out

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) in −1..1 → (N,) logits."""
        out: Tensor = self.threshold(self.error_maps(x).mean((1, 2, 3)))
        return out


def fit_threshold(threshold: Threshold, distances: AnyArray, labels: AnyArray) -> None:
    """Logistic regression of the label on one number, by Newton's method.

    Raises:
        UsageError: one class only, or distances that are all equal.
    """
    given = np.asarray(distances, np.float64)
    wanted = np.asarray(labels, np.float64)
    if len(np.unique(wanted)) < 2 or given.std() == 0:
        raise UsageError("a threshold needs pictures of both classes with different distances")
    x = (given - given.mean()) / given.std()
    design = np.stack([-x, np.ones_like(x)], axis=1)
    weights = np.zeros(2)
    for _ in range(_NEWTON_STEPS):
        p = 1 / (1 + np.exp(-(design @ weights).clip(-60, 60)))
        gradient = design.T @ (wanted - p) / len(x) - _RIDGE * weights
        curvature = (design * (p * (1 - p))[:, None]).T @ design / len(x) + _RIDGE * np.eye(2)
        weights = weights + np.linalg.solve(curvature, gradient)
    if weights[0] <= 0:
        raise UsageError("generated pictures are not nearer to their rebuilding: no threshold fits")
    threshold.get_buffer("slope").fill_(weights[0] / given.std())
    threshold.get_buffer("threshold").fill_(given.mean() + weights[1] / weights[0] * given.std())
    threshold.get_buffer("fitted").fill_(True)
