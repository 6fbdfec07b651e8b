"""Temperature by hand and by what it must not change."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundsight.core.errors import UsageError
from groundsight.experts.calibration import COLDEST, HOTTEST, fit_temperature, sigmoid


def test_by_hand_three_of_four_right_at_one_logit() -> None:
    """75% of the logits ±3 tell the truth: p must be 0.75, so 3 / T = ln 3."""
    logits = np.array([3.0] * 20 + [-3.0] * 20)
    labels = np.array(([1] * 15 + [0] * 5) + ([0] * 15 + [1] * 5))
    fitted = fit_temperature(logits, labels)
    assert fitted.temperature == pytest.approx(3 / math.log(3), rel=1e-5)
    assert fitted.loss_after == pytest.approx(
        -0.75 * math.log(0.75) - 0.25 * math.log(0.25), rel=1e-6
    )
    assert fitted.calibration_error_after == pytest.approx(0, abs=1e-6)
    assert fitted.calibration_error_before == pytest.approx(1 / (1 + math.exp(-3)) - 0.75)


def test_classes_weigh_the_same_whatever_their_mix() -> None:
    rng = np.random.default_rng(0)
    fake, real = rng.normal(2, 3, 200), rng.normal(-2, 3, 200)
    even = fit_temperature(np.r_[fake, real], np.r_[np.ones(200), np.zeros(200)])
    mixed = fit_temperature(np.r_[np.tile(fake, 5), real], np.r_[np.ones(1000), np.zeros(200)])
    assert mixed.temperature == pytest.approx(even.temperature, rel=1e-6)


def test_ends_of_the_range() -> None:
    right = np.r_[np.ones(20), -np.ones(20)]
    labels = np.r_[np.ones(20), np.zeros(20)]
    assert fit_temperature(right, labels).temperature == pytest.approx(COLDEST)
    assert fit_temperature(-right, labels).temperature == pytest.approx(HOTTEST)


@given(st.lists(st.floats(-30, 30), min_size=40, max_size=60), st.integers(0, 100))
def test_a_temperature_never_makes_it_worse_and_moves_no_decision(
    values: list[float], seed: int
) -> None:
    logits = np.array(values)
    labels = np.random.default_rng(seed).permutation(np.arange(len(values)) % 2)
    fitted = fit_temperature(logits, labels)
    assert fitted.loss_after <= fitted.loss_before + 1e-9
    assert COLDEST - 1e-6 <= fitted.temperature <= HOTTEST + 1e-6
    assert ((sigmoid(logits / fitted.temperature) > 0.5) <= (logits > 0)).all()


@pytest.mark.parametrize(
    ("logits", "labels", "words"),
    [
        (np.zeros(20), np.ones(20), "10 held-out pictures of each class"),
        (np.zeros(18), np.arange(18) % 2, "got 9 real and 9 generated"),
        (np.zeros(20), np.zeros(19), "one length"),
        (np.full(20, np.nan), np.arange(20) % 2, "finite"),
        (np.zeros(30), np.arange(30) % 3, "each class"),
    ],
)
def test_what_cannot_be_fitted(
    logits: np.ndarray,
    labels: np.ndarray,
    words: str,
) -> None:
    with pytest.raises(UsageError, match=words):
        fit_temperature(logits, labels)
