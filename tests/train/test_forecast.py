"""The zero-variance forecast: by hand, against enumeration and against simulation."""

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundsight.train.forecast import forecast, zero_variance_rate


@pytest.mark.parametrize(
    ("totals", "size", "rate"),
    [
        ([1, 1, 1, 1], 4, 1.0),
        ([0, 1, 1, 1], 4, 0.0),
        ([0, 1, 1, 1], 2, 3 / 6),  # three of six pairs
        ([0, 0, 1, 1], 2, 2 / 6),
        ([0, 0, 1, 1], 3, 0.0),
        ([0, 1], 4, 2 / 16),  # fewer than G: drawn with replacement
        ([1, 1], 4, 1.0),
        ([0.1 + 0.2, 0.3], 2, 1.0),  # rounding is no difference
    ],
)
def test_by_hand(totals: list[float], size: int, rate: float) -> None:
    assert zero_variance_rate(totals, size) == pytest.approx(rate)


@given(st.lists(st.integers(0, 2), min_size=1, max_size=7), st.integers(1, 5))
def test_it_is_the_share_of_equal_groups_among_all(totals: list[int], size: int) -> None:
    if len(totals) >= size:
        groups = list(combinations(totals, size))
    else:
        groups = list(product(totals, repeat=size))
    equal = sum(len(set(group)) == 1 for group in groups)
    assert zero_variance_rate([float(t) for t in totals], size) == pytest.approx(
        equal / len(groups)
    )


def test_without_replacement_is_unbiased_and_with_it_overstates() -> None:
    # A model that is right 70% of the time: the true rate at G = 4 is 0.7^4 + 0.3^4 = 0.2482.
    rng = np.random.default_rng(0)
    runs = (rng.random((4000, 8)) < 0.7).astype(float)
    exact = np.mean([zero_variance_rate(row.tolist(), 4) for row in runs])
    few = np.mean([zero_variance_rate(row[:3].tolist(), 4) for row in runs])
    assert exact == pytest.approx(0.2482, abs=0.015)
    assert few > 0.3


def test_the_forecast_says_what_it_stands_on() -> None:
    groups: list[list[float | None]] = [
        [1.0, 1.0, 1.0, 1.0],
        [0.0, 1.0],
        [1.0, None],
        [None, None],
        [],
    ]
    got = forecast(groups, 4)
    assert got.rate == pytest.approx((1.0 + 2 / 16) / 2)
    assert (got.num_unbiased, got.num_upper, got.num_left_out) == (1, 1, 3)
    assert forecast([[1.0]], 4).rate is None
