"""LOKI's image judgments: every picture asked both ways round, seven categories.

Official rule (arXiv 2410.09732; lm_evaluate/tasks/loki.py of opendatalab/LOKI). Reading: the reply
in lower case, without white space at its ends and without full stops; "yes" or "no" must stand
within its first four characters ("y" and "n" alone count too), else it is neither and wrong.
Figures: a category's accuracy is the mean of its accuracy on generated and on real pictures, both
phrasings together; the total weighs the categories by their number of questions about generated
pictures. A category without real pictures counts with its generated ones alone.

The script asks for a bare yes or no. A reply with sections or JSON is read by its task instead, and
its verdict is what it answers; `accuracy_read` reads plain replies so too, which shows what the
four characters cost.
"""

from dataclasses import dataclass, replace
from pathlib import PurePath

import numpy as np

from groundsight.core.report import Report
from groundsight.core.types import Sample, Verdict
from groundsight.replies.dialect import PIXELS, Dialect
from groundsight.replies.reply import Reply, parse_reply
from groundsight.suites.base import Figure, SampleScore
from groundsight.suites.choice_reading import read_loki
from groundsight.suites.choices import ChoiceSuite
from groundsight.suites.columns import Columns
from groundsight.suites.reading import Said
from groundsight.suites.verdicts import VerdictSuite, forced_verdict

PICTURES = "media_data/image of the hub's bczhou/LOKI"
_START = 4


def read_yes_no(text: str) -> str | None:
    """A reply's "yes" or "no" as LOKI's script reads a reply; None where it is neither."""
    said = text.lower().strip().replace(".", "")
    if len(said) == 1:
        return {"y": "yes", "n": "no"}.get(said)
    start = said[:_START]
    return "yes" if "yes" in start else "no" if "no" in start else None


@dataclass(frozen=True, kw_only=True)
class LokiJudgments(VerdictSuite):
    """Real or generated, asked both ways round."""

    def takes(self, sample: Sample) -> bool:
        """Judgments; pairs and regions are other suites'."""
        return sample.extra.get("answer") in ("Yes", "No")

    def groups(self, sample: Sample) -> dict[str, str]:
        """Category, and which way round the question is put."""
        says_yes = sample.extra["answer"] == "Yes"
        asks_fake = says_yes == (sample.label == 1)
        return {
            "category": str(sample.extra["category"]),
            "asks": "fake" if asks_fake else "real",
        }

    def unit(self, sample: Sample) -> str:
        """The picture."""
        return PurePath(sample.images[0].path).name

    def score(
        self,
        sample: Sample,
        reply: str | None = None,
        report: Report | None = None,
        *,
        dialect: Dialect = PIXELS,
    ) -> SampleScore:
        """Score the answer by LOKI's own reading, and by the task's (`accuracy_read`)."""
        score = super().score(sample, reply, report, dialect=dialect)
        if reply is None or score.unscored is not None or _is_structured(parse_reply(reply)):
            return score
        said = read_yes_no(reply)
        right = float(said == str(sample.extra["answer"]).lower())
        values = {**score.values, "accuracy": right}
        return score.model_copy(update={"values": values, "parsed": said is not None})

    def more_values(self, sample: Sample, said: Said) -> dict[str, float | None]:
        """The task's reading of the same reply."""
        assert sample.label is not None
        return {"accuracy_read": float(forced_verdict(said) is Verdict.from_label(sample.label))}

    def headlines(self, columns: Columns) -> list[Figure]:
        """The weighted total, each category, each way round, and both ways round right."""
        return [
            *weighted_accuracy(columns, "category", "label", "fake"),
            *balanced_by(columns, "category", "label"),
            *columns.by("accuracy", "asks"),
            *columns.all_of_unit("accuracy", 2, as_="accuracy_both_ways"),
            *columns.mean("accuracy_read"),
        ]


@dataclass(frozen=True, kw_only=True)
class LokiPairs(ChoiceSuite):
    """Which of two pictures is generated, or is not."""

    def groups(self, sample: Sample) -> dict[str, str]:
        """Category, and what is asked for."""
        return {"category": str(sample.extra["category"]), "asks": str(sample.extra["asks"])}

    def headlines(self, columns: Columns) -> list[Figure]:
        """As of the judgments, with what is asked for in the place of the label."""
        return [
            *weighted_accuracy(columns, "category", "asks", "fake"),
            *balanced_by(columns, "category", "asks"),
        ]


def weighted_accuracy(columns: Columns, by: str, side: str, heavy: str) -> list[Figure]:
    """LOKI's total: categories weighed by their number of samples on one side.

    Args:
        columns: of the run.
        by: group of the categories.
        side: group of the two sides whose accuracies are averaged.
        heavy: the side that gives the weight; a category without it counts for nothing.
    """
    cells = np.full(columns.num, -1, dtype=np.int64)
    weights: list[float] = []
    for category in columns.names(by):
        inside = columns.members(by, category)
        on_side = columns.members(side, heavy)
        pair = [mask for mask in (inside & on_side, inside & ~on_side) if mask.any()]
        num_heavy = int((inside & on_side).sum())
        for mask in pair:
            cells[mask] = len(weights)
            weights.append(num_heavy / len(pair))
    total = sum(weights)
    if total == 0:
        return []
    figures = columns.weighted_mean("accuracy", cells, [weight / total for weight in weights])
    return [replace(figure, name="loki_accuracy") for figure in figures]


def balanced_by(columns: Columns, by: str, side: str) -> list[Figure]:
    """The mean of both sides' accuracies in each category."""
    return [
        figure
        for category in columns.names(by)
        for figure in columns.mean_over(
            "accuracy",
            side,
            within=columns.members(by, category),
            as_="loki_accuracy",
            of=f"{by}={category}",
        )
    ]


def _is_structured(reply: Reply) -> bool:
    return bool(reply.layout.sections or reply.json_blocks or reply.bare_json is not None)


SUITE = LokiJudgments(
    name="loki",
    title="LOKI image judgment",
    about="real or generated, asked both ways round, seven categories",
    source="loki",
    asks="verdict",
    rule="Yes or no within the first four characters; a category is the mean of its accuracies on "
    "generated and on real pictures; the total weighs categories by questions about generated "
    "ones.",
    headline="loki_accuracy",
    layout="a folder with true_or_false.json, or that file",
    hub="bczhou/LOKI",
    pictures_from=PICTURES,
)
PAIRS = LokiPairs(
    name="loki_pairs",
    title="LOKI image multiple choice",
    about="which of two pictures is generated, or is not",
    source="loki",
    asks="choice",
    rule="The letter as MMMU's script reads it; the total as of the judgments, by what is asked.",
    headline="loki_accuracy",
    layout="a folder with multi_choice.json, or that file",
    hub="bczhou/LOKI",
    pictures_from=PICTURES,
    reader=read_loki,
)
