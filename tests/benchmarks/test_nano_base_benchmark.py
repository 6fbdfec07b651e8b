"""The table of the nano base: what is met, and where a stage did not help."""

from typing import Any

from benchmarks.nano_base import summary


def found(sft: float, grpo: float) -> dict[str, Any]:
    stages = {
        name: {"accuracy": value, "iou": value / 2, "parse_rate": 1.0, "reward": value}
        for name, value in (("base", 0.1), ("sft", sft), ("grpo", grpo))
    }
    return {"stages": stages, "seconds": {"sft": 2.0, "grpo": 3.0}}


def test_aims_are_met_only_by_every_seed() -> None:
    told = summary([found(0.6, 0.9), found(0.7, 0.8)])
    assert told["table"]["grpo"]["accuracy"] == [0.9, 0.8]
    assert told["met"] == {"accuracy": False, "iou": True}
    assert summary([found(0.6, 0.9)])["met"] == {"accuracy": True, "iou": True}
    assert told["seconds"] == [5.0, 5.0]


def test_a_stage_that_did_not_help_shows() -> None:
    told = summary([found(0.6, 0.9), found(0.9, 0.9)])
    assert told["rises"]["base < sft"]["accuracy"] == [True, True]
    assert told["rises"]["sft < grpo"]["accuracy"] == [True, False]
