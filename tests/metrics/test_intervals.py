import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundsight.core.errors import UsageError
from groundsight.metrics.classification import balanced_accuracy, roc_auc
from groundsight.metrics.intervals import (
    Interval,
    bootstrap_interval,
    bootstrap_mean,
    bootstrap_mean_of_groups,
    paired_bootstrap_difference,
    wilson_interval,
)

LABELS = np.array([0] * 30 + [1] * 20)


def noisy_scores(seed: int, gain: float) -> npt.NDArray[np.float64]:
    return gain * LABELS + np.random.default_rng(seed).normal(size=len(LABELS))


def test_a_perfect_scorer_has_an_interval_without_width() -> None:
    assert bootstrap_interval(roc_auc, LABELS, LABELS * 1.0) == Interval(1.0, 1.0, 1.0)


def test_every_resample_keeps_the_size_of_each_class() -> None:
    seen: list[tuple[int, int]] = []

    def count(labels: npt.NDArray[np.integer], scores: npt.NDArray[np.floating]) -> float:
        seen.append((len(labels), int(labels.sum())))
        return float(scores.mean())

    bootstrap_interval(count, LABELS, noisy_scores(0, 1.0), num_resamples=50)
    assert set(seen) == {(50, 20)}
    assert len(seen) == 51  # and the figure itself


def test_labels_stay_with_their_scores() -> None:
    labels, scores = np.array([0, 0, 0, 1, 1]), np.array([0.0, 1.0, 2.0, 3.0, 4.0])
    found = bootstrap_interval(lambda _, s: float(s.max()), labels, scores, num_resamples=200)
    assert 3.0 <= found.low <= found.high == 4.0
    assert bootstrap_interval(roc_auc, labels, scores, num_resamples=50) == (1.0, 1.0, 1.0)


def test_of_a_mean_it_is_near_the_textbook_interval() -> None:
    values = np.random.default_rng(3).normal(5.0, 2.0, 400)
    found = bootstrap_mean(values, num_resamples=4000)
    half = 1.96 * values.std(ddof=1) / np.sqrt(400)
    assert found.value == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - half, abs=0.02)
    assert found.high == pytest.approx(values.mean() + half, abs=0.02)


def test_every_group_counts_the_same_whatever_its_size() -> None:
    values = np.array([1.0] * 90 + [0.0] * 10)
    groups = ["easy"] * 90 + ["hard"] * 10
    assert bootstrap_mean_of_groups(values, groups) == (0.5, 0.5, 0.5)
    assert bootstrap_mean(values).value == pytest.approx(0.9)


def test_a_mean_of_groups_is_resampled_inside_them() -> None:
    # Var = mean of the groups' variances of their means over the number of groups.
    rng = np.random.default_rng(5)
    values = np.concatenate([rng.normal(0, 1, 100), rng.normal(10, 3, 400)])
    found = bootstrap_mean_of_groups(values, ["a"] * 100 + ["b"] * 400, num_resamples=4000)
    half = 1.96 * np.sqrt(values[:100].var() / 100 + values[100:].var() / 400) / 2
    assert found.value == pytest.approx((values[:100].mean() + values[100:].mean()) / 2)
    assert found.high - found.low == pytest.approx(2 * half, rel=0.08)


def test_questions_of_one_picture_stand_or_fall_together() -> None:
    once = np.random.default_rng(2).random(100)
    twice = np.repeat(once, 2)
    pictures = [f"picture {index}" for index in np.repeat(np.arange(100), 2)]
    apart, together = bootstrap_mean(twice), bootstrap_mean(twice, units=pictures)
    alone = bootstrap_mean(once)
    assert apart.value == pytest.approx(together.value) == pytest.approx(alone.value)
    assert together.high - together.low == pytest.approx(alone.high - alone.low, rel=0.1)
    assert apart.high - apart.low < 0.85 * (together.high - together.low)


def test_a_picture_with_more_questions_weighs_more() -> None:
    values, pictures = np.array([1.0, 1.0, 1.0, 0.0]), ["a", "a", "a", "b"]
    found = bootstrap_mean(values, units=pictures, num_resamples=200)
    assert found == (0.75, 0.0, 1.0)  # a resample holds a twice, b twice, or each once


def test_a_share_of_few_has_an_interval_of_its_own() -> None:
    # (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n) with p = 0.2, n = 10, z = 1.96
    assert wilson_interval(2, 10) == pytest.approx((0.0567, 0.5098), abs=1e-4)
    low, high = wilson_interval(8, 8)
    assert 0.6 < low < 0.7
    assert high == 1.0
    assert wilson_interval(0, 8)[0] == 0.0
    for hits, num in ((1, 0), (3, 2), (-1, 2)):
        with pytest.raises(UsageError, match="hits of at least 1 picture"):
            wilson_interval(hits, num)


def test_it_holds_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(150):
        found = bootstrap_mean((rng.random(60) < 0.3) * 1.0, num_resamples=300, coverage=0.9)
        hits += found.low <= 0.3 <= found.high
    assert 0.82 <= hits / 150 <= 0.97


def test_a_seed_gives_the_same_interval_and_another_seed_another() -> None:
    scores = noisy_scores(1, 1.0)
    one, again = (bootstrap_interval(roc_auc, LABELS, scores, seed=4) for _ in range(2))
    other = bootstrap_interval(roc_auc, LABELS, scores, seed=5)
    assert one == again
    assert (one.low, one.high) != (other.low, other.high)
    assert one.value == other.value


def test_equal_scorers_do_not_differ() -> None:
    scores = noisy_scores(2, 1.0)
    assert paired_bootstrap_difference(roc_auc, LABELS, scores, scores) == (0.0, 0.0, 0.0, 1.0)


def test_pairing_sees_what_two_intervals_would_hide() -> None:
    first = noisy_scores(7, 1.0)
    second = first - 0.25 * LABELS  # the same noise, a little less signal
    apart = [bootstrap_interval(roc_auc, LABELS, scores) for scores in (first, second)]
    assert apart[0].low < apart[1].high  # the two intervals overlap
    paired = paired_bootstrap_difference(roc_auc, LABELS, first, second)
    assert paired.value == pytest.approx(apart[0].value - apart[1].value)
    assert paired.low > 0
    assert paired.sign_rate < 0.025


@given(st.integers(0, 10_000), st.floats(0.0, 3.0))
@settings(max_examples=20)
def test_intervals_are_ordered_and_grow_with_coverage(seed: int, gain: float) -> None:
    scores = noisy_scores(seed, gain)
    wide = bootstrap_interval(roc_auc, LABELS, scores, num_resamples=60, coverage=0.95)
    narrow = bootstrap_interval(roc_auc, LABELS, scores, num_resamples=60, coverage=0.5)
    assert 0 <= wide.low <= narrow.low <= narrow.high <= wide.high <= 1


@given(st.integers(0, 10_000))
@settings(max_examples=10)
def test_swapping_the_scorers_turns_the_difference(seed: int) -> None:
    first, second = noisy_scores(seed, 1.0), noisy_scores(seed + 1, 0.5)
    one, other = (
        paired_bootstrap_difference(balanced_accuracy, LABELS, a, b, num_resamples=50)
        for a, b in ((first, second), (second, first))
    )
    assert (one.value, one.low, one.high) == pytest.approx((-other.value, -other.high, -other.low))


def test_what_can_not_be_resampled_is_refused() -> None:
    with pytest.raises(UsageError, match=r"shapes \(2,\) and \(3,\)"):
        bootstrap_interval(roc_auc, np.array([0, 1]), np.zeros(3))
    with pytest.raises(UsageError, match="at least 1"):
        bootstrap_mean(np.array([]))
    with pytest.raises(UsageError, match="one length, got 3 and 2"):
        bootstrap_mean_of_groups(np.ones(3), ["a", "b"])
    with pytest.raises(UsageError, match="one length, got 3 and 3 and 1"):
        bootstrap_mean(np.ones(3), units=["a"])
    with pytest.raises(UsageError, match="finite"):
        bootstrap_mean(np.array([1.0, np.nan]))
    with pytest.raises(UsageError, match="one resample"):
        bootstrap_mean(np.ones(3), num_resamples=0)
    for coverage in (0.0, 1.0, 95.0):
        with pytest.raises(UsageError, match="between 0 and 1"):
            bootstrap_mean(np.ones(3), coverage=coverage)
    with pytest.raises(UsageError, match="one length"):
        paired_bootstrap_difference(roc_auc, np.array([0, 1]), np.zeros(2), np.zeros(1))
