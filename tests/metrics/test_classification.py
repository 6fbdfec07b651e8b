import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundsight.core.errors import UsageError
from groundsight.metrics.classification import (
    Binning,
    ReliabilityBin,
    accuracy,
    average_precision,
    balanced_accuracy,
    expected_calibration_error,
    reliability,
    roc_auc,
    true_positive_rate_at,
)

Row = list[tuple[int, float]]

# Few distinct values, so that ties are the rule.
TENTHS = st.integers(0, 10).map(lambda tenth: tenth / 10)
ROWS = st.lists(st.tuples(st.integers(0, 1), TENTHS), min_size=2, max_size=40)
BOTH = ROWS.filter(lambda rows: len({label for label, _ in rows}) == 2)


def split(rows: Row) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    return np.array([row[0] for row in rows]), np.array([row[1] for row in rows])


LABELS = np.array([0, 0, 1, 1])
P_FAKE = np.array([0.1, 0.6, 0.4, 0.9])


def test_worked_by_hand() -> None:
    # Pairs (real, generated): .1<.4, .1<.9, .6>.4, .6<.9: three of four in order.
    assert roc_auc(LABELS, P_FAKE) == 0.75
    assert accuracy(LABELS, P_FAKE) == 0.5
    assert balanced_accuracy(LABELS, P_FAKE) == 0.5
    assert balanced_accuracy(LABELS, P_FAKE, 0.3) == 0.75
    # Best first: generated .9 (1/1), real .6, generated .4 (2/3).
    assert average_precision(LABELS, P_FAKE) == pytest.approx((1 + 2 / 3) / 2)


def test_the_mix_of_classes_moves_accuracy_only() -> None:
    labels = np.array([0] * 9 + [1])
    never = np.zeros(10)
    assert accuracy(labels, never) == 0.9
    assert balanced_accuracy(labels, never) == 0.5
    assert roc_auc(labels, never) == 0.5


def test_a_score_on_the_threshold_accuses_nobody() -> None:
    assert accuracy(np.array([0, 1]), np.array([0.5, 0.5])) == 0.5
    assert balanced_accuracy(np.array([0, 1]), np.array([0.5, 0.51])) == 1.0


def test_ties_between_classes_count_half() -> None:
    assert roc_auc(np.array([0, 1, 1]), np.array([0.5, 0.5, 0.7])) == 0.75


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        (0.0, 1 / 3),  # only the 0.95 lies above every real score
        (0.19, 1 / 3),  # one of five is 0.2: not allowed yet
        (0.2, 2 / 3),  # the real 0.9 may be accused
        (0.4, 2 / 3),  # two of five, but the 0.5 is tied with a generated one
        (0.6, 1.0),
        (1.0, 1.0),
    ],
)
def test_generated_found_at_a_false_alarm_rate(rate: float, expected: float) -> None:
    labels = np.array([0, 0, 0, 0, 0, 1, 1, 1])
    scores = np.array([0.1, 0.2, 0.5, 0.5, 0.9, 0.5, 0.9 - 1e-9, 0.95])
    found = true_positive_rate_at(labels, scores, max_false_positive_rate=rate)
    assert found == pytest.approx(expected)


def test_a_rate_of_whole_pictures_is_not_lost_to_rounding() -> None:
    # 0.29 × 100 is 28.999999999999996 in floats; 29 photographs may be accused.
    labels = np.array([0] * 100 + [1])
    scores = np.append(np.arange(100), 70.5)  # 29 real scores lie above 70.5
    assert true_positive_rate_at(labels, scores, max_false_positive_rate=0.29) == 1.0
    assert true_positive_rate_at(labels, scores, max_false_positive_rate=0.28) == 0.0


def test_reliability_worked_by_hand() -> None:
    labels = np.array([0, 0, 1, 1, 1])
    p_fake = np.array([0.05, 0.15, 0.15, 0.95, 1.0])
    assert reliability(labels, p_fake) == [
        ReliabilityBin(0.0, 0.1, 1, 0.05, 0.0),
        ReliabilityBin(0.1, 0.2, 2, 0.15, 0.5),
        ReliabilityBin(0.9, 1.0, 2, 0.975, 1.0),
    ]
    wide = expected_calibration_error(labels, p_fake)
    assert wide == pytest.approx((1 * 0.05 + 2 * 0.35 + 2 * 0.025) / 5)
    # Ranks 0 1 1 3 4 of 5 in two halves: {.05 .15 .15} and {.95 1}.
    halves = reliability(labels, p_fake, binning="equal-mass", num_bins=2)
    assert halves[0] == pytest.approx((0.05, 0.15, 3, 0.35 / 3, 1 / 3))
    assert halves[1:] == [ReliabilityBin(0.95, 1.0, 2, 0.975, 1.0)]


@pytest.mark.parametrize("binning", ["equal-width", "equal-mass"])
def test_a_constant_has_one_bin_and_the_gap_of_the_mean(binning: Binning) -> None:
    labels, p_fake = np.array([0, 0, 0, 1]), np.full(4, 0.7)
    assert len(reliability(labels, p_fake, binning=binning)) == 1
    gap = expected_calibration_error(labels, p_fake, binning=binning)
    assert gap == pytest.approx(0.45)


@given(BOTH)
def test_auc_equals_counting_every_pair(rows: Row) -> None:
    labels, scores = split(rows)
    above = scores[labels == 1][:, None] - scores[labels == 0][None]
    assert roc_auc(labels, scores) == pytest.approx(((above > 0) + 0.5 * (above == 0)).mean())


@given(BOTH)
def test_auc_needs_order_only_and_turns_with_it(rows: Row) -> None:
    labels, scores = split(rows)
    auc = roc_auc(labels, scores)
    assert roc_auc(labels, np.exp(3 * scores)) == auc
    assert roc_auc(labels, -scores) == pytest.approx(1 - auc)
    assert roc_auc(1 - labels, scores) == pytest.approx(1 - auc)


@given(BOTH, st.floats(0, 1), st.floats(0, 1))
def test_more_false_alarms_find_no_fewer(rows: Row, one: float, other: float) -> None:
    labels, scores = split(rows)
    few, many = sorted((one, other))
    low = true_positive_rate_at(labels, scores, max_false_positive_rate=few)
    assert low <= true_positive_rate_at(labels, scores, max_false_positive_rate=many) <= 1


@given(BOTH, st.floats(0, 1))
def test_some_threshold_reaches_the_rate_and_none_does_better(rows: Row, rate: float) -> None:
    labels, scores = split(rows)
    found = true_positive_rate_at(labels, scores, max_false_positive_rate=rate)
    best = max(
        (scores[labels == 1] > threshold).mean()
        for threshold in [-math.inf, *scores]
        if (scores[labels == 0] > threshold).mean() <= rate + 1e-9
    )
    assert found == pytest.approx(best)


@given(ROWS, st.sampled_from(["equal-width", "equal-mass"]), st.integers(1, 12))
def test_bins_hold_every_picture_once(rows: Row, binning: Binning, num_bins: int) -> None:
    labels, p_fake = split(rows)
    bins = reliability(labels, p_fake, binning=binning, num_bins=num_bins)
    assert len(bins) <= num_bins
    assert sum(one.num for one in bins) == len(labels)
    assert sum(one.num * one.generated_rate for one in bins) == pytest.approx(labels.sum())
    assert all(one.low - 1e-12 <= one.mean_p_fake <= one.high + 1e-12 for one in bins)
    error = expected_calibration_error(labels, p_fake, binning=binning, num_bins=num_bins)
    # The gap of the whole set is hidden by no binning, and no gap is larger than 1.
    assert abs(p_fake.mean() - labels.mean()) - 1e-9 <= error <= 1


@given(BOTH)
def test_order_of_pictures_changes_nothing(rows: Row) -> None:
    labels, scores = split(rows)
    for measure in (roc_auc, accuracy, balanced_accuracy, average_precision):
        assert measure(labels[::-1], scores[::-1]) == pytest.approx(measure(labels, scores))


@given(BOTH)
def test_scikit_learn_agrees(rows: Row) -> None:
    metrics = pytest.importorskip("sklearn.metrics", reason="compared where it is installed")
    labels, scores = split(rows)
    decided = scores > 0.5
    assert roc_auc(labels, scores) == pytest.approx(metrics.roc_auc_score(labels, scores))
    assert average_precision(labels, scores) == pytest.approx(
        metrics.average_precision_score(labels, scores)
    )
    assert accuracy(labels, scores) == pytest.approx(metrics.accuracy_score(labels, decided))
    assert balanced_accuracy(labels, scores) == pytest.approx(
        metrics.balanced_accuracy_score(labels, decided)
    )


@pytest.mark.parametrize(
    ("labels", "scores", "said"),
    [
        ([], [], "at least 1"),
        ([0, 1], [0.5], "one length"),
        ([[0, 1]], [[0.5, 0.5]], "rows of one length"),
        ([0, 2], [0.1, 0.2], "0 .real. or 1"),
        ([0, 1], [0.1, math.nan], "finite"),
        ([0, 1], [0.1, math.inf], "finite"),
        ([1, 1], [0.1, 0.2], "both classes"),
        ([0, 0], [0.1, 0.2], "both classes"),
    ],
)
def test_what_can_not_be_scored_is_refused(
    labels: list[int], scores: list[float], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        roc_auc(np.array(labels), np.array(scores))


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(UsageError, match=r"0 … 1, got 1\.5"):
        true_positive_rate_at(LABELS, P_FAKE, max_false_positive_rate=1.5)
    with pytest.raises(UsageError, match="p_fake lies in 0 … 1"):
        reliability(LABELS, P_FAKE * 2)
    with pytest.raises(UsageError, match="one bin"):
        reliability(LABELS, P_FAKE, num_bins=0)
    with pytest.raises(UsageError, match="at least one generated"):
        average_precision(np.array([0, 0]), np.array([0.1, 0.2]))
