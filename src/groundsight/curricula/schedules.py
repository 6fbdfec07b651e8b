"""Schedules: reward weights and parameters as pure functions of progress.

The papers' numbers are data in `recipes/`, not code here.
"""

from itertools import accumulate
from typing import ClassVar, Literal, NamedTuple

from pydantic import Field, field_validator

from groundsight.core.config import Config
from groundsight.curricula.base import Part, PartClass, PartConfig, Progress, RewardSettings


class Point(NamedTuple):
    """A named point of a run and the settings that hold there."""

    name: str
    start: float
    "Fraction of the run, in [0, 1]."
    settings: RewardSettings


class Schedule(Part):
    """The rubric's own settings from start to end; base of the other schedules."""

    def settings(self, progress: Progress) -> RewardSettings:
        """New weights and parameters by reward name; what is not named stays as the rubric has it.

        Args:
            progress: where the run is.
        """
        return {}

    def points(self) -> list[Point]:
        """The points of a run worth looking at: where the settings are new."""
        return [Point("whole run", 0.0, {})]


class ConstantConfig(PartConfig):
    """The rubric's own weights from start to end."""

    type: Literal["constant"] = "constant"
    part: ClassVar[PartClass] = Schedule


class Stage(Config):
    """One stage of a staged schedule."""

    name: str
    epochs: float = Field(gt=0)
    "How long it lasts, in passes over the data."
    rewards: RewardSettings
    "By reward name: weight and parameters that hold during the stage."


class Staged(Schedule):
    """FakeXplained's v1 schedule: stages of whole epochs with their own reward settings.

    After the last stage its settings stay. Source: arXiv 2506.07045 v1, three GRPO stages α, β, γ.
    """

    config: "StagedConfig"

    def stage(self, progress: Progress) -> Stage:
        """The stage that the run is in. A boundary belongs to the later stage."""
        ends = accumulate(stage.epochs for stage in self.config.stages)
        for stage, end in zip(self.config.stages, ends, strict=True):
            if progress.epoch < end - 1e-9:
                return stage
        return self.config.stages[-1]

    def settings(self, progress: Progress) -> RewardSettings:
        """The settings of the current stage."""
        return self.stage(progress).rewards

    def points(self) -> list[Point]:
        """Each stage at its start, in a run of just these stages."""
        stages = self.config.stages
        starts = list(accumulate((stage.epochs for stage in stages), initial=0.0))
        return [
            Point(stage.name, start / starts[-1], stage.rewards)
            for stage, start in zip(stages, starts, strict=False)
        ]


class StagedConfig(PartConfig):
    """Stages in order."""

    type: Literal["staged"] = "staged"
    stages: tuple[Stage, ...] = Field(min_length=1)
    "In order, each with name, epochs, and rewards: by name, weight and parameters that hold."
    part: ClassVar[PartClass] = Staged

    @field_validator("stages")
    @classmethod
    def _names_differ(cls, stages: tuple[Stage, ...]) -> tuple[Stage, ...]:
        names = [stage.name for stage in stages]
        if len(set(names)) < len(names):
            raise ValueError(f"stage names must differ, got {', '.join(names)}")
        return stages


class Ramp(Config):
    """A number that moves in a straight line from the first step to the last."""

    start: float
    "At t = 0."
    end: float
    "At t = T."

    def at(self, fraction: float) -> float:
        """Start + (end − start)·t/T."""
        return self.start + (self.end - self.start) * fraction


class Linear(Schedule):
    """ω(t) = start + (end − start)·t/T for each named reward.

    Source: ω_G(t) = 0.5 + 0.5·t/T of FakeXplained (ICLR 2026 version).
    """

    config: "LinearConfig"

    def settings(self, progress: Progress) -> RewardSettings:
        """The weights at this step."""
        ramps = self.config.weights.items()
        return {name: {"weight": ramp.at(progress.fraction)} for name, ramp in ramps}

    def points(self) -> list[Point]:
        """Start, middle and end of the ramp."""
        named = {"t = 0": 0, "t = T/2": 1, "t = T": 2}
        return [
            Point(name, step / 2, self.settings(Progress(step=step, num_steps=2)))
            for name, step in named.items()
        ]


class LinearConfig(PartConfig):
    """Straight ramps of weights."""

    type: Literal["linear"] = "linear"
    weights: dict[str, Ramp] = Field(min_length=1)
    "By reward name: {start, end}."
    part: ClassVar[PartClass] = Linear
