"""Scores of a set of yes/no judgements: ranking, decisions, calibration.

labels = np.array([0, 0, 1, 1])             # 1 = generated
p_fake = np.array([0.1, 0.6, 0.4, 0.9])
roc_auc(labels, p_fake)                     # 0.75
balanced_accuracy(labels, p_fake)           # 0.5, decided at 0.5
true_positive_rate_at(labels, p_fake, max_false_positive_rate=0.05)   # 0.5

A picture counts as generated when its score is greater than the threshold: a score that sits on
it says nothing and must not accuse a photograph.
"""

from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from groundsight.core.errors import UsageError

Labels: TypeAlias = npt.NDArray[np.integer]
Scores: TypeAlias = npt.NDArray[np.floating]
FloatArray: TypeAlias = npt.NDArray[np.float64]
Binning = Literal["equal-width", "equal-mass"]

DECIDED_AT = 0.5
NUM_BINS = 10


class ReliabilityBin(NamedTuple):
    """Pictures whose p_fake lies near each other, and how many of them are generated."""

    low: float
    "Smallest p_fake that belongs here: the bin's edge (equal-width) or member (equal-mass)."
    high: float
    "Largest one, likewise."
    num: int
    mean_p_fake: float
    generated_rate: float


def roc_auc(labels: Labels, scores: Scores) -> float:
    """Chance that a generated picture scores above a real one; a tie counts half.

    Args:
        labels: (N,) 0 or 1, both present.
        scores: (N,) finite, any scale; high = more likely generated.

    Returns:
        In [0, 1]; 0.5 = no better than chance.

    Raises:
        UsageError: not such arrays.

    Source: Mann and Whitney 1947 with mid-ranks, equal to the area under the trapezoid ROC curve.
    """
    labels, scores = _both_classes(labels, scores)
    _, where, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    mid_ranks = (ends - (counts - 1) / 2)[where]  # ranks from 1; ties share their mean rank
    num_generated = int(labels.sum())
    num_real = len(labels) - num_generated
    above = float(mid_ranks[labels == 1].sum()) - num_generated * (num_generated + 1) / 2
    return above / (num_generated * num_real)


def accuracy(labels: Labels, scores: Scores, threshold: float = DECIDED_AT) -> float:
    """Share of pictures decided right.

    Args:
        labels: (N,) 0 or 1, N > 0.
        scores: (N,) finite.
        threshold: generated where the score is greater.

    Returns:
        In [0, 1].

    Raises:
        UsageError: not such arrays.
    """
    labels, scores = _checked(labels, scores)
    return float(((scores > threshold) == (labels == 1)).mean())


def balanced_accuracy(labels: Labels, scores: Scores, threshold: float = DECIDED_AT) -> float:
    """Mean of the shares decided right among the generated and among the real pictures.

    Args:
        labels: (N,) 0 or 1, both present.
        scores: (N,) finite.
        threshold: generated where the score is greater.

    Returns:
        In [0, 1]; 0.5 for a constant answer, whatever the mix of classes.

    Raises:
        UsageError: not such arrays.
    """
    labels, scores = _both_classes(labels, scores)
    right = (scores > threshold) == (labels == 1)
    return float((right[labels == 1].mean() + right[labels == 0].mean()) / 2)


def true_positive_rate_at(
    labels: Labels, scores: Scores, *, max_false_positive_rate: float
) -> float:
    """Most generated pictures found by a threshold that accuses at most this share of real ones.

    The threshold is chosen on these very pictures, so the figure says how well the scores
    separate, not what a threshold chosen beforehand would reach. Nothing is interpolated.

    Args:
        labels: (N,) 0 or 1, both present.
        scores: (N,) finite.
        max_false_positive_rate: in [0, 1].

    Returns:
        In [0, 1].

    Raises:
        UsageError: not such arrays, or a rate outside [0, 1].
    """
    if not 0 <= max_false_positive_rate <= 1:
        raise UsageError(f"a rate lies in 0 … 1, got {max_false_positive_rate}")
    labels, scores = _both_classes(labels, scores)
    real = np.sort(scores[labels == 0])[::-1]
    # Counted with a little slack: 0.05 × 60 is 3, though it is 3.0000000000000004 in floats.
    allowed = int(np.floor(max_false_positive_rate * len(real) + 1e-9))
    if allowed >= len(real):
        return 1.0
    # Everything above the first real score that may not be accused; its ties are not either.
    return float((scores[labels == 1] > real[allowed]).mean())


def average_precision(labels: Labels, scores: Scores) -> float:
    """Precision averaged over the generated pictures, best score first; ties enter together.

    Args:
        labels: (N,) 0 or 1, at least one 1.
        scores: (N,) finite.

    Returns:
        In (0, 1]; near the share of generated pictures for scores that say nothing.

    Raises:
        UsageError: not such arrays.

    Source: Σ (R_k - R_{k-1}) P_k over distinct thresholds, without interpolation.
    """
    labels, scores = _checked(labels, scores)
    if not labels.any():
        raise UsageError("average precision needs at least one generated picture (label 1)")
    order = np.argsort(-scores, kind="stable")
    found = np.cumsum(labels[order])
    last_of_tie = np.append(np.diff(scores[order]) != 0, True)
    found, shown = found[last_of_tie], np.flatnonzero(last_of_tie) + 1
    new = np.diff(found, prepend=0)
    return float((new * (found / shown)).sum() / found[-1])


def expected_calibration_error(
    labels: Labels,
    p_fake: Scores,
    *,
    binning: Binning = "equal-width",
    num_bins: int = NUM_BINS,
) -> float:
    """How far stated probabilities are from the shares that come true.

    Args:
        labels: (N,) 0 or 1, N > 0.
        p_fake: (N,) in [0, 1].
        binning: "equal-width" cuts [0, 1] evenly; "equal-mass" puts the same number of pictures
            in each bin (equal p_fake stay together), which hides less where scores crowd.
        num_bins: at least 1.

    Returns:
        In [0, 1]; 0 = calibrated. Of few pictures it is biased upward: chance alone makes gaps.

    Raises:
        UsageError: not such arrays, or no bin.

    Source: Guo et al. 2017 (arXiv 1706.04599), eq. 3, on p_fake itself and not on the confidence
    of the decision, so that both kinds of error show.
    """
    bins = reliability(labels, p_fake, binning=binning, num_bins=num_bins)
    total = sum(one.num for one in bins)
    return sum(one.num * abs(one.mean_p_fake - one.generated_rate) for one in bins) / total


def reliability(
    labels: Labels,
    p_fake: Scores,
    *,
    binning: Binning = "equal-width",
    num_bins: int = NUM_BINS,
) -> list[ReliabilityBin]:
    """The table behind `expected_calibration_error`, low p_fake first, without empty bins.

    Args:
        labels: (N,) 0 or 1, N > 0.
        p_fake: (N,) in [0, 1].
        binning: see `expected_calibration_error`.
        num_bins: at least 1.

    Raises:
        UsageError: not such arrays, or no bin.
    """
    labels, p_fake = _checked(labels, p_fake)
    if p_fake.min() < 0 or p_fake.max() > 1:
        raise UsageError(f"p_fake lies in 0 … 1, got {p_fake.min():g} … {p_fake.max():g}")
    if num_bins < 1:
        raise UsageError(f"at least one bin is needed, got {num_bins}")
    if binning == "equal-width":
        which = np.minimum((p_fake * num_bins).astype(np.int64), num_bins - 1)
    else:
        which = _equal_mass(p_fake, num_bins)
    return [_bin(labels, p_fake, which == index, binning, num_bins) for index in np.unique(which)]


def _bin(
    labels: Labels,
    p_fake: FloatArray,
    members: npt.NDArray[np.bool_],
    binning: Binning,
    num_bins: int,
) -> ReliabilityBin:
    inside = p_fake[members]
    low, high = float(inside.min()), float(inside.max())
    if binning == "equal-width":
        index = min(int(low * num_bins), num_bins - 1)
        low, high = index / num_bins, (index + 1) / num_bins
    rate = float(labels[members].mean())
    return ReliabilityBin(low, high, len(inside), float(inside.mean()), rate)


def _equal_mass(p_fake: FloatArray, num_bins: int) -> npt.NDArray[np.int64]:
    """(N,) bin of each picture; equal values share the bin of the first of them."""
    rank_of_first = np.searchsorted(np.sort(p_fake), p_fake, side="left")
    which: npt.NDArray[np.int64] = rank_of_first * num_bins // len(p_fake)
    return which


def _checked(labels: Labels, scores: Scores) -> tuple[Labels, FloatArray]:
    """Both as arrays of one length, labels 0 or 1, scores finite."""
    labels, numbers = rows_of_one_length(labels, scores)
    if not np.isin(labels, (0, 1)).all():
        raise UsageError("labels must be 0 (real) or 1 (generated)")
    if not np.isfinite(numbers).all():
        raise UsageError("scores must be finite numbers; give an unmeasured picture 0.5")
    return labels.astype(np.int64), numbers


def rows_of_one_length(labels: Labels, scores: Scores) -> tuple[Labels, FloatArray]:
    """Both as (N,) arrays, scores as float64.

    Raises:
        UsageError: lengths differ, or N = 0.
    """
    labels, numbers = np.asarray(labels), np.asarray(scores, dtype=np.float64)
    if labels.ndim != 1 or labels.shape != numbers.shape or len(labels) == 0:
        raise UsageError(
            "labels and scores must be rows of one length, at least 1; got shapes "
            f"{labels.shape} and {numbers.shape}"
        )
    return labels, numbers


def _both_classes(labels: Labels, scores: Scores) -> tuple[Labels, FloatArray]:
    labels, numbers = _checked(labels, scores)
    if labels.min() == labels.max():
        raise UsageError(f"both classes are needed; every label is {labels[0]}")
    return labels, numbers
