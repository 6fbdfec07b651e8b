"""What the multiple-choice suites share: the letter by the official reading, accuracy by task."""

from collections.abc import Iterable
from dataclasses import dataclass

from groundsight.core.report import Report
from groundsight.core.types import Sample
from groundsight.replies.dialect import PIXELS, Dialect
from groundsight.suites.base import Figure, SampleScore, Suite
from groundsight.suites.choice_reading import Reader, answer_text, read_by_task
from groundsight.suites.columns import Columns
from groundsight.suites.reading import NO_ANSWER
from groundsight.tasks.multiple_choice import choices_of, right_choice

HIDDEN = "the answer is hidden"
NO_LETTER = "a report has no letter: this suite needs a chat reply"


@dataclass(frozen=True, kw_only=True)
class ChoiceSuite(Suite):
    """Questions with lettered answers.

    Args:
        reader: how the official script finds the letter.
    """

    reader: Reader = read_by_task

    def takes(self, sample: Sample) -> bool:
        """Multiple-choice samples."""
        return sample.task == "multiple_choice"

    def score(
        self,
        sample: Sample,
        reply: str | None = None,
        report: Report | None = None,
        *,
        dialect: Dialect = PIXELS,
    ) -> SampleScore:
        """Score the letter: `accuracy`, and `by_rule` where the official script needs no judge."""
        right = right_choice(sample)
        if right is None:
            return self.unscored(sample, HIDDEN)
        if reply is None:
            return self.unscored(sample, NO_ANSWER if report is None else NO_LETTER)
        read = self.reader(answer_text(reply), choices_of(sample))
        return SampleScore(
            id=sample.id,
            values={"accuracy": float(read.letter == right), "by_rule": float(read.by_rule)},
            groups=self.groups(sample),
            parsed=bool(read.letter),
        )

    def groups(self, sample: Sample) -> dict[str, str]:
        """The task within the benchmark."""
        return {"task": str(sample.extra.get("category") or "unnamed")}

    def ceiling(self, sample: Sample, name: str) -> float | None:
        """1.0; how a letter was read is no mark."""
        return 1.0 if name == "accuracy" else None

    def summary(self, scores: Iterable[SampleScore]) -> list[Figure]:
        """The mean over the tasks, each task, and how replies were read."""
        columns = Columns.of(scores)
        return [
            *self.headlines(columns),
            *columns.mean("accuracy"),
            *columns.parse_rate(),
            *columns.mean("by_rule", as_="read_by_rule"),
            *columns.num_unscored(),
        ]

    def headlines(self, columns: Columns) -> list[Figure]:
        """The suite's own figures, the headline first."""
        return [
            *columns.mean_over("accuracy", "task", as_="mean_accuracy"),
            *columns.by("accuracy", "task"),
        ]
