"""Agreement of experts, worked by hand."""

import numpy as np
import pytest

from groundsight.core.errors import UsageError
from groundsight.experts.agreement import agreement, agreement_markdown


def test_by_hand() -> None:
    """2×2 table: both say generated 20, only a 5, only b 10, neither 15. Cohen's kappa is 0.4."""
    a = np.array([0.9] * 25 + [0.1] * 25)
    b = np.array([0.9] * 20 + [0.1] * 5 + [0.9] * 10 + [0.1] * 15)
    labels = np.array([1] * 20 + [1] * 4 + [0] + [1] * 3 + [0] * 7 + [0] * 15)
    (row,) = agreement({"a": a, "b": b}, labels)
    assert (row.first, row.second, row.num) == ("a", "b", 50)
    assert row.agree_rate == pytest.approx(0.7)
    assert row.kappa == pytest.approx(0.4)
    assert row.num_disagree == 15
    assert (row.first_right, row.second_right) == (4 + 7, 1 + 3)


def test_every_pair_once_in_order() -> None:
    names = [(row.first, row.second) for row in agreement({n: np.zeros(3) for n in "abc"})]
    assert names == [("a", "b"), ("a", "c"), ("b", "c")]


def test_only_pictures_that_both_judged_count_and_only_known_truth() -> None:
    a = np.array([0.9, np.nan, 0.9, 0.1])
    b = np.array([0.1, 0.9, np.nan, 0.9])
    (row,) = agreement({"a": a, "b": b}, np.array([1.0, 1.0, 1.0, np.nan]))
    assert (row.num, row.agree_rate, row.num_disagree, row.first_right) == (2, 0.0, 1, 1)


def test_half_accuses_nobody() -> None:
    (row,) = agreement({"a": np.array([0.5]), "b": np.array([0.1])})
    assert row.agree_rate == 1.0
    assert row.kappa is None  # chance alone would have it so


def test_no_picture_in_common_is_no_figure() -> None:
    (row,) = agreement({"a": np.array([np.nan]), "b": np.array([0.1])})
    assert (row.num, row.agree_rate, row.kappa) == (0, None, None)
    assert "| a, b | 0 | - | - | 0 | 0 | 0 |" in agreement_markdown([row])


def test_order_changes_names_only() -> None:
    rng = np.random.default_rng(0)
    a, b, labels = rng.random(50), rng.random(50), rng.integers(0, 2, 50)
    (one,), (other,) = agreement({"a": a, "b": b}, labels), agreement({"b": b, "a": a}, labels)
    assert (one.agree_rate, one.kappa) == (other.agree_rate, other.kappa)
    assert one.first_right == other.second_right


@pytest.mark.parametrize("rows", [{}, {"a": np.zeros(3)}, {"a": np.zeros(3), "b": np.zeros(2)}])
def test_what_cannot_be_compared(rows: dict[str, np.ndarray]) -> None:
    with pytest.raises(UsageError, match="two experts"):
        agreement(rows)


def test_labels_of_another_length() -> None:
    with pytest.raises(UsageError, match="row of 3"):
        agreement({"a": np.zeros(3), "b": np.zeros(3)}, np.zeros(4))
