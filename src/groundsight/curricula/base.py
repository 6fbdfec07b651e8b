"""The nouns of a curriculum: progress, what a finished group earned, and parts that resume."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, ClassVar

from pydantic import BaseModel

from groundsight.core.config import Config
from groundsight.core.errors import UsageError

# By reward name: its new weight and parameters, e.g. {"verdict": {"weight": 1.0, "wrong": -2.0}}.
RewardSettings = dict[str, dict[str, float]]
State = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a run is.

    Args:
        step: optimizer steps done, 0 at the start.
        num_steps: steps of the whole run (the T of ω_G(t)), at least 1.
        num_epochs: passes over the data in the whole run; may be fractional.
    """

    step: int
    num_steps: int
    num_epochs: float = 1.0

    def __post_init__(self) -> None:
        if self.num_steps < 1 or not 0 <= self.step <= self.num_steps or self.num_epochs <= 0:
            raise UsageError(
                f"progress needs 0 <= step <= num_steps and num_epochs > 0, got step {self.step} "
                f"of {self.num_steps} in {self.num_epochs} epochs"
            )

    @property
    def fraction(self) -> float:
        """t/T in [0, 1]."""
        return self.step / self.num_steps

    @property
    def epoch(self) -> float:
        """Epochs done, in [0, num_epochs]."""
        return self.step * self.num_epochs / self.num_steps


@dataclass(frozen=True, kw_only=True)
class GroupOutcome:
    """What one prompt's G completions earned.

    Args:
        sample_id: of the question.
        rewards: G totals; None where a completion could not be scored.
        parts: by reward name, G raw parts in the same order; None where not scored.
    """

    sample_id: str
    rewards: tuple[float | None, ...]
    parts: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)

    def scored(self, part: str | None = None) -> list[float]:
        """The scored values of one part, or of the total where `part` is None.

        Raises:
            UsageError: no such part.
        """
        if part is not None and part not in self.parts:
            known = ", ".join(sorted(self.parts)) or "none"
            raise UsageError(f"the curriculum looks at reward {part!r}; the rubric has: {known}")
        values = self.rewards if part is None else self.parts[part]
        return [value for value in values if value is not None]


class Part:
    """One resumable piece of a curriculum. Subclasses say what they choose.

    Args:
        config: the frozen settings that the part was built from.
    """

    def __init__(self, config: "PartConfig") -> None:
        self.config = config

    def observe(self, outcome: GroupOutcome) -> None:
        """Take note of a finished group."""

    def metrics(self) -> dict[str, float]:
        """Numbers for a log; empty where there is nothing to say."""
        return {}

    def state_dict(self) -> State:
        """Everything that later choices depend on, as plain JSON values."""
        return {"config": fingerprint(self.config), **self._state()}

    def load_state_dict(self, state: State) -> None:
        """Continue exactly where `state_dict` was taken.

        Raises:
            UsageError: the state is of another part, or of other settings.
        """
        if state.get("config") != fingerprint(self.config):
            raise UsageError(
                f"cannot resume: the saved {type(self).__name__} state was made with other "
                "settings; restore the recipe of that run, or start without its state"
            )
        self._load(state)

    def _state(self) -> State:
        return {}

    def _load(self, state: State) -> None:
        """Read back what `_state` wrote."""


PartClass = type[Part]


class PartConfig(Config):
    """Settings of a part, keyed by `type`; `type` is filled in by the table's row."""

    part: ClassVar[PartClass]


def fingerprint(config: BaseModel) -> str:
    """A short hash of a config's class and values, the same on every machine."""
    text = f"{type(config).__name__}:{config.model_dump_json()}"
    return sha256(text.encode()).hexdigest()[:16]
