"""The whole curriculum: schedule, sampler, gate and group weight behind one object."""

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, SerializeAsAny, ValidationInfo

from groundsight.core.config import Config
from groundsight.core.errors import UsageError
from groundsight.core.table import Table
from groundsight.curricula import GATES, GROUP_WEIGHTS, SAMPLERS, SCHEDULES
from groundsight.curricula.base import (
    GroupOutcome,
    Part,
    PartConfig,
    Progress,
    RewardSettings,
    State,
)
from groundsight.curricula.gates import Gate, OpenGateConfig
from groundsight.curricula.group_weights import EqualWeightConfig, GroupWeight
from groundsight.curricula.schedules import ConstantConfig, Schedule
from groundsight.curricula.shuffle import Sampler, ShuffleConfig

P = TypeVar("P", bound=Part)
_TABLES: dict[str, Table[type[PartConfig]]] = {
    "schedule": SCHEDULES,
    "sampler": SAMPLERS,
    "gate": GATES,
    "group_weight": GROUP_WEIGHTS,
}


def _row(value: Any, info: ValidationInfo) -> Any:
    """Turn {"type": name, …} into the config class that the field's table has under that name."""
    if not isinstance(value, dict) or "type" not in value:
        return value
    table = _TABLES[str(info.field_name)]
    try:
        row = table[str(value["type"])]
    except UsageError as error:
        raise ValueError(str(error)) from None
    known = value if value["type"] in table else {k: v for k, v in value.items() if k != "type"}
    return row.model_validate(known)


_Row = Annotated[SerializeAsAny[PartConfig], BeforeValidator(_row)]


def _build(config: PartConfig, base: type[P], *args: Any) -> P:
    if not issubclass(config.part, base):
        raise UsageError(f"{type(config).__name__} is no {base.__name__.lower()}")
    return config.part(config, *args)


class CurriculumConfig(Config):
    """The `[curriculum]` section of a recipe; an empty one is plain GRPO."""

    schedule: _Row = ConstantConfig()
    "Reward weights over time: constant, staged, linear."
    sampler: _Row = ShuffleConfig()
    "Which questions come next: shuffle, difficulty_pool."
    gate: _Row = OpenGateConfig()
    "Which finished groups are trained on: open, advantage."
    group_weight: _Row = EqualWeightConfig()
    "How much a group counts: equal, difficulty."


class Curriculum:
    """What a trainer talks to.

    Args:
        schedule: reward weights over time.
        sampler: which questions come next; None where the caller walks the data itself.
        gate: which finished groups are trained on.
        weight: how much a group counts.
    """

    def __init__(
        self, schedule: Schedule, sampler: Sampler | None, gate: Gate, weight: GroupWeight
    ) -> None:
        self.schedule, self.sampler, self.gate, self._weight = schedule, sampler, gate, weight

    @classmethod
    def build(
        cls, config: CurriculumConfig, items: Mapping[str, float | None] | None = None
    ) -> "Curriculum":
        """Build every part.

        Args:
            config: the `[curriculum]` section.
            items: sample id → recorded pass rate or None; without it there is no sampler.

        Raises:
            UsageError: items that the sampler cannot take.
        """
        return cls(
            schedule=_build(config.schedule, Schedule),
            sampler=None if items is None else _build(config.sampler, Sampler, items),
            gate=_build(config.gate, Gate),
            weight=_build(config.group_weight, GroupWeight),
        )

    def settings(self, progress: Progress) -> RewardSettings:
        """Reward weights and parameters at this point of the run."""
        return self.schedule.settings(progress)

    def draw(self, count: int) -> list[str]:
        """Ids of the next questions.

        Raises:
            UsageError: built without items, or more asked for than there are.
        """
        if self.sampler is None:
            raise UsageError("this curriculum was built without items: it cannot draw questions")
        return self.sampler.draw(count)

    def admit(self, outcome: GroupOutcome) -> bool:
        """Whether the group should be trained on."""
        return self.gate.admit(outcome)

    def group_weight(self, outcome: GroupOutcome) -> float:
        """Factor on the group's advantages."""
        return self._weight.weight(outcome)

    def observe(self, outcome: GroupOutcome) -> None:
        """Tell every part of a finished group, once."""
        for part in self._parts().values():
            part.observe(outcome)

    def metrics(self) -> dict[str, float]:
        """Every part's numbers."""
        return {
            name: value for part in self._parts().values() for name, value in part.metrics().items()
        }

    def state_dict(self) -> State:
        """Plain JSON; see `load_state_dict`."""
        return {name: part.state_dict() for name, part in self._parts().items()}

    def load_state_dict(self, state: State) -> None:
        """Continue exactly where `state_dict` was taken.

        Raises:
            UsageError: the state is of a curriculum with other parts or settings.
        """
        parts = self._parts()
        if set(state) != set(parts):
            raise UsageError(
                f"cannot resume: the saved curriculum has parts {sorted(state)}, this one "
                f"{sorted(parts)}"
            )
        for name, part in parts.items():
            part.load_state_dict(state[name])

    def _parts(self) -> dict[str, Part]:
        parts: dict[str, Part] = {
            "schedule": self.schedule,
            "gate": self.gate,
            "group_weight": self._weight,
        }
        return parts if self.sampler is None else {**parts, "sampler": self.sampler}
