"""The check of a finished demo finds what is missing, and rewards that do not rise."""

import json
from pathlib import Path

import pytest

from groundsight.demo.check import LEFT_BEHIND, check_demo, rise_faults
from groundsight.demo.finish import METRICS_FILE, MODEL_FOLDER, REPORT_FILE
from groundsight.demo.outline import STAGES
from groundsight.demo.stage import DONE_FILE, StageRecord


def make_demo(out: Path) -> None:
    for name in STAGES:
        folder = out / STAGES[name].folder
        for inside in LEFT_BEHIND[name]:
            (folder / inside).parent.mkdir(parents=True, exist_ok=True)
            (folder / inside).touch()
        reads = {read: f"digest of {read}" for read in STAGES[name].reads}
        record = StageRecord(
            stage=name,
            sha256=f"digest of {name}",
            made_from={"reads": reads},
            seconds=1.0,
            result={"rewards": [0.1, 0.4, 0.9]},
        )
        (folder / DONE_FILE).write_text(record.model_dump_json())
    row = {"accuracy": 0.5, "iou": 0.2, "parse_rate": 1.0}
    stages = {"base": -1.0, "sft": 1.0, "grpo": 2.0}
    metrics = {
        "stages": {name: row | {"reward": reward} for name, reward in stages.items()},
        "seconds": dict.fromkeys(STAGES, 1.0),
    }
    (out / METRICS_FILE).write_text(json.dumps(metrics))
    (out / REPORT_FILE).touch()
    (out / MODEL_FOLDER).mkdir()
    (out / MODEL_FOLDER / "config.json").touch()


def test_a_whole_demo_has_no_faults(tmp_path: Path) -> None:
    make_demo(tmp_path)
    assert check_demo(tmp_path) == []


def test_every_stage_writes_what_the_check_looks_for() -> None:
    assert LEFT_BEHIND.keys() == STAGES.keys()
    assert all(LEFT_BEHIND.values())


@pytest.mark.parametrize("name", list(LEFT_BEHIND))
def test_what_a_stage_did_not_leave_is_named(tmp_path: Path, name: str) -> None:
    make_demo(tmp_path)
    (tmp_path / STAGES[name].folder / LEFT_BEHIND[name][0]).unlink()
    (fault,) = check_demo(tmp_path)
    assert LEFT_BEHIND[name][0] in fault and "is not there" in fault


def test_a_stage_made_from_another_is_named(tmp_path: Path) -> None:
    make_demo(tmp_path)
    path = tmp_path / STAGES["grpo"].folder / DONE_FILE
    record = StageRecord.model_validate_json(path.read_bytes())
    path.write_text(record.model_copy(update={"sha256": "new"}).model_dump_json())
    assert check_demo(tmp_path) == ["stage bench was made from another grpo"]


def test_a_stage_that_is_not_done_is_named(tmp_path: Path) -> None:
    make_demo(tmp_path)
    (tmp_path / STAGES["merge"].folder / DONE_FILE).unlink()
    assert check_demo(tmp_path) == ["stage merge is not done"]


@pytest.mark.parametrize("text", ["", "[]", '{"stages": {}}', "{"])
def test_metrics_that_are_none_are_named(tmp_path: Path, text: str) -> None:
    make_demo(tmp_path)
    (tmp_path / METRICS_FILE).write_text(text)
    (fault,) = check_demo(tmp_path)
    assert METRICS_FILE in fault


@pytest.mark.parametrize(
    ("rewards", "curve", "told"),
    [
        ((0.0, 1.0, 2.0), [0.0, 1.0], None),
        ((0.0, 0.0, 2.0), [0.0, 1.0], "SFT earns no more"),
        ((1.0, 2.0, 1.0), [0.0, 1.0], "GRPO earns no more"),
        ((0.0, 1.0, 2.0), [1.0, 0.5, 0.5], "the reward fell"),
        ((0.0, 1.0, 2.0), [1.0], "the reward fell"),
    ],
)
def test_rewards_must_rise(
    rewards: tuple[float, float, float], curve: list[float], told: str | None
) -> None:
    stages = {
        name: {"reward": reward}
        for name, reward in zip(("base", "sft", "grpo"), rewards, strict=True)
    }
    faults = rise_faults({"stages": stages}, {"rewards": curve})
    assert len(faults) == (told is not None)
    if told is not None:
        assert faults[0].startswith(told)
