"""A rubric: named, weighted rewards; one total, every raw part kept.

    [rubric]
    task = "forgery_reasoning"
    family = "qwen2_5_vl"
    [[rubric.rewards]]
    type = "verdict_accuracy"
    name = "accuracy"
    weight = 1.0

Total = Σ weight·part over the parts that could be scored. A part that could not be scored is None,
never 0: it is left out, as TRL leaves out a NaN, and the reason is kept.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import Field, SerializeAsAny, field_validator, model_validator

from groundsight.core.config import Config, load_config, validate_config
from groundsight.core.errors import ConfigError, UsageError
from groundsight.replies.dialect import Dialect
from groundsight.rewards import REWARDS
from groundsight.rewards.base import Attempt, Bounds, Reward
from groundsight.tasks import TASKS
from groundsight.vision.boxes import PX

_OWN_KEYS = ("name", "weight", "required")


class Entry(Config):
    """One row of a rubric. In a recipe the reward's parameters stand beside these keys."""

    name: str = Field(min_length=1)
    "What the part is called in logs and schedules; the reward's type if not given."
    weight: float = Field(default=1.0, ge=0, allow_inf_nan=False)
    "ω of the part. 0 scores and logs it without paying for it."
    required: bool = False
    "True: where this part could not be scored, the total is None too."
    reward: SerializeAsAny[Reward]
    "The reward with its parameters."

    @model_validator(mode="before")
    @classmethod
    def _from_flat(cls, value: Any) -> Any:
        """{type, name, weight, …parameters} → {name, weight, reward}."""
        if not isinstance(value, dict) or "reward" in value:
            return value
        if not isinstance(value.get("type"), str):
            raise ValueError(f"a reward needs a type, one of: {', '.join(REWARDS)}")
        kind = value["type"]
        own = {key: value[key] for key in _OWN_KEYS if key in value}
        rest = {key: value[key] for key in value if key not in (*_OWN_KEYS, "type")}
        return {"name": kind, **own, "reward": _reward(kind, rest)}


def _reward(kind: str, parameters: dict[str, Any]) -> Reward:
    try:
        row = REWARDS[kind]
    except UsageError as error:
        raise ValueError(str(error)) from None
    return row.model_validate(parameters)


class RubricConfig(Config):
    """The `[rubric]` section of a recipe."""

    task: str
    "Whose replies are scored: a row of `tasks.TASKS`."
    family: str | None = None
    "Model family whose numbers the boxes are; None: pixels of the original picture."
    rewards: tuple[Entry, ...] = Field(min_length=1)
    "The parts. Names must differ, and the weights must add up to more than 0."

    @field_validator("task")
    @classmethod
    def _task_is_known(cls, task: str) -> str:
        return _known(task, lambda: TASKS[task])

    @field_validator("family")
    @classmethod
    def _family_is_known(cls, family: str | None) -> str | None:
        return None if family is None else _known(family, lambda: Dialect.of(family))

    @field_validator("rewards")
    @classmethod
    def _names_differ_and_weights_pay(cls, rewards: tuple[Entry, ...]) -> tuple[Entry, ...]:
        names = [entry.name for entry in rewards]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"names must differ, twice: {', '.join(twice)}; set name = …")
        if sum(entry.weight for entry in rewards) <= 0:
            raise ValueError("the weights add up to 0: nothing would be rewarded")
        return rewards

    @property
    def dialect(self) -> Dialect:
        """How the model writes boxes."""
        return Dialect(frame=PX) if self.family is None else Dialect.of(self.family)


@dataclass(frozen=True, kw_only=True)
class RubricScore:
    """What one attempt earned.

    Args:
        total: Σ weight·part over the scored parts; None when none could be scored, or when a
            required one could not.
        parts: raw values by name; None where the part could not be scored.
        reasons: by name, why a part could not be scored, where there is more to say than that the
            sample lacks its truth.
    """

    total: float | None
    parts: Mapping[str, float | None]
    reasons: Mapping[str, str] = field(default_factory=dict)


class Rubric:
    """Scores attempts. Immutable; `with_settings` gives the rubric of another stage.

    Args:
        config: the `[rubric]` section.
    """

    def __init__(self, config: RubricConfig) -> None:
        self.config = config
        self.names: tuple[str, ...] = tuple(entry.name for entry in config.rewards)

    @property
    def bounds(self) -> Bounds:
        """Range of the total when every part is scored."""
        ranges = [(entry.weight, entry.reward.bounds) for entry in self.config.rewards]
        return Bounds(
            math.fsum(weight * bounds.low for weight, bounds in ranges),
            math.fsum(weight * bounds.high for weight, bounds in ranges),
        )

    def score(self, attempt: Attempt) -> RubricScore:
        """Score one attempt. Never raises on what the model wrote."""
        parts: dict[str, float | None] = {}
        reasons: dict[str, str] = {}
        for entry in self.config.rewards:
            try:
                parts[entry.name] = entry.reward.score(attempt)
            except UsageError as error:
                parts[entry.name] = None
                reasons[entry.name] = str(error)
        return RubricScore(total=self.total(parts), parts=parts, reasons=reasons)

    def score_all(self, attempts: Iterable[Attempt]) -> list[RubricScore]:
        """Score several attempts, in order."""
        return [self.score(attempt) for attempt in attempts]

    def total(self, parts: Mapping[str, float | None]) -> float | None:
        """The weighted sum of raw parts.

        Args:
            parts: a raw value or None for every name of this rubric.
        """
        total, scored = 0.0, False
        for entry in self.config.rewards:
            part = parts[entry.name]
            if part is not None:
                total += entry.weight * part
                scored = True
            elif entry.required:
                return None
        return total if scored else None

    def with_settings(self, settings: Mapping[str, Mapping[str, float]]) -> "Rubric":
        """The same rubric with other weights and parameters, e.g. those of a stage.

        Args:
            settings: by reward name, `weight` and parameters of the reward.

        Raises:
            ConfigError: a name that the rubric lacks, or values that a reward refuses.
        """
        if not settings:
            return self
        unknown = sorted(set(settings) - set(self.names))
        if unknown:
            known = ", ".join(self.names)
            raise ConfigError(f"the schedule sets {', '.join(unknown)}; the rubric has: {known}")
        entries = [_changed(entry, settings.get(entry.name, {})) for entry in self.config.rewards]
        tree = {**dict(self.config), "rewards": entries}
        return Rubric(validate_config(RubricConfig, tree, where="curriculum"))


def _changed(entry: Entry, settings: Mapping[str, float]) -> dict[str, Any]:
    own = {key: getattr(entry, key) for key in _OWN_KEYS}
    # `type` may be an import path outside the table, so the class itself is asked.
    parameters = {k: v for k, v in settings.items() if k not in _OWN_KEYS}
    tree = {**entry.reward.model_dump(), **parameters}
    reward = validate_config(type(entry.reward), tree, where=f"curriculum, reward {entry.name}")
    return {**own, **{k: v for k, v in settings.items() if k in _OWN_KEYS}, "reward": reward}


def _known(name: str, look_up: Any) -> str:
    try:
        look_up()
    except UsageError as error:
        raise ValueError(str(error)) from None
    return name


class _RubricFile(Config):
    """A recipe of which only `[rubric]` matters here."""

    model_config = Config.model_config | {"extra": "ignore"}
    rubric: RubricConfig


def load_rubric(path: Path, overrides: Sequence[str] = ()) -> Rubric:
    """The rubric of a recipe; its other sections are not looked at.

    Raises:
        ConfigError: no such file, bad TOML, or a `[rubric]` that does not fit.
    """
    return Rubric(load_config(_RubricFile, path, overrides).rubric)
