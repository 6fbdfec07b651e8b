"""The difficulty pool: draw the questions that are neither always right nor always wrong."""

from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from groundsight.core.errors import UsageError
from groundsight.core.seeds import make_rng
from groundsight.curricula.base import GroupOutcome, PartClass, PartConfig, State
from groundsight.curricula.shuffle import Sampler


class DifficultyPool(Sampler):
    """Questions drawn by their pass rate, which is followed while training.

    A question is "easy" at or above `max_rate`, "hard" at or below `min_rate`, else "useful"; one
    without any record is "new" and treated as useful. Useful ones are drawn with weight 1, easy and
    hard ones with `revisit` (so that a question that changed can come back), without replacement
    within a draw.

    Source: step 3 of Multi-image grounding RL (arXiv 2507.00748): keep the questions that are
    neither always right nor always wrong. There it is done once, before training; here the pass
    rates go on moving with every finished group.
    """

    config: "DifficultyPoolConfig"

    def __init__(self, config: PartConfig, items: Mapping[str, float | None]) -> None:
        super().__init__(config, items)
        self._index = {name: i for i, name in enumerate(self.ids)}
        # NaN: no record yet.
        self._rate: npt.NDArray[np.float64] = np.array(
            [np.nan if items[name] is None else items[name] for name in self.ids], dtype=np.float64
        )
        self._num_draws = 0

    def draw(self, count: int) -> list[str]:
        """`count` different ids, weighted by difficulty.

        Raises:
            UsageError: more are asked for than can be drawn.
        """
        weights = np.where(self._useful(), 1.0, self.config.revisit)
        if count > np.count_nonzero(weights):
            raise UsageError(
                f"{count} questions asked for, but only {np.count_nonzero(weights)} can be drawn: "
                "widen min_rate/max_rate, set revisit above 0, or add data"
            )
        rng = make_rng(self.config.seed, "difficulty_pool", self._num_draws)
        self._num_draws += 1
        # Gumbel top-k: the same law as drawing one by one without replacement, in one pass.
        with np.errstate(divide="ignore"):
            keys = np.log(weights) + rng.gumbel(size=len(weights))
        chosen = np.argsort(-keys, kind="stable")[:count]
        return [self.ids[i] for i in chosen]

    def observe(self, outcome: GroupOutcome) -> None:
        """Move the question's pass rate towards what its group showed.

        Raises:
            UsageError: a sample that is not in the pool, or a reward that the rubric lacks.
        """
        if outcome.sample_id not in self._index:
            raise UsageError(f"sample {outcome.sample_id!r} is not in the difficulty pool")
        scored = outcome.scored(self.config.reward)
        if not scored:
            return
        rate = sum(value >= self.config.pass_at for value in scored) / len(scored)
        i = self._index[outcome.sample_id]
        old = self._rate[i]
        self._rate[i] = rate if np.isnan(old) else old + self.config.momentum * (rate - old)

    def pass_rate(self, sample_id: str) -> float | None:
        """The current estimate in [0, 1]; None without a record."""
        rate = float(self._rate[self._index[sample_id]])
        return None if np.isnan(rate) else rate

    def metrics(self) -> dict[str, float]:
        """Shares of the pool: new, easy, hard, useful; they sum to 1."""
        known = self._rate[~np.isnan(self._rate)]
        easy = int(np.count_nonzero(known >= self.config.max_rate))
        hard = int(np.count_nonzero(known <= self.config.min_rate))
        counts: dict[str, int] = {
            "new": len(self.ids) - len(known),
            "easy": easy,
            "hard": hard,
            "useful": len(known) - easy - hard,
        }
        return {f"pool/{name}_rate": count / len(self.ids) for name, count in counts.items()}

    def _useful(self) -> npt.NDArray[np.bool_]:
        inside = (self._rate > self.config.min_rate) & (self._rate < self.config.max_rate)
        useful: npt.NDArray[np.bool_] = inside | np.isnan(self._rate)
        return useful

    def _state(self) -> State:
        rates = [None if np.isnan(rate) else float(rate) for rate in self._rate]
        return {"num_draws": self._num_draws, "ids": self.ids, "rates": rates}

    def _load(self, state: State) -> None:
        if state["ids"] != self.ids:
            raise UsageError("cannot resume: the saved difficulty pool holds other samples")
        self._num_draws = int(state["num_draws"])
        self._rate = np.array(
            [np.nan if rate is None else rate for rate in state["rates"]], dtype=np.float64
        )


class DifficultyPoolConfig(PartConfig):
    """Draw by pass rate."""

    type: Literal["difficulty_pool"] = "difficulty_pool"
    seed: int = 0
    "Of the draws."
    reward: str | None = None
    "Name of the reward part that says what passed; None: the total."
    pass_at: float = 1.0
    "A completion passes when that value is at least this."
    min_rate: float = Field(default=0.0, ge=0, le=1)
    "At or below: hard. 0 keeps all but the never right."
    max_rate: float = Field(default=1.0, ge=0, le=1)
    "At or above: easy. 1 keeps all but the always right."
    revisit: float = Field(default=0.05, ge=0, le=1)
    "Weight of easy and hard questions against 1 for useful ones; 0 never draws them again."
    momentum: float = Field(default=0.5, gt=0, le=1)
    "How far one group moves the pass rate; 1 forgets everything before."
    part: ClassVar[PartClass] = DifficultyPool

    @model_validator(mode="after")
    def _band_is_open(self) -> "DifficultyPoolConfig":
        if self.min_rate >= self.max_rate:
            raise ValueError(f"min_rate {self.min_rate} must be below max_rate {self.max_rate}")
        return self
