"""Samplers: which questions come next. The plain one: epochs in a seeded random order."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from groundsight.core.errors import UsageError
from groundsight.core.seeds import make_rng
from groundsight.curricula.base import Part, PartClass, PartConfig, State


class Sampler(Part):
    """Base of samplers.

    Args:
        config: the settings.
        items: sample id → pass rate in [0, 1] recorded by rejection sampling, None where unknown.

    Raises:
        UsageError: no items, or a pass rate outside [0, 1].
    """

    def __init__(self, config: PartConfig, items: Mapping[str, float | None]) -> None:
        super().__init__(config)
        if not items:
            raise UsageError("a sampler needs at least one sample; the data set is empty")
        for name, rate in items.items():
            if rate is not None and not 0.0 <= rate <= 1.0:
                raise UsageError(f"pass rate of sample {name!r} must be in [0, 1], got {rate}")
        # Sorted, so that the order in which a file lists them does not change the run.
        self.ids = sorted(items)

    def draw(self, count: int) -> list[str]:
        """The ids of the next `count` questions."""
        raise NotImplementedError


class Shuffle(Sampler):
    """Every question once an epoch, in an order that the seed and the epoch fix."""

    config: "ShuffleConfig"

    def __init__(self, config: PartConfig, items: Mapping[str, float | None]) -> None:
        super().__init__(config, items)
        self.num_drawn = 0

    def draw(self, count: int) -> list[str]:
        """The next ids; an epoch's end is crossed without a gap."""
        drawn: list[str] = []
        while len(drawn) < count:
            epoch, offset = divmod(self.num_drawn, len(self.ids))
            order = make_rng(self.config.seed, "shuffle", epoch).permutation(len(self.ids))
            chosen = order[offset : offset + count - len(drawn)]
            drawn += [self.ids[i] for i in chosen]
            self.num_drawn += len(chosen)
        return drawn

    def metrics(self) -> dict[str, float]:
        """Epochs drawn."""
        return {"sampler/epoch": self.num_drawn / len(self.ids)}

    def _state(self) -> State:
        return {"num_drawn": self.num_drawn}

    def _load(self, state: State) -> None:
        self.num_drawn = int(state["num_drawn"])


class ShuffleConfig(PartConfig):
    """Uniform, without replacement."""

    type: Literal["shuffle"] = "shuffle"
    seed: int = 0
    "Of the orders."
    part: ClassVar[PartClass] = Shuffle
