"""Gates: which finished groups are worth an update."""

import math
from typing import ClassVar, Literal

from pydantic import Field

from groundsight.curricula.base import GroupOutcome, Part, PartClass, PartConfig, State


class Gate(Part):
    """Admits every group and counts; base of the other gates."""

    def __init__(self, config: PartConfig) -> None:
        super().__init__(config)
        self.num_seen = 0
        self.num_dropped = 0

    def admit(self, outcome: GroupOutcome) -> bool:
        """Whether the group should be trained on. Pure: asking does not change the counts."""
        return True

    def observe(self, outcome: GroupOutcome) -> None:
        """Count the group."""
        self.num_seen += 1
        self.num_dropped += not self.admit(outcome)

    def metrics(self) -> dict[str, float]:
        """Share of the groups seen so far that were not admitted, in [0, 1]."""
        return {"gate/dropped_rate": self.num_dropped / self.num_seen} if self.num_seen else {}

    def _state(self) -> State:
        return {"num_seen": self.num_seen, "num_dropped": self.num_dropped}

    def _load(self, state: State) -> None:
        self.num_seen, self.num_dropped = int(state["num_seen"]), int(state["num_dropped"])


class OpenGateConfig(PartConfig):
    """Every group is trained on."""

    type: Literal["open"] = "open"
    part: ClassVar[PartClass] = Gate


class AdvantageGate(Gate):
    """Drops groups whose rewards do not differ: every GRPO advantage in them is 0.

    Source: A_i = (r_i − mean)/std of ThinkFake Eq. 4; dynamic sampling of DAPO (arXiv 2503.14476).
    Here a dropped group is not re-sampled; the trainer draws another question where it can.
    """

    config: "AdvantageGateConfig"

    def admit(self, outcome: GroupOutcome) -> bool:
        """Whether at least two completions were scored and their rewards differ enough."""
        return reward_std(outcome.scored()) > self.config.min_std


class AdvantageGateConfig(PartConfig):
    """Drop groups without a learning signal."""

    type: Literal["advantage"] = "advantage"
    min_std: float = Field(default=1e-6, ge=0)
    "Groups whose reward std (population) is at most this are dropped; covers rounding only."
    part: ClassVar[PartClass] = AdvantageGate


def reward_std(rewards: list[float]) -> float:
    """Population standard deviation; 0.0 for fewer than two values."""
    if len(rewards) < 2:
        return 0.0
    mean = math.fsum(rewards) / len(rewards)
    return math.sqrt(math.fsum((reward - mean) ** 2 for reward in rewards) / len(rewards))
