"""Schedules: the papers' numbers at hand-worked points, and their shape everywhere else."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundsight.core.config import validate_config
from groundsight.core.errors import ConfigError, UsageError
from groundsight.curricula.base import Progress
from groundsight.curricula.curriculum import Curriculum, CurriculumConfig

STAGED: dict[str, Any] = {
    "type": "staged",
    "stages": [
        {"name": "alpha", "epochs": 1, "rewards": {"verdict": {"weight": 1.0, "wrong": -1.0}}},
        {"name": "beta", "epochs": 1, "rewards": {"verdict": {"weight": 1.0, "wrong": -2.0}}},
        {"name": "gamma", "epochs": 2, "rewards": {"verdict": {"weight": 0.5}}},
    ],
}
LINEAR: dict[str, Any] = {"type": "linear", "weights": {"grounding": {"start": 0.5, "end": 1.0}}}


def build(schedule: dict[str, Any]) -> Curriculum:
    config = validate_config(CurriculumConfig, {"schedule": schedule}, where="test")
    return Curriculum.build(config)


@pytest.mark.parametrize(("step", "weight"), [(0, 0.5), (250, 0.625), (500, 0.75), (1000, 1.0)])
def test_linear_weight_is_half_plus_half_of_the_way(step: int, weight: float) -> None:
    settings = build(LINEAR).settings(Progress(step=step, num_steps=1000))
    assert settings == {"grounding": {"weight": pytest.approx(weight)}}


@given(st.integers(1, 10_000), st.data())
def test_linear_weight_stays_between_its_ends_and_never_falls(
    total: int, data: st.DataObject
) -> None:
    first = data.draw(st.integers(0, total))
    second = data.draw(st.integers(first, total))
    curriculum = build(LINEAR)
    low, high = (
        curriculum.settings(Progress(step=step, num_steps=total))["grounding"]["weight"]
        for step in (first, second)
    )
    assert 0.5 <= low <= high <= 1.0


@pytest.mark.parametrize(
    ("step", "wrong"),
    [(0, -1.0), (24, -1.0), (25, -2.0), (49, -2.0), (50, None), (99, None), (100, None)],
)
def test_a_stage_lasts_its_epochs_and_its_end_belongs_to_the_next(
    step: int, wrong: float | None
) -> None:
    progress = Progress(step=step, num_steps=100, num_epochs=4)
    assert build(STAGED).settings(progress)["verdict"].get("wrong") == wrong


def test_the_last_stage_holds_when_the_run_is_longer() -> None:
    progress = Progress(step=100, num_steps=100, num_epochs=9)
    assert build(STAGED).settings(progress) == {"verdict": {"weight": 0.5}}


def test_rounding_does_not_delay_a_stage() -> None:
    # In floats 0.1 + 0.2 epochs end after 3 of 10 steps by a hair.
    names = zip("abc", (0.1, 0.2, 0.7), strict=True)
    stages = [{"name": name, "epochs": e, "rewards": {"r": {"weight": e}}} for name, e in names]
    curriculum = build({"type": "staged", "stages": stages})
    assert curriculum.settings(Progress(step=3, num_steps=10)) == {"r": {"weight": 0.7}}


def test_points_name_where_they_start_and_what_holds_there() -> None:
    points = build(STAGED).schedule.points()
    assert [(point.name, point.start) for point in points] == [
        ("alpha", 0.0),
        ("beta", 0.25),
        ("gamma", 0.5),
    ]
    assert points[1].settings["verdict"]["wrong"] == -2.0
    ramp = build(LINEAR).schedule.points()
    assert [point.settings["grounding"]["weight"] for point in ramp] == [0.5, 0.75, 1.0]


def test_without_a_schedule_nothing_changes() -> None:
    assert Curriculum.build(CurriculumConfig()).settings(Progress(step=0, num_steps=1)) == {}


@pytest.mark.parametrize(
    ("schedule", "says"),
    [
        ({"type": "stagd", "stages": []}, "Did you mean 'staged'"),
        ({"type": "staged", "stages": []}, "at least 1"),
        ({"type": "staged", "stages": [STAGED["stages"][0]] * 2}, "names must differ"),
        ({"type": "linear", "weights": {}}, "at least 1"),
        ({"type": "linear", "weights": {"a": {"start": 0}}}, "end"),
        ({"type": "linear", "weight": {}}, "weight"),
    ],
)
def test_a_wrong_schedule_is_refused_with_its_reason(schedule: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        build(schedule)


@pytest.mark.parametrize("step, total", [(-1, 10), (11, 10), (0, 0)])
def test_progress_outside_the_run_is_refused(step: int, total: int) -> None:
    with pytest.raises(UsageError, match="0 <= step <= num_steps"):
        Progress(step=step, num_steps=total)
