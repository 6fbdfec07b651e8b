"""Figures off columns of scores: by hand, against numpy, and with samples that lack a value."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundsight.suites import Figure, SampleScore
from groundsight.suites.columns import MOST_GROUPS, Columns


def score(
    number: int, value: float | None, group: str = "a", unit: str | None = None
) -> SampleScore:
    return SampleScore(
        id=str(number), values={"v": value}, groups={"g": group}, parsed=True, unit=unit
    )


def only(figures: list[Figure]) -> Figure:
    (figure,) = figures
    return figure


def test_means_by_hand() -> None:
    rows = [(1.0, "a"), (0.0, "a"), (1.0, "b"), (None, "b"), (1.0, "b")]
    columns = Columns.of(score(i, value, group) for i, (value, group) in enumerate(rows))
    mean = only(columns.mean("v"))
    assert (mean.value, mean.num) == (0.75, 4)
    assert [(one.key, one.value, one.num) for one in columns.by("v", "g")] == [
        ("v[g=a]", 0.5, 2),
        ("v[g=b]", 1.0, 2),
    ]
    over = only(columns.mean_over("v", "g", as_="mean_v"))
    assert (over.name, over.value, over.num) == ("mean_v", 0.75, 4)
    assert only(columns.parse_rate()).value == 1.0


def test_a_value_that_only_later_samples_have() -> None:
    late = SampleScore(id="9", values={"late": 0.5})
    columns = Columns.of([score(0, 1.0), late])
    assert only(columns.mean("late")).num == 1
    assert only(columns.mean("v")).num == 1
    assert columns.mean("never") == []
    assert columns.by("v", "no such group") == []


def test_unscored_samples_are_in_no_mean() -> None:
    gone = SampleScore(id="1", unscored="not_found")
    columns = Columns.of([score(0, 1.0), gone, gone])
    assert only(columns.mean("v")).value == 1.0
    assert [(one.key, one.value) for one in columns.num_unscored()] == [
        ("num_unscored", 2.0),
        ("num_unscored[reason=not_found]", 2.0),
    ]
    assert Columns.of([score(0, 1.0)]).num_unscored() == []


def test_weighted_cells_by_hand() -> None:
    columns = Columns.of(score(i, v) for i, v in enumerate([1.0, 0.0, 1.0, 1.0]))
    cells = np.array([0, 0, 1, -1])
    assert only(columns.weighted_mean("v", cells, [0.25, 0.75])).value == pytest.approx(0.875)


def test_ratio_of_sums_is_no_mean_of_ratios() -> None:
    pairs = [(1.0, 2.0), (0.0, 6.0)]
    scores = [
        SampleScore(id=str(i), values={"above": above, "below": below})
        for i, (above, below) in enumerate(pairs)
    ]
    figure = only(Columns.of(scores).ratio("above", "below", as_="share"))
    assert figure.value == pytest.approx(1 / 8)
    assert figure.interval is not None
    assert figure.interval.low == 0.0
    assert figure.interval.high == pytest.approx(0.5)


def test_units_right_as_a_whole() -> None:
    rows = [(1.0, "x"), (1.0, "x"), (1.0, "y"), (0.0, "y"), (1.0, "alone")]
    columns = Columns.of(score(i, value, unit=unit) for i, (value, unit) in enumerate(rows))
    both = only(columns.all_of_unit("v", 2, as_="both"))
    assert (both.name, both.value, both.num) == ("both", 0.5, 2)


def test_samples_of_one_unit_make_a_wider_interval() -> None:
    values = [float(i % 2) for i in range(200)]
    alone = only(Columns.of(score(i, v) for i, v in enumerate(values)).mean("v"))
    pairs = sorted(values)  # each unit is two equal values
    paired = Columns.of(score(i, v, unit=str(i // 2)) for i, v in enumerate(pairs))
    together = only(paired.mean("v"))
    assert alone.interval is not None and together.interval is not None
    width = alone.interval.high - alone.interval.low
    assert together.interval.high - together.interval.low > 1.2 * width


@given(st.lists(st.floats(0, 1), min_size=2, max_size=40))
def test_a_mean_is_numpys_and_lies_in_its_interval(values: list[float]) -> None:
    figure = only(Columns.of(score(i, v) for i, v in enumerate(values)).mean("v"))
    assert figure.value == pytest.approx(float(np.mean(values)))
    assert figure.interval is not None
    low, high = figure.interval
    assert 0 <= low <= figure.value + 1e-9
    assert figure.value - 1e-9 <= high <= 1
    if 0 < figure.value < 1:
        assert min(values) - 1e-9 <= low <= high <= max(values) + 1e-9


def test_full_marks_of_few_do_not_mean_that_all_others_are_right() -> None:
    few, many = (only(Columns.of(score(i, 1.0) for i in range(n)).mean("v")) for n in (2, 200))
    assert few.interval is not None and many.interval is not None
    assert few.interval.high == many.interval.high == 1.0
    assert few.interval.low == pytest.approx(0.342, abs=1e-3)  # 1 / (1 + z²/2)
    assert many.interval.low > 0.98
    units = (score(i, 0.0, unit=str(i // 4)) for i in range(8))
    none_right = only(Columns.of(units).mean("v"))
    assert none_right.interval is not None
    assert none_right.interval.low == 0.0
    assert none_right.interval.high == pytest.approx(0.658, abs=1e-3)  # two pictures, not eight


def test_very_many_groups_are_cut_to_the_largest() -> None:
    scores = [score(i, 1.0, f"g{i % 300:03d}") for i in range(600)]
    scores.append(score(600, 1.0, "g299"))
    names = Columns.of(scores).names("g")
    assert len(names) == MOST_GROUPS
    assert "g299" in names


def test_ten_thousand_scores_take_a_second_or_two() -> None:
    rng = np.random.default_rng(0)
    scores = [score(i, float(v), f"g{i % 8}") for i, v in enumerate(rng.random(10_000))]
    begun = time.process_time()
    columns = Columns.of(scores)
    for _ in range(3):
        columns.mean("v")
        columns.by("v", "g")
        columns.mean_over("v", "g")
    assert time.process_time() - begun < 5
