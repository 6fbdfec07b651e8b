"""Intervals by the bootstrap: how far a figure could move with other pictures of the same kind.

auc = bootstrap_interval(roc_auc, labels, p_fake)
f"{auc.value:.3f} [{auc.low:.3f}, {auc.high:.3f}]"

What is resampled is pictures, within each class, so every resample has both. An interval says
nothing of generators that the set lacks. Several questions about one picture stand or fall
together: name the picture of each in `units`, or the interval comes out too narrow.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
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
_MOST_NUMBERS = 2_000_000
"In one array of resamples: 16 MB."


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
    value = measure(labels, scores)
    values = _over_resamples(measure, labels, scores, num_resamples, seed)
    return Interval(value, *percentiles(values, coverage))


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
    value = measure(labels, first) - measure(labels, second)
    # One seed draws the same pictures for both.
    values = _over_resamples(measure, labels, first, num_resamples, seed)
    values = values - _over_resamples(measure, labels, second, num_resamples, seed)
    low, high = percentiles(values, coverage)
    return Difference(value, low, high, float((values <= 0).mean()))


def bootstrap_mean(
    values: Scores,
    *,
    units: Sequence[str] | None = None,
    num_resamples: int = NUM_RESAMPLES,
    coverage: float = COVERAGE,
    seed: int = 0,
) -> Interval:
    """Percentile interval of a mean over pictures: hits, IoUs, counts.

    Args:
        values: (N,) one number a picture or question, N > 0.
        units: (N,) what each was measured on; values of one unit are drawn together. None: each
            stands alone.
        num_resamples: at least 1.
        coverage: in (0, 1).
        seed: the same seed gives the same interval.

    Raises:
        UsageError: no values, lengths differ, or settings out of range.
    """
    groups = [""] * len(values)
    return bootstrap_mean_of_groups(
        values, groups, units=units, num_resamples=num_resamples, coverage=coverage, seed=seed
    )


def bootstrap_mean_of_groups(
    values: Scores,
    groups: Sequence[str],
    *,
    units: Sequence[str] | None = None,
    num_resamples: int = NUM_RESAMPLES,
    coverage: float = COVERAGE,
    seed: int = 0,
) -> Interval:
    """Percentile interval of the mean of the groups' means: of eight generators, of ten tasks.

    Every group counts the same, whatever its size. It is resampled within the groups, so the
    interval holds for more pictures of these groups, not for other ones.

    Args:
        values: (N,) one number a picture or question, N > 0.
        groups: (N,) the group of each.
        units: see `bootstrap_mean`; a unit lies in one group.
        num_resamples: at least 1.
        coverage: in (0, 1).
        seed: the same seed gives the same interval.

    Raises:
        UsageError: no values, lengths differ, or settings out of range.
    """
    numbers = checked_values(values)
    means, resampled = resampled_group_means(
        numbers[None], groups, units, num_resamples=num_resamples, seed=seed
    )
    return Interval(float(means[0]), *percentiles(resampled[0], coverage))


def wilson_interval(num_hits: int, num: int, *, coverage: float = COVERAGE) -> tuple[float, float]:
    """Interval of a share of few pictures, where the bootstrap of all hits has no width.

    Args:
        num_hits: in 0 … `num`.
        num: at least 1.
        coverage: in (0, 1).

    Returns:
        Both ends, in [0, 1].

    Raises:
        UsageError: counts or coverage out of range.

    Source: Wilson 1927, without correction for continuity.
    """
    from scipy.stats import binomtest  # kept off the import path of the CLI

    if not (0 <= num_hits <= num and num >= 1 and 0 < coverage < 1):
        raise UsageError(f"hits of at least 1 picture are needed, got {num_hits} of {num}")
    found = binomtest(num_hits, num).proportion_ci(coverage, method="wilson")
    return float(found.low), float(found.high)


def checked_values(values: Scores) -> FloatArray:
    """(N,) float64.

    Raises:
        UsageError: not a row of at least one finite number.
    """
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.ndim != 1 or len(numbers) == 0:
        raise UsageError(f"a row of at least 1 value is needed, got shape {numbers.shape}")
    if not np.isfinite(numbers).all():
        raise UsageError("values must be finite numbers; leave out what could not be scored")
    return numbers


def resampled_group_means(
    rows: FloatArray,
    groups: Sequence[str],
    units: Sequence[str] | None,
    *,
    num_resamples: int,
    seed: int,
) -> tuple[FloatArray, FloatArray]:
    """Mean of the groups' means of several rows, all on the same resampled pictures.

    Args:
        rows: (K, N) finite.
        groups: (N,) names.
        units: (N,) names; None: each column is one.
        num_resamples: R, at least 1.
        seed: of the draws.

    Returns:
        (K,) the means and (K, R) those of the resamples.

    Raises:
        UsageError: lengths differ, or no resample.
    """
    group_of, unit_of = _units(groups, units, rows.shape[1])
    # A unit is its sums and its size: a resample's mean is a ratio of two sums over its units.
    sums = np.stack([np.bincount(unit_of, row) for row in rows])
    sizes = np.bincount(unit_of).astype(np.float64)
    edges = np.searchsorted(group_of, np.arange(group_of[-1] + 2))
    parts = list(pairwise(edges))
    whole = np.mean([sums[:, a:b].sum(1) / sizes[a:b].sum() for a, b in parts], axis=0)
    resampled = [
        np.mean(
            [sums[:, drawn[:, a:b]].sum(2) / sizes[drawn[:, a:b]].sum(1) for a, b in parts], axis=0
        )
        for drawn in _resamples(group_of, num_resamples, seed)
    ]
    return whole, np.concatenate(resampled, axis=1)


def _units(
    groups: Sequence[str], units: Sequence[str] | None, size: int
) -> tuple[Indices, Indices]:
    """(U,) the group of each unit, in order, and (N,) the unit of each value."""
    if len(groups) != size or (units is not None and len(units) != size):
        given = len(groups) if units is None else f"{len(groups)} and {len(units)}"
        raise UsageError(f"values, groups and units need one length, got {size} and {given}")
    _, group_of = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    unit_of = np.arange(size)
    if units is not None:
        _, unit_of = np.unique(np.asarray(units, dtype=str), return_inverse=True)
    pairs, unit_of = np.unique(np.stack([group_of, unit_of]), axis=1, return_inverse=True)
    return pairs[0], unit_of.reshape(-1)


def _over_resamples(
    measure: Measure, labels: Labels, scores: FloatArray, num_resamples: int, seed: int
) -> FloatArray:
    """(R,) the measure of each resample."""
    chunks = _resamples(labels, num_resamples, seed)
    return np.array([measure(labels[at], scores[at]) for drawn in chunks for at in drawn])


def _resamples(strata: npt.NDArray[np.integer], num_resamples: int, seed: int) -> Iterator[Indices]:
    """(≤R, N) drawn with replacement inside each stratum, so that their sizes stay as they are.

    Strata lie behind each other, in order; a chunk is small enough to be worked on in memory.
    """
    if num_resamples < 1:
        raise UsageError(f"at least one resample is needed, got {num_resamples}")
    rng = make_rng(seed, "bootstrap")
    members = [np.flatnonzero(strata == one) for one in np.unique(strata)]
    per_chunk = max(1, _MOST_NUMBERS // len(strata))
    for begin in range(0, num_resamples, per_chunk):
        yield np.stack(
            [
                np.concatenate([rng.choice(one, len(one)) for one in members])
                for _ in range(min(per_chunk, num_resamples - begin))
            ]
        )


def percentiles(values: FloatArray, coverage: float) -> tuple[float, float]:
    """The ends of the range that holds `coverage` of the values, the same share cut off each.

    Raises:
        UsageError: `coverage` lies outside (0, 1).
    """
    if not 0 < coverage < 1:
        raise UsageError(f"coverage lies between 0 and 1, got {coverage}")
    tail = (1 - coverage) / 2
    low, high = np.quantile(values, (tail, 1 - tail))
    return float(low), float(high)
