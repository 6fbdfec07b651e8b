"""The nouns of scoring: a question with its truth, one attempt at it, and a reward.

    question = Question(sample, Dialect.of("qwen2_5_vl"))
    attempt = Attempt(parse_reply(text), question)
    RelaxedIoU(eta=1.1).score(attempt)     # in [0, 1], or None where the sample has no regions

A reward is a frozen value: its parameters are fields, its `score` is pure. A reply is read and its
boxes are placed once an attempt, however many rewards look at them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import ClassVar, Literal, NamedTuple

from groundsight.core.config import Config
from groundsight.core.types import Sample
from groundsight.replies.dialect import PIXELS, Dialect
from groundsight.replies.place import AnswerRegion
from groundsight.replies.reply import Reply
from groundsight.tasks import TASKS
from groundsight.tasks.base import TaskAnswer, picture_sizes
from groundsight.vision.boxes import Boxes
from groundsight.vision.frames import PictureSize

Measures = Literal["format", "verdict", "region", "other"]


class Bounds(NamedTuple):
    """The range of a score, both ends included."""

    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Question:
    """A sample and the model's way of writing boxes; its truth is worked out once for a group.

    Args:
        sample: what was asked, with the truth.
        dialect: of the model that answers.
    """

    sample: Sample
    dialect: Dialect = PIXELS

    @cached_property
    def gold(self) -> TaskAnswer:
        """The right answer.

        Raises:
            UsageError: the sample lacks the truth or picture sizes.
        """
        return TASKS[self.sample.task].gold_answer(self.sample)

    @cached_property
    def true_boxes(self) -> Boxes:
        """The true boxes of all pictures, in pixels on the strip (see `on_strip`).

        Raises:
            UsageError: as `gold`.
        """
        return self.on_strip(self.gold.regions)

    def on_strip(self, regions: Iterable[AnswerRegion]) -> Boxes:
        """Boxes of several pictures in one frame: the pictures stand side by side, apart.

        Boxes of different pictures can then never overlap, so that every IoU is 0 for the wrong
        picture without a further rule.
        """
        return Boxes.px([_shifted(region, self._offsets) for region in regions])

    @cached_property
    def sizes(self) -> list[PictureSize]:
        """Of the pictures, in order.

        Raises:
            UsageError: the sample lacks one.
        """
        return picture_sizes(self.sample)

    @cached_property
    def _offsets(self) -> tuple[float, ...]:
        return tuple(accumulate((size.width + 1.0 for size in self.sizes), initial=0.0))


def _shifted(region: AnswerRegion, offsets: tuple[float, ...]) -> tuple[float, ...]:
    x0, y0, x1, y1 = region.xyxy_px
    left = offsets[region.image_index]
    return (x0 + left, y0, x1 + left, y1)


@dataclass(frozen=True, eq=False)
class Attempt:
    """One reply to one question; what several rewards need is worked out once.

    Args:
        reply: as `parse_reply` gives it.
        question: what was asked.
    """

    reply: Reply
    question: Question

    @property
    def sample(self) -> Sample:
        """The sample that was asked about."""
        return self.question.sample

    @cached_property
    def answer(self) -> TaskAnswer:
        """The reply as the sample's task reads it, boxes in pixels of the original pictures.

        Raises:
            UsageError: the sample lacks picture sizes, even where the reply has no box: whether a
                reply can be scored must not depend on what it says.
        """
        _ = self.question.sizes
        task = TASKS[self.sample.task]
        return task.parse(self.reply, self.sample, self.question.dialect)

    @cached_property
    def boxes(self) -> Boxes:
        """The answered boxes, in pixels on the strip; the same box said twice counts once.

        Raises:
            UsageError: as `answer`.
        """
        return self.question.on_strip(self.regions)

    @cached_property
    def regions(self) -> tuple[AnswerRegion, ...]:
        """The answered regions; of those with the same box in the same picture only the first."""
        first: dict[tuple[object, ...], AnswerRegion] = {}
        for region in self.answer.regions:
            first.setdefault((region.image_index, region.xyxy_px), region)
        return tuple(first.values())


class Reward(Config):
    """One named, pure, ranged score. Subclass it, give it a `type`, add a row to `REWARDS`."""

    source: ClassVar[str]
    "Paper and equation, or [choice]."
    measures: ClassVar[Measures] = "other"
    "What a low score says is wrong; warnings are worded by it."
    extra: ClassVar[bool] = False
    "True: beyond the papers, in no shipped recipe."

    @property
    def bounds(self) -> Bounds:
        """The range of `score`."""
        return Bounds(0.0, 1.0)

    def score(self, attempt: Attempt) -> float | None:
        """Score one attempt.

        Returns:
            Within `bounds`; None when the sample lacks what this reward compares with. Whether it
            is None depends on the sample, never on the reply.

        Raises:
            UsageError: the sample lacks what reading it needs; a rubric takes that as None too,
                and keeps the reason.
        """
        raise NotImplementedError
