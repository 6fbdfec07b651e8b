"""Whether a sample's own truth, written as a reply, earns full marks: the check of a data set.

    said = check_gold(sample)
    said.state, said.reason     # "full", "" | "short", "relaxed_iou gives 0.31" | "no_truth", ""

What is less than full marks is broken: the row, or what scores it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from groundsight.core.errors import UsageError
from groundsight.core.types import Sample
from groundsight.replies.dialect import Dialect
from groundsight.replies.place import AnswerRegion
from groundsight.replies.render import UNIT_STEPS
from groundsight.replies.reply import parse_reply
from groundsight.rewards import REWARDS
from groundsight.rewards.base import Attempt, Question
from groundsight.tasks import TASKS
from groundsight.vision.boxes import UNIT
from groundsight.vision.frames import PictureSize

# Fractions are the finest numbers that a reply can hold.
_DIALECT = Dialect(frame=UNIT)
# Questions with several boxes or none are scored by rewards that the paper's recipe does not need.
_MORE = {"multi_image_grounding": ("matched_iou", "negatives")}
# Its best is exp(−entropy of the experts), which is less than 1 for every expert with a doubt.
_NO_FULL_MARKS = ("agentic",)
_ROUNDING = 1e-9


@dataclass(frozen=True)
class GoldCheck:
    """What a sample's gold reply earned.

    Args:
        state: `full` marks; `short` of them, or no gold reply could be written; `no_truth`: the
            sample has no label, regions or answer to check, e.g. one of a hidden test set.
        reason: what is short.
    """

    state: Literal["full", "short", "no_truth"]
    reason: str = ""


def check_gold(sample: Sample) -> GoldCheck:
    """Score a sample's gold reply by the rewards of its task.

    Args:
        sample: with the sizes of its pictures where it has regions.
    """
    if not has_truth(sample):
        return GoldCheck("no_truth")
    try:
        task = TASKS[sample.task]
        question = Question(sample, _DIALECT)
        attempt = Attempt(parse_reply(task.gold_reply(sample, _DIALECT)), question)
        lost = _lost(attempt, (*task.rewards, *_MORE.get(sample.task, ())))
    except UsageError as error:
        return GoldCheck("short", str(error))
    return GoldCheck("short", lost) if lost else GoldCheck("full")


def has_truth(sample: Sample) -> bool:
    """Whether a sample says what is right; a grounding question always does."""
    if sample.task == "multiple_choice":
        return sample.extra.get("answer") is not None
    return sample.task == "multi_image_grounding" or sample.label is not None


def _lost(attempt: Attempt, names: tuple[str, ...]) -> str:
    for name in (name for name in names if name not in _NO_FULL_MARKS):
        reward = REWARDS[name]()
        slack = _slack(attempt) if reward.measures == "region" else _ROUNDING
        score = reward.score(attempt)
        if score is not None and score < reward.bounds.high - slack:
            return f"{name} gives {score:.3g} of {reward.bounds.high:g}"
    return ""


def _slack(attempt: Attempt) -> float:
    if not attempt.sample.regions:
        return _ROUNDING
    question = attempt.question
    return rounding_slack(question.gold.regions, question.sizes, _DIALECT) + _ROUNDING


def rounding_slack(
    regions: Iterable[AnswerRegion], sizes: Sequence[PictureSize], dialect: Dialect
) -> float:
    """How much IoU the rounding of written numbers may cost the thinnest of some boxes.

    Args:
        regions: the boxes.
        sizes: of the pictures, in order.
        dialect: in which they are written.
    """
    kept = 1.0
    for region in regions:
        size = sizes[region.image_index]
        right, bottom = (1.0 / _step(extent, dialect) for extent in dialect.extent(size))
        x0, y0, x1, y1 = region.xyxy_px
        w, h = (x1 - x0) / size.width, (y1 - y0) / size.height
        inner = max(0.0, w - right) * max(0.0, h - bottom)
        kept = min(kept, inner / ((w + right) * (h + bottom)))
    return 1.0 - kept


def _step(extent: float, dialect: Dialect) -> float:
    """How many written numbers lie along a side."""
    return UNIT_STEPS if dialect.frame == UNIT else extent
