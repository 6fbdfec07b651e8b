"""Intervals by the bootstrap: how far a figure could move with other pictures of the same kind.

auc = bootstrap_interval(roc_auc, labels, p_fake)
f"{auc.value:.3f} [{auc.low:.3f}, {auc.high:.3f}]"

What is resampled is pictures, within each class, so every resample has both. An interval says
nothing of generators that the set lacks.
"""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from groundsight.core.errors import UsageError
from groundsight.core.seeds import make_rng
from groundsight.metrics.classification import FloatArray, Labels, Scores, rows_of_one_length

Measure: TypeAlias = Callable[[Labels, Scores], float]
Indices: TypeAlias = npt.NDArray[np.int64]

NUM_RESAMPLES = 1000
COVERAGE = 0.95


class Interval(NamedTuple):
    """A figure and the range that holds `coverage` of its resamples."""

    value: float
    low: float
    high: float


class Difference(NamedTuple):
    """How much one scorer beats another on the same pictures."""

    value: float
    "Measure of the first less measure of the second."
    low: float
    high: float
    sign_rate: float
    "Share of resamples where the difference is not above 0: small = the first is better."


def bootstrap_interval(
    measure: Measure,
    labels: Labels,
    scores: Scores,
    *,
    num_resamples: int = NUM_RESAMPLES,
    coverage: float = COVERAGE,
    seed: int = 0,
) -> Interval:
    """Percentile bootstrap, stratified by class.

    Args:
        measure: labels (N,), scores (N,) → a number.
        labels: (N,) 0 or 1.
        scores: (N,).
        num_resamples: at least 1.
        coverage: in (0, 1).
        seed: the same seed gives the same interval.

    Raises:
        UsageError: lengths differ, no pictures, or settings out of range.

    Source: Efron and Tibshirani 1993, chapter 13; strata as in chapter 8.
    """
    labels, scores = rows_of_one_length(labels, scores)
    draws = _resamples(labels, num_resamples, seed)
    values = np.array([measure(labels[at], scores[at]) for at in draws])
    return Interval(measure(labels, scores), *_percentiles(values, coverage))


def paired_bootstrap_difference(
    measure: Measure,
    labels: Labels,
    first: Scores,
    second: Scores,
    *,
    num_resamples: int = NUM_RESAMPLES,
    coverage: float = COVERAGE,
    seed: int = 0,
) -> Difference:
    """Interval of measure(first) less measure(second), both on the same resampled pictures.

    Args:
        measure: labels (N,), scores (N,) → a number.
        labels: (N,) 0 or 1.
        first: (N,) scores.
        second: (N,) scores of the same pictures, in the same order.
        num_resamples: at least 1.
        coverage: in (0, 1).
        seed: the same seed gives the same interval.

    Raises:
        UsageError: lengths differ, no pictures, or settings out of range.
    """
    labels, first = rows_of_one_length(labels, first)
    _, second = rows_of_one_length(labels, second)
    draws = _resamples(labels, num_resamples, seed)
    values = np.array(
        [measure(labels[at], first[at]) - measure(labels[at], second[at]) for at in draws]
    )
    value = measure(labels, first) - measure(labels, second)
    low, high = _percentiles(values, coverage)
    return Difference(value, low, high, float((values <= 0).mean()))


def bootstrap_mean(
    values: Scores,
    *,
    num_resamples: int = NUM_RESAMPLES,
    coverage: float = COVERAGE,
    seed: int = 0,
) -> Interval:
    """Percentile interval of a mean over pictures: hits, IoUs, counts.

    Args:
        values: (N,) one number a picture, N > 0.
        num_resamples: at least 1.
        coverage: in (0, 1).
        seed: the same seed gives the same interval.

    Raises:
        UsageError: no values, or settings out of range.
    """
    values = np.asarray(values, dtype=np.float64)
    one_class = np.zeros(len(values), dtype=np.int64)
    return bootstrap_interval(
        lambda _, drawn: float(drawn.mean()),
        one_class,
        values,
        num_resamples=num_resamples,
        coverage=coverage,
        seed=seed,
    )


def _resamples(labels: Labels, num_resamples: int, seed: int) -> list[Indices]:
    """Drawn with replacement inside each class, so class sizes stay as they are."""
    if num_resamples < 1:
        raise UsageError(f"at least one resample is needed, got {num_resamples}")
    rng = make_rng(seed, "bootstrap")
    classes = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    return [
        np.concatenate([rng.choice(members, len(members)) for members in classes])
        for _ in range(num_resamples)
    ]


def _percentiles(values: FloatArray, coverage: float) -> tuple[float, float]:
    if not 0 < coverage < 1:
        raise UsageError(f"coverage lies between 0 and 1, got {coverage}")
    tail = (1 - coverage) / 2
    low, high = np.quantile(values, (tail, 1 - tail))
    return float(low), float(high)
