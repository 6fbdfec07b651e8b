"""Every part, alone and together, resumes exactly from JSON."""

import json
from typing import Any

import numpy as np
import pytest

from groundsight.core.config import validate_config
from groundsight.core.errors import UsageError
from groundsight.curricula import GATES, GROUP_WEIGHTS, SAMPLERS, SCHEDULES
from groundsight.curricula.base import GroupOutcome, Progress
from groundsight.curricula.curriculum import Curriculum, CurriculumConfig

ITEMS = {f"q{i:03}": None if i % 3 else i / 100 for i in range(40)}
FULL: dict[str, Any] = {
    "schedule": {"type": "linear", "weights": {"iou": {"start": 0.5, "end": 1.0}}},
    "sampler": {"type": "difficulty_pool", "reward": "iou", "pass_at": 0.5, "seed": 7},
    "gate": {"type": "advantage"},
    "group_weight": {"type": "difficulty", "reward": "iou"},
}
PLAIN: dict[str, Any] = {"sampler": {"type": "shuffle", "seed": 7}}


def make(tree: dict[str, Any]) -> Curriculum:
    return Curriculum.build(validate_config(CurriculumConfig, tree, where="test"), ITEMS)


def run(curriculum: Curriculum, steps: range) -> list[Any]:
    """A run whose rewards depend on the step and the sample only; all that was decided."""
    log: list[Any] = []
    for step in steps:
        for sample_id in curriculum.draw(6):
            values = np.random.default_rng([step, int(sample_id[1:])]).integers(0, 3, 4) / 2
            rewards = tuple(float(value) for value in values)
            outcome = GroupOutcome(sample_id=sample_id, rewards=rewards, parts={"iou": rewards})
            decided = curriculum.admit(outcome), curriculum.group_weight(outcome)
            curriculum.observe(outcome)
            log.append((sample_id, *decided))
        log.append(curriculum.settings(Progress(step=step, num_steps=50)))
    return [*log, curriculum.metrics()]


@pytest.mark.parametrize("tree", [FULL, PLAIN], ids=["full", "plain"])
@pytest.mark.parametrize("cut", [0, 1, 13])
def test_a_run_cut_and_resumed_from_json_is_the_uncut_run(tree: dict[str, Any], cut: int) -> None:
    whole = run(make(tree), range(20))
    first = make(tree)
    before = run(first, range(cut))[:-1]
    saved = json.loads(json.dumps(first.state_dict()))
    resumed = make(tree)
    resumed.load_state_dict(saved)
    assert before + run(resumed, range(cut, 20)) == whole


def test_saving_twice_writes_the_same() -> None:
    curriculum = make(FULL)
    run(curriculum, range(3))
    assert curriculum.state_dict() == curriculum.state_dict()


@pytest.mark.parametrize(
    "change",
    [
        {"schedule": {"type": "constant"}},
        {"sampler": {**FULL["sampler"], "seed": 8}},
        {"gate": {"type": "advantage", "min_std": 0.1}},
        {"group_weight": {"type": "difficulty", "reward": "iou", "shape": "log"}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_state_of_other_settings_is_refused(change: dict[str, Any]) -> None:
    state = make(FULL).state_dict()
    with pytest.raises(UsageError, match="other settings"):
        make({**FULL, **change}).load_state_dict(state)


def test_a_state_of_other_samples_is_refused() -> None:
    state = make(FULL).state_dict()
    config = validate_config(CurriculumConfig, FULL, where="test")
    with pytest.raises(UsageError, match="other samples"):
        Curriculum.build(config, {"else": None}).load_state_dict(state)


def test_a_state_without_a_sampler_is_refused_where_there_is_one() -> None:
    config = validate_config(CurriculumConfig, FULL, where="test")
    with pytest.raises(UsageError, match="cannot resume"):
        make(FULL).load_state_dict(Curriculum.build(config).state_dict())


def test_drawing_without_items_says_so() -> None:
    with pytest.raises(UsageError, match="without items"):
        Curriculum.build(CurriculumConfig()).draw(1)


@pytest.mark.parametrize("table", [SCHEDULES, SAMPLERS, GATES, GROUP_WEIGHTS], ids=str)
def test_every_row_is_keyed_by_its_own_type(table: Any) -> None:
    for name, row in table.items():
        assert row.model_fields["type"].default == name
