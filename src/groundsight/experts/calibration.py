"""Temperature: one number that makes an expert's p_fake come true as often as it says.

    fitted = fit_temperature(logits, labels)       # of pictures that were held out
    expert.temperature = fitted.temperature        # save_expert stores it

It moves no decision at 0.5 and no ranking; only how sure an expert says it is. Nothing here loads
torch.

Source: Guo et al. 2017 (arXiv 1706.04599), §4.2. What differs: both classes weigh the same, so that
p_fake holds for even odds whatever the mix of the held-out pictures.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from groundsight.core.errors import UsageError
from groundsight.metrics.classification import expected_calibration_error

Float = npt.NDArray[np.float64]
COLDEST, HOTTEST = 0.05, 20.0
"Range of temperatures; an expert that is no better than chance gets the hottest."
_HALVINGS = 60
_FEWEST = 10
"Of either class; under it a temperature is a matter of luck."


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """A fitted temperature and what it changed on the pictures that it was fitted on.

    Args:
        temperature: the logit is divided by it.
        num: pictures.
        loss_before: mean negative log-likelihood in nats, classes weighing the same, at 1.
        loss_after: at `temperature`.
        calibration_error_before: expected calibration error, 10 bins of equal mass, at 1.
        calibration_error_after: at `temperature`.
    """

    temperature: float
    num: int
    loss_before: float
    loss_after: float
    calibration_error_before: float
    calibration_error_after: float


def fit_temperature(logits: npt.NDArray[Any], labels: npt.NDArray[Any]) -> Calibration:
    """The temperature under which the labels are most likely.

    Args:
        logits: (N,) finite, before any temperature; pictures that the expert was not fitted on.
        labels: (N,) 1 = generated; at least ten of either class.

    Raises:
        UsageError: other shapes, a number that is not finite, or too few pictures.
    """
    z, y = _checked(logits, labels)
    coldness = _coldness(z, y, _weights(y))
    temperature = 1 / coldness
    return Calibration(
        temperature=round(float(temperature), 6),
        num=len(z),
        loss_before=balanced_loss(z, y),
        loss_after=balanced_loss(z * coldness, y),
        calibration_error_before=_error(z, y),
        calibration_error_after=_error(z * coldness, y),
    )


def balanced_loss(logits: npt.NDArray[Any], labels: npt.NDArray[Any]) -> float:
    """Mean negative log-likelihood in nats, classes weighing the same.

    Args:
        logits: (N,).
        labels: (N,) 1 = generated, both present.
    """
    z = np.asarray(logits, np.float64)
    return float((_weights(labels) * (np.logaddexp(0, z) - labels * z)).sum())


def sigmoid(logits: npt.NDArray[Any]) -> Float:
    """1 / (1 + exp(−logit)), without overflow."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * np.asarray(logits, np.float64))))


def _coldness(z: Float, y: Float, weights: Float) -> float:
    """1 / temperature, where the slope of the loss is 0; the slope only rises, so halving works."""
    low, high = 1 / HOTTEST, 1 / COLDEST
    for _ in range(_HALVINGS):
        middle = float(np.sqrt(low * high))
        slope = float((weights * (sigmoid(z * middle) - y) * z).sum())
        low, high = (low, middle) if slope > 0 else (middle, high)
    return float(np.sqrt(low * high))


def _weights(y: npt.NDArray[Any]) -> Float:
    """(N,) half of the sum for each class."""
    return np.asarray(np.where(y == 1, 0.5 / (y == 1).sum(), 0.5 / (y == 0).sum()), np.float64)


def _error(z: Float, y: Float) -> float:
    return expected_calibration_error(y.astype(np.int64), sigmoid(z), binning="equal-mass")


def _checked(logits: npt.NDArray[Any], labels: npt.NDArray[Any]) -> tuple[Float, Float]:
    z, y = np.asarray(logits, np.float64), np.asarray(labels, np.float64)
    if z.ndim != 1 or z.shape != y.shape or not np.isfinite(z).all():
        raise UsageError(
            f"logits and labels must be finite rows of one length, got {z.shape} and {y.shape}"
        )
    counts = [int((y == label).sum()) for label in (0, 1)]
    if min(counts) < _FEWEST or sum(counts) != len(y):
        raise UsageError(
            f"a temperature needs {_FEWEST} held-out pictures of each class, got {counts[0]} real "
            f"and {counts[1]} generated"
        )
    return z, y
