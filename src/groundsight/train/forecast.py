"""Forecast of zero-variance groups: how many questions will teach GRPO nothing.

A group of G completions whose rewards are all equal has advantages of 0. From K recorded totals of
a question the share of such groups is computed exactly, not simulated.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from math import comb

from groundsight.core.types import Value

DECIMALS = 6
"Totals that agree to this many decimals are equal, as the advantage gate has it."


class Forecast(Value):
    """Share of zero-variance groups at one G."""

    num_generations: int
    rate: float | None
    "Mean over the questions, in [0, 1]; None when no question has two scored completions."
    num_unbiased: int
    "Questions with at least G scored completions: the rate is an unbiased estimate."
    num_upper: int
    "Questions with 2 to G−1: drawn with replacement, which can only overstate the rate."
    num_left_out: int
    "Questions with fewer than two scored completions: they say nothing."


def zero_variance_rate(totals: Sequence[float], num_generations: int) -> float:
    """Probability that G completions of one question all earn the same.

    With K ≥ G recorded totals: over all choices of G of them without replacement,
    Σ_v C(n_v, G)/C(K, G), the unbiased estimate. With K < G: drawn with replacement, Σ_v (n_v/K)^G,
    which overstates it on average.

    Args:
        totals: K ≥ 1 scored totals.
        num_generations: G ≥ 1.

    Returns:
        In [0, 1].
    """
    counts = Counter(round(total, DECIMALS) for total in totals).values()
    if len(totals) >= num_generations:
        same = sum(comb(count, num_generations) for count in counts)
        return same / comb(len(totals), num_generations)
    return sum((count / len(totals)) ** num_generations for count in counts)


def forecast(groups: Iterable[Sequence[float | None]], num_generations: int) -> Forecast:
    """The forecast over all questions.

    Args:
        groups: totals of each question; None where not scored.
        num_generations: G.
    """
    rates: list[float] = []
    num_unbiased = num_left_out = 0
    for group in groups:
        totals = [total for total in group if total is not None]
        if len(totals) < 2:
            num_left_out += 1
            continue
        num_unbiased += len(totals) >= num_generations
        rates.append(zero_variance_rate(totals, num_generations))
    return Forecast(
        num_generations=num_generations,
        rate=sum(rates) / len(rates) if rates else None,
        num_unbiased=num_unbiased,
        num_upper=len(rates) - num_unbiased,
        num_left_out=num_left_out,
    )
