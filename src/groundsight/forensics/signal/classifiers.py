"""The classifiers on hand-made statistics, as plain arrays: linear, neural, boosted trees."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from groundsight.forensics.signal.planes import Vector

# A statistic further out than this was never seen in fitting; it may not decide alone.
CLIP_SIGMAS = 5.0


@dataclass(frozen=True, eq=False)
class Linear:
    """Logistic regression on standardised, clipped statistics.

    Args:
        mean: (D,) of the fit windows.
        scale: (D,) standard deviations, positive.
        weight: (D,).
        bias: added to the weighted sum.
    """

    mean: Vector
    scale: Vector
    weight: Vector
    bias: float

    def logit(self, features: Vector) -> float:
        """Log-odds of generated for one (D,) vector."""
        return float(standardised(features, self.mean, self.scale) @ self.weight) + self.bias


def standardised(features: Vector, mean: Vector, scale: Vector) -> Vector:
    """(…, D) in standard deviations from the mean, clipped."""
    sigmas: Vector = np.clip((features - mean) / scale, -CLIP_SIGMAS, CLIP_SIGMAS)
    return sigmas.astype(np.float32, copy=False)


@dataclass(frozen=True, eq=False)
class Neural:
    """A few small perceptrons on standardised, clipped statistics; their log-odds are averaged.

    Args:
        mean: (D,) of the fit windows.
        scale: (D,) standard deviations, positive.
        members: of each, its layers' weights (out, in) and biases (out,) in turn.
    """

    mean: Vector
    scale: Vector
    members: tuple[tuple[npt.NDArray[np.float16], ...], ...]

    def logit(self, features: Vector) -> float:
        """Log-odds of generated for one (D,) vector."""
        sigmas = standardised(features, self.mean, self.scale)
        return sum(_perceptron(sigmas, member) for member in self.members) / len(self.members)


def _perceptron(inputs: Vector, layers: tuple[npt.NDArray[np.float16], ...]) -> float:
    values = inputs
    for i in range(0, len(layers), 2):
        values = layers[i].astype(np.float32) @ values + layers[i + 1].astype(np.float32)
        if i + 2 < len(layers):
            values = np.maximum(values, 0)
    return float(values[0])


@dataclass(frozen=True, eq=False)
class Trees:
    """Gradient-boosted trees as one table of nodes.

    Args:
        roots: (T,) node index where each tree starts.
        feature: (N,) statistic that a node asks for; at a leaf -1.
        threshold: (N,) go left when the statistic is at most this; at a leaf its value.
        left: (N,) next node, or the leaf itself.
        right: (N,) likewise.
        depth: longest way from a root to a leaf.
    """

    roots: npt.NDArray[np.int32]
    feature: npt.NDArray[np.int32]
    threshold: npt.NDArray[np.float64]
    left: npt.NDArray[np.int32]
    right: npt.NDArray[np.int32]
    depth: int

    def logit(self, features: Vector) -> float:
        """Log-odds of generated for one (D,) vector: the sum of one leaf a tree."""
        at = self.roots
        for _ in range(self.depth):
            go_left = features[np.maximum(self.feature[at], 0)] <= self.threshold[at]
            at = np.where(go_left, self.left[at], self.right[at])
        return float(self.threshold[at].sum())
