"""Two scorers on the same pictures: is one better, or was it luck?

    first, second = np.array([1, 1, 1, 0]), np.array([1, 0, 0, 0])     # right = 1
    mcnemar(first, second)                # 2 pictures only the first got right, p_value 0.5
    paired_mean_difference(first, second)  # 0.5 with its interval

Answers to the same question go together; comparing two separate intervals would hide most of what
the pairs show.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from groundsight.core.errors import UsageError
from groundsight.metrics.classification import Scores
from groundsight.metrics.intervals import (
    COVERAGE,
    NUM_RESAMPLES,
    Difference,
    checked_values,
    percentiles,
    resampled_group_means,
)


class McNemar(NamedTuple):
    """Where two scorers differ, and how likely coin flips are to share it out so unevenly."""

    num_only_first: int
    "Questions that only the first got right."
    num_only_second: int
    p_value: float
    "Two-sided; 1.0 where they never differ."


def mcnemar(first_right: npt.ArrayLike, second_right: npt.ArrayLike) -> McNemar:
    """McNemar's exact test that both are right equally often.

    It takes the questions as independent of each other: several about one picture make it too
    sure, and `paired_mean_difference` with `units` is the test there.

    Args:
        first_right: (N,) 1 or True where the first scorer is right, else 0.
        second_right: (N,) of the second, the same questions in the same order.

    Returns:
        The counts that differ and the two-sided p-value.

    Raises:
        UsageError: lengths differ, no questions, or other values than 0 and 1.

    Source: McNemar 1947, with the exact binomial of the questions that differ.
    """
    from scipy.stats import binomtest  # kept off the import path of the CLI

    first, second = _right(first_right), _right(second_right)
    if len(first) != len(second):
        raise UsageError(
            f"two scorers of the same questions are needed, got {len(first)} and {len(second)}"
        )
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    differing = only_first + only_second
    p_value = float(binomtest(only_first, differing, 0.5).pvalue) if differing else 1.0
    return McNemar(only_first, only_second, p_value)


def paired_mean_difference(
    first: Scores,
    second: Scores,
    *,
    groups: Sequence[str] | None = None,
    units: Sequence[str] | None = None,
    num_resamples: int = NUM_RESAMPLES,
    coverage: float = COVERAGE,
    seed: int = 0,
) -> Difference:
    """Interval of the mean of the first less that of the second, on the same resampled questions.

    Args:
        first: (N,) one number a question, e.g. 1.0 where it is right, or an IoU.
        second: (N,) of the same questions in the same order.
        groups: (N,) names; the difference is then that of the means of the groups' means.
        units: (N,) what each question is about; those of one unit are drawn together.
        num_resamples: at least 1.
        coverage: in (0, 1).
        seed: the same seed gives the same interval.

    Returns:
        `sign_rate` is the share of resamples where the difference is not above 0.

    Raises:
        UsageError: no values, lengths differ, or settings out of range.
    """
    one, other = checked_values(first), checked_values(second)
    if len(one) != len(other):
        raise UsageError(
            f"two scorers of the same questions are needed, got {len(one)} and {len(other)}"
        )
    means, resampled = resampled_group_means(
        np.stack([one, other]),
        [""] * len(one) if groups is None else groups,
        units,
        num_resamples=num_resamples,
        seed=seed,
    )
    values = resampled[0] - resampled[1]
    low, high = percentiles(values, coverage)
    return Difference(float(means[0] - means[1]), low, high, float((values <= 0).mean()))


def _right(values: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    row = np.asarray(values)
    if row.ndim != 1 or len(row) == 0 or not np.isin(row, (0, 1)).all():
        raise UsageError("a row of 0 (wrong) and 1 (right) is needed, at least one")
    return row.astype(bool)
