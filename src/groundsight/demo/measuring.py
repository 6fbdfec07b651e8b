"""What a model's replies are worth: the figures of its bench run, and GRPO's own rewards.

    judged = judge(lines, samples, rubric=final_rubric(recipe))
    figures(judged)["accuracy"]      # value, low, high

- `accuracy`: the right verdict; across pictures, IoU of at least 0.5 with the true box in the right
  picture, or nothing found where there is nothing. What cannot be read is wrong.
- `iou`: of the areas that the answered and the true boxes cover, over questions with a region.
- `parse_rate`: replies that earn the rubric's whole format reward.
- `reward`: the rubric's total, with the weights that the training ends with.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from groundsight.bench.records import ScoreLine
from groundsight.core.errors import UsageError
from groundsight.core.types import Sample
from groundsight.curricula.curriculum import Curriculum
from groundsight.metrics.intervals import Interval, bootstrap_mean
from groundsight.replies.reply import parse_reply
from groundsight.rewards.base import Attempt, Question
from groundsight.rewards.rubric import Rubric
from groundsight.train.recipe import GrpoRecipe

METRICS = ("accuracy", "iou", "parse_rate", "reward")


class JudgedReply(NamedTuple):
    """What one reply is worth; None where there is nothing to compare with."""

    accuracy: float
    iou: float | None
    parse_rate: float
    reward: float


def final_rubric(recipe: GrpoRecipe) -> Rubric:
    """The recipe's rubric with the weights that its training ends with."""
    last = Curriculum.build(recipe.curriculum).schedule.points()[-1]
    return Rubric(recipe.rubric).with_settings(last.settings)


def judge(
    lines: Iterable[ScoreLine], samples: Mapping[str, Sample], *, rubric: Rubric
) -> list[JudgedReply]:
    """Judge the lines of a bench run.

    Args:
        lines: of `scores.jsonl`, with what the model wrote.
        samples: by id, with the sizes of their pictures.
        rubric: what replies earn; its dialect is the model's.

    Raises:
        UsageError: a line of a sample that is not there.
    """
    return [_judge(line, _sample_of(line, samples), rubric) for line in lines]


def figures(judged: Sequence[JudgedReply]) -> dict[str, Interval]:
    """Means with their 95% intervals; a metric that no reply has is left out."""
    columns = {name: [getattr(one, name) for one in judged] for name in METRICS}
    known = {name: [v for v in values if v is not None] for name, values in columns.items()}
    return {name: bootstrap_mean(np.array(values)) for name, values in known.items() if values}


def _judge(line: ScoreLine, sample: Sample, rubric: Rubric) -> JudgedReply:
    values = line.score.values
    right = values.get("accuracy", values.get("acc@0.5")) or 0.0
    earned = rubric.score(
        Attempt(parse_reply(line.raw or ""), Question(sample, rubric.config.dialect))
    )
    return JudgedReply(
        accuracy=right if line.score.parsed else 0.0,
        iou=(values.get("iou") or 0.0) if sample.regions else None,
        parse_rate=float(_is_readable(rubric, earned.parts)),
        reward=earned.total or 0.0,
    )


def _is_readable(rubric: Rubric, parts: Mapping[str, float | None]) -> bool:
    """Whether every format part of the rubric gives all that it has."""
    formats = [entry for entry in rubric.config.rewards if entry.reward.measures == "format"]
    return all(parts[entry.name] == entry.reward.bounds.high for entry in formats)


def _sample_of(line: ScoreLine, samples: Mapping[str, Sample]) -> Sample:
    try:
        return samples[line.score.id]
    except KeyError:
        raise UsageError(f"{line.score.id} is not among the held-out questions") from None
