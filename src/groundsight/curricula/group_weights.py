"""Group weights: how much one group counts in the update."""

import math
from typing import ClassVar, Literal

from pydantic import Field

from groundsight.curricula.base import GroupOutcome, Part, PartClass, PartConfig, State


class GroupWeight(Part):
    """Every group counts the same; base of the other weights."""

    def weight(self, outcome: GroupOutcome) -> float:
        """Factor on the group's advantages, positive. Pure."""
        return 1.0


class EqualWeightConfig(PartConfig):
    """GRPO as it is: no factor."""

    type: Literal["equal"] = "equal"
    part: ClassVar[PartClass] = GroupWeight


class DifficultyWeight(GroupWeight):
    """φ(mIoU): hard questions count more, against GRPO's bias to the easy ones late in training.

    exp: e^(1 − m), in [1, e]; power: (1.05 − m)^k; log: −ln(0.02 + m). m is the group's mean of
    one reward part, clipped to [0, 1].

    Source: UniVG-R1 (arXiv 2505.14231), "difficulty-aware weight adjustment": φ ∝ −mIoU inside the
    objective; the three shapes and constants are those of its published trainer, whose run script
    uses exp. There m is the mean over a device's batch (one group); here over the group. log falls
    below 0 for m > 0.98; here it stops at 0.
    """

    config: "DifficultyWeightConfig"

    def __init__(self, config: PartConfig) -> None:
        super().__init__(config)
        self.num_seen = 0
        self.sum_of_weights = 0.0

    def weight(self, outcome: GroupOutcome) -> float:
        """φ of the group; 1.0 where no completion was scored on the part."""
        scored = outcome.scored(self.config.reward)
        if not scored:
            return 1.0
        mean = min(1.0, max(0.0, math.fsum(scored) / len(scored)))
        if self.config.shape == "exp":
            return math.exp(1.0 - mean)
        if self.config.shape == "power":
            return float((1.05 - mean) ** self.config.power)
        return max(0.0, -math.log(0.02 + mean))

    def observe(self, outcome: GroupOutcome) -> None:
        """Keep the running mean of the weights."""
        self.num_seen += 1
        self.sum_of_weights += self.weight(outcome)

    def metrics(self) -> dict[str, float]:
        """Mean factor so far: how much the loss scale moved against plain GRPO."""
        if not self.num_seen:
            return {}
        return {"group_weight/mean": self.sum_of_weights / self.num_seen}

    def _state(self) -> State:
        return {"num_seen": self.num_seen, "sum_of_weights": self.sum_of_weights}

    def _load(self, state: State) -> None:
        self.num_seen = int(state["num_seen"])
        self.sum_of_weights = float(state["sum_of_weights"])


class DifficultyWeightConfig(PartConfig):
    """UniVG-R1's factor by difficulty."""

    type: Literal["difficulty"] = "difficulty"
    reward: str
    "Name of the reward part that measures difficulty, e.g. grounding_iou; its range is 0 to 1."
    shape: Literal["exp", "power", "log"] = "exp"
    "Of φ: exp is what UniVG-R1 ran."
    power: float = Field(default=1.0, gt=0)
    "k of (1.05 − m)^k; only for shape power."
    part: ClassVar[PartClass] = DifficultyWeight
