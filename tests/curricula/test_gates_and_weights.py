"""The advantage gate and the difficulty weight, by hand and by property."""

import math
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundsight.curricula.base import GroupOutcome
from groundsight.curricula.gates import (
    AdvantageGate,
    AdvantageGateConfig,
    Gate,
    OpenGateConfig,
    reward_std,
)
from groundsight.curricula.group_weights import DifficultyWeight, DifficultyWeightConfig

Shape = Literal["exp", "power", "log"]


def outcome(*rewards: float | None) -> GroupOutcome:
    return GroupOutcome(sample_id="a", rewards=rewards, parts={"iou": rewards})


@pytest.mark.parametrize(
    ("rewards", "admitted"),
    [
        ((1.0, 1.0, 1.0, 1.0), False),
        ((0.0, 0.0, 0.0, 1.0), True),
        ((0.1 + 0.2, 0.3, 0.3, 0.3), False),  # rounding is no signal
        ((1.0, None, None, 1.0), False),
        ((1.0, None, 0.5), True),
        ((1.0, None), False),  # one scored completion has no one to be better than
        ((None, None), False),
        ((), False),
    ],
)
def test_only_groups_whose_rewards_differ_are_admitted(
    rewards: tuple[float | None, ...], admitted: bool
) -> None:
    gate = AdvantageGate(AdvantageGateConfig())
    assert gate.admit(outcome(*rewards)) is admitted
    assert Gate(OpenGateConfig()).admit(outcome(*rewards))


def test_the_gate_reports_what_it_dropped() -> None:
    gate = AdvantageGate(AdvantageGateConfig())
    assert gate.metrics() == {}
    for rewards in ((1.0, 1.0), (0.0, 1.0), (0.0, 0.0), (0.5, 1.0)):
        gate.observe(outcome(*rewards))
    assert gate.metrics() == {"gate/dropped_rate": 0.5}


@given(st.lists(st.floats(-10, 10), min_size=2), st.floats(-5, 5))
def test_std_does_not_depend_on_where_zero_is(rewards: list[float], shift: float) -> None:
    moved = [reward + shift for reward in rewards]
    assert reward_std(moved) == pytest.approx(reward_std(rewards), abs=1e-9)


@pytest.mark.parametrize(
    ("shape", "ious", "weight"),
    [
        ("exp", (0.2, 0.2), math.exp(0.8)),
        ("exp", (0.6, 1.0), math.exp(0.2)),
        ("exp", (1.0, 1.0), 1.0),
        ("power", (0.3, 0.7), 0.55),
        ("log", (0.48, 0.48), math.log(2)),
        ("log", (1.0, 1.0), 0.0),  # -ln 1.02 would push the policy away from right answers
        ("exp", (0.4, None), math.exp(0.6)),
        ("exp", (None, None), 1.0),
    ],
)
def test_difficulty_weight_by_hand(
    shape: Shape, ious: tuple[float | None, ...], weight: float
) -> None:
    part = DifficultyWeight(DifficultyWeightConfig(reward="iou", shape=shape))
    assert part.weight(outcome(*ious)) == pytest.approx(weight)


@given(st.sampled_from(["exp", "power", "log"]), st.floats(0, 1), st.floats(0, 1))
def test_a_harder_question_never_counts_less(shape: Shape, first: float, second: float) -> None:
    part = DifficultyWeight(DifficultyWeightConfig(reward="iou", shape=shape))
    hard, easy = sorted((first, second))
    assert part.weight(outcome(hard)) >= part.weight(outcome(easy)) >= 0.0


def test_the_mean_weight_is_reported() -> None:
    part = DifficultyWeight(DifficultyWeightConfig(reward="iou", shape="power"))
    part.observe(outcome(0.05))
    part.observe(outcome(0.55))
    assert part.metrics() == {"group_weight/mean": pytest.approx(0.75)}
