import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundsight.core.errors import UsageError
from groundsight.metrics.intervals import bootstrap_mean
from groundsight.metrics.paired import mcnemar, paired_mean_difference

RIGHT = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=30)


def test_mcnemar_worked_by_hand() -> None:
    # 6 questions differ, 5 to 1: 2 · (C(6,0) + C(6,1)) / 2^6 = 14 / 64.
    first = [1, 1, 1, 1, 1, 0, 1, 0]
    second = [0, 0, 0, 0, 0, 1, 1, 0]
    found = mcnemar(first, second)
    assert found[:2] == (5, 1)
    assert found.p_value == pytest.approx(14 / 64)


def test_scorers_that_never_differ_are_not_told_apart() -> None:
    assert mcnemar([1, 0, 1], [1, 0, 1]) == (0, 0, 1.0)
    assert paired_mean_difference(np.ones(4), np.ones(4)) == (0.0, 0.0, 0.0, 1.0)


def test_a_published_table() -> None:
    # Agresti, Categorical Data Analysis, table 10.1: 150 and 86 of 1600 changed their minds.
    first = [1] * 150 + [0] * 86 + [1] * 794 + [0] * 570
    second = [0] * 150 + [1] * 86 + [1] * 794 + [0] * 570
    assert mcnemar(first, second).p_value == pytest.approx(3.716e-5, rel=1e-3)


@given(RIGHT)
def test_swapping_the_scorers_swaps_the_counts(pairs: list[tuple[bool, bool]]) -> None:
    first, second = np.array(pairs).T
    one, other = mcnemar(first, second), mcnemar(second, first)
    assert (one.num_only_first, one.num_only_second) == (
        other.num_only_second,
        other.num_only_first,
    )
    assert one.p_value == pytest.approx(other.p_value)
    assert 0 < one.p_value <= 1
    turned = paired_mean_difference(second * 1.0, first * 1.0, num_resamples=40)
    straight = paired_mean_difference(first * 1.0, second * 1.0, num_resamples=40)
    assert (straight.value, straight.low, straight.high) == pytest.approx(
        (-turned.value, -turned.high, -turned.low)
    )


def test_a_difference_is_as_sure_as_the_differences_of_the_pairs() -> None:
    rng = np.random.default_rng(4)
    first = rng.normal(0.5, 1.0, 500)
    second = first - rng.normal(0.05, 0.1, 500)
    found = paired_mean_difference(first, second)
    assert found[:3] == pytest.approx(bootstrap_mean(first - second))
    assert found.low > 0
    assert found.sign_rate == 0.0


def test_groups_count_the_same_and_units_stay_together() -> None:
    first, second = np.array([1.0] * 8 + [0.0, 0.0]), np.zeros(10)
    groups = ["many"] * 8 + ["few"] * 2
    assert paired_mean_difference(first, second, groups=groups)[:3] == (0.5, 0.5, 0.5)
    flips = np.array([1.0, 1.0, 0.0, 0.0] * 10)
    pictures = [f"{index // 4}" for index in range(40)]
    assert paired_mean_difference(flips, 0 * flips, units=pictures)[:3] == (0.5, 0.5, 0.5)


def test_what_can_not_be_compared_is_refused() -> None:
    with pytest.raises(UsageError, match="got 2 and 1"):
        mcnemar([1, 0], [1])
    with pytest.raises(UsageError, match="got 2 and 1"):
        paired_mean_difference(np.ones(2), np.ones(1))
    for wrong in ([], [0.5], [[1, 0]], [2]):
        with pytest.raises(UsageError, match="0 \\(wrong\\) and 1 \\(right\\)"):
            mcnemar(wrong, wrong)
    with pytest.raises(UsageError, match="between 0 and 1"):
        paired_mean_difference(np.ones(2), np.ones(2), coverage=95)
