"""Rubrics as reward functions of other trainers: TRL, verl and ms-swift.

    # TRL
    functions, weights = trl_rewards(rubric)
    GRPOTrainer(reward_funcs=functions, args=GRPOConfig(reward_weights=weights, …), …)

    # verl: custom_reward_function.path = groundsight/rewards/verl_reward.py, name = compute_score,
    #       reward_kwargs.recipe = recipes/thinkfake_r1.toml

    # ms-swift, in a file given with --external_plugins
    from swift.rewards import orms
    orms["thinkfake"] = swift_orm("recipes/thinkfake_r1.toml")

Signatures: TRL 1.16 (the tests train with it); verl and ms-swift as on their main branches in 2026
(the tests call as they call, without installing them).
"""

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from groundsight.core.errors import UsageError
from groundsight.replies.reply import parse_reply
from groundsight.rewards.base import Attempt
from groundsight.rewards.batches import BatchReader
from groundsight.rewards.rubric import Entry, Rubric, load_rubric


class TrlReward(Protocol):
    """What TRL's GRPOTrainer calls for each batch."""

    __name__: str

    def __call__(
        self, prompts: Sequence[Any], completions: Sequence[Any], **columns: Any
    ) -> list[float | None]:
        """One score a completion; None where it could not be scored."""
        ...


def trl_rewards(rubric: Rubric) -> tuple[list[TrlReward], list[float]]:
    """One function a part, and the weights for `GRPOConfig.reward_weights`.

    TRL then logs every part by its name. The functions share their reading of each batch.
    """
    reader = BatchReader(rubric.config.task, rubric.config.dialect)
    entries = rubric.config.rewards
    functions = [_trl_function(entry.name, _part_scorer(entry), reader) for entry in entries]
    return functions, [entry.weight for entry in entries]


def trl_total(rubric: Rubric, name: str = "rubric") -> TrlReward:
    """One function that gives the rubric's total."""
    reader = BatchReader(rubric.config.task, rubric.config.dialect)
    return _trl_function(name, lambda attempt: rubric.score(attempt).total, reader)


def swift_orm(recipe: str | Path) -> type:
    """A class for ms-swift's table `orms`, which makes one object a run and calls it.

    Args:
        recipe: a TOML file with a `[rubric]` section.

    Raises:
        ConfigError: the recipe does not fit.
    """
    function = trl_total(load_rubric(Path(recipe)), Path(recipe).stem)

    class GroundsightReward:
        """Total of a groundsight rubric."""

        def __init__(self, args: Any = None, **_: Any) -> None:
            self.args = args

        def __call__(self, completions: Sequence[Any], **columns: Any) -> list[float | None]:
            columns.pop("prompts", None)
            return function(prompts=(), completions=completions, **columns)

    GroundsightReward.__name__ = function.__name__
    return GroundsightReward


def verl_score(rubric: Rubric, solution_str: str, sample: Any) -> dict[str, float]:
    """Verl's score of one reply: `score` is the total, the other keys are logged.

    Args:
        rubric: what to score with.
        solution_str: the reply.
        sample: a Sample, its JSON or its dict.

    Raises:
        UsageError: the sample makes no sense, or the reply could not be scored: verl has no way to
            leave a reply out, and 0 would be a lie.
    """
    reader = BatchReader(rubric.config.task, rubric.config.dialect)
    question = reader.question({"sample": [sample]}, 0)
    score = rubric.score(Attempt(parse_reply(solution_str), question))
    if score.total is None:
        why = "; ".join(score.reasons.values()) or "the sample lacks the truth that it needs"
        raise UsageError(f"sample {question.sample.id!r} cannot be scored: {why}")
    parts = {name: part for name, part in score.parts.items() if part is not None}
    return {**parts, "score": score.total}


def _part_scorer(entry: Entry) -> Callable[[Attempt], float | None]:
    """A part alone, with its reason said once where the sample cannot be read."""
    told = False

    def score(attempt: Attempt) -> float | None:
        nonlocal told
        try:
            return entry.reward.score(attempt)
        except UsageError as error:
            if not told:
                told = True
                warnings.warn(f"reward {entry.name} is not scored: {error}", stacklevel=2)
            return None

    return score


def _trl_function(
    name: str, scorer: Callable[[Attempt], float | None], reader: BatchReader
) -> TrlReward:
    def reward(
        prompts: Sequence[Any], completions: Sequence[Any], **columns: Any
    ) -> list[float | None]:
        return [scorer(attempt) for attempt in reader.attempts(completions, columns)]

    reward.__name__ = reward.__qualname__ = name
    return reward
