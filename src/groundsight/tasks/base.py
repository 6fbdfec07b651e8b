"""What a task is: one question put to a model, its gold reply, and what a reply means.

Everything above this floor is task-blind: it renders messages, hands the reply's text back, and
gets one type of answer, whatever the task.
"""

from dataclasses import dataclass
from typing import Any, Protocol

from groundsight.core.report import Problem
from groundsight.core.types import XYXY, ForgeryReasoning, Sample, Verdict
from groundsight.replies.dialect import PIXELS, Dialect

Message = dict[str, Any]
"One chat message in transformers' format: role, and content as a list of typed parts."


@dataclass(frozen=True, kw_only=True)
class AnswerRegion:
    """A box of an answer, in pixels of the original picture.

    Args:
        image_index: which picture of the sample, from 0.
        xyxy_px: x0 < x1, y0 < y1, inside the picture.
        description: its caption, on one line; may be "".
    """

    image_index: int = 0
    xyxy_px: XYXY
    description: str = ""


@dataclass(frozen=True, kw_only=True)
class TaskAnswer:
    """What a reply says, typed; a part that the task does not ask for stays empty.

    Args:
        verdict: None when the reply gives none, or when its verdicts disagree.
        regions: boxes in pixels of the original pictures.
        nothing_found: True when the reply says that there is nothing to find, and gives no box.
        tags: image-level tags.
        reasoning: the five steps of the Forgery Reasoning Prompt.
        think: the reasoning text, None when there is none.
        problems: the model's faults; the parts above are what could be read in spite of them.
    """

    verdict: Verdict | None = None
    regions: tuple[AnswerRegion, ...] = ()
    nothing_found: bool = False
    tags: tuple[str, ...] = ()
    reasoning: ForgeryReasoning | None = None
    think: str | None = None
    problems: tuple[Problem, ...] = ()


class Task(Protocol):
    """One task. Stateless; a row of `tasks.TASKS`."""

    @property
    def name(self) -> str:
        """As in `Sample.task`."""
        ...

    @property
    def rewards(self) -> tuple[str, ...]:
        """Names of the rewards that score its replies, of `rewards.REWARDS`."""
        ...

    def messages(
        self, sample: Sample, dialect: Dialect = PIXELS, *, seed: int = 0
    ) -> list[Message]:
        """The chat: system part first (the same for every sample), pictures, question last.

        Args:
            sample: its pictures and question.
            dialect: of the model that is asked.
            seed: of the phrasing, where a task has several.
        """
        ...

    def gold_answer(self, sample: Sample) -> TaskAnswer:
        """The truth of a sample as an answer.

        Raises:
            UsageError: the sample lacks the truth, or picture sizes that its boxes need.
        """
        ...

    def render(self, answer: TaskAnswer, sample: Sample, dialect: Dialect = PIXELS) -> str:
        """Write an answer as a reply; the inverse of `parse`."""
        ...

    def gold_reply(self, sample: Sample, dialect: Dialect = PIXELS) -> str:
        """The reply that is wholly right: an SFT target, and the ceiling of every reward.

        Raises:
            UsageError: as `gold_answer`.
        """
        ...

    def parse(self, text: str, sample: Sample, dialect: Dialect = PIXELS) -> TaskAnswer:
        """Read a reply. Never raises on the text, whatever it is.

        Args:
            text: the reply, without the prompt.
            sample: what was asked; its pictures have sizes where the task has boxes.
            dialect: of the model that wrote the reply.

        Raises:
            UsageError: the sample lacks picture sizes.
        """
        ...


def text_part(text: str) -> Message:
    """A text part of a message."""
    return {"type": "text", "text": text}
