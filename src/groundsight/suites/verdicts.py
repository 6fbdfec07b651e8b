"""What every suite of real-or-generated judgements shares: reading, scoring, figures.

The benchmarks know two answers. An INCONCLUSIVE with a `p_fake` is therefore decided at 0.5 for
`accuracy`; `decided` says how often the engine itself decided, `accuracy_decided` how often it was
right then. A reply that gives no verdict is wrong, as in the official scripts, and counts in
`parse_rate`.
"""

from collections.abc import Iterable
from functools import partial

import numpy as np

from groundsight.core.report import Report
from groundsight.core.types import Sample, Verdict
from groundsight.metrics.classification import (
    DECIDED_AT,
    average_precision,
    expected_calibration_error,
    roc_auc,
    true_positive_rate_at,
)
from groundsight.metrics.intervals import Measure, bootstrap_interval
from groundsight.replies.dialect import PIXELS, Dialect
from groundsight.suites.base import Figure, Interval, SampleScore, Suite
from groundsight.suites.columns import Columns
from groundsight.suites.reading import Said, read

FALSE_ALARMS = 0.05
NO_LABEL = "no label"
# Calibration error is left without an interval: resampling makes gaps of its own and shifts it up.
_RANKING: dict[str, Measure] = {
    "auc": roc_auc,
    "ap": average_precision,
    f"tpr@fpr={FALSE_ALARMS:g}": partial(
        true_positive_rate_at, max_false_positive_rate=FALSE_ALARMS
    ),
}
LABELS = {0: "real", 1: "fake"}


class VerdictSuite(Suite):
    """Pictures with a label; scored by the verdict."""

    def score(
        self,
        sample: Sample,
        reply: str | None = None,
        report: Report | None = None,
        *,
        dialect: Dialect = PIXELS,
    ) -> SampleScore:
        """Score a verdict against the label: `accuracy`, `decided`, `accuracy_decided`."""
        if sample.label is None:
            return self.unscored(sample, NO_LABEL)
        said = read(sample, reply, report, dialect, needs_sizes=self.needs_sizes)
        if isinstance(said, str):
            return self.unscored(sample, said)
        return SampleScore(
            id=sample.id,
            values={**verdict_values(sample, said), **self.more_values(sample, said)},
            groups={"label": LABELS[sample.label], **self.groups(sample)},
            label=sample.label,
            p_fake=said.p_fake,
            verdict=said.answer.verdict,
            parsed=said.answer.verdict is not None,
            unit=self.unit(sample),
        )

    @property
    def needs_sizes(self) -> bool:
        """Whether boxes are compared."""
        return False

    def more_values(self, sample: Sample, said: Said) -> dict[str, float | None]:
        """What the suite measures beside the verdict."""
        return {}

    def unit(self, sample: Sample) -> str | None:
        """What several samples share; None where each stands alone."""
        return None

    def summary(self, scores: Iterable[SampleScore]) -> list[Figure]:
        """The suite's own figures, then what every verdict suite has."""
        columns = Columns.of(scores)
        if columns.num == 0:
            return columns.num_unscored()
        return [*self.headlines(columns), *verdict_figures(columns), *columns.num_unscored()]

    def headlines(self, columns: Columns) -> list[Figure]:
        """The suite's own figures, the headline first."""
        return columns.mean("accuracy")


def forced_verdict(said: Said) -> Verdict | None:
    """The verdict, or which side of 0.5 an undecided `p_fake` lies on; None without either."""
    if said.answer.verdict in (Verdict.REAL, Verdict.AI_GENERATED):
        return said.answer.verdict
    if said.p_fake is None:
        return None
    return Verdict.AI_GENERATED if said.p_fake > DECIDED_AT else Verdict.REAL


def verdict_values(sample: Sample, said: Said) -> dict[str, float | None]:
    """`accuracy`, `decided` and `accuracy_decided` of one sample with a label."""
    assert sample.label is not None
    truth = Verdict.from_label(sample.label)
    decided = said.answer.verdict in (Verdict.REAL, Verdict.AI_GENERATED)
    right = float(forced_verdict(said) is truth)
    return {
        "accuracy": right,
        "decided": float(decided),
        "accuracy_decided": right if decided else None,
    }


def verdict_figures(columns: Columns) -> list[Figure]:
    """By class, balanced, how often decided and read, and what `p_fake` is worth."""
    figures = [*columns.by("accuracy", "label")]
    if len(columns.names("label")) == 2:
        figures.extend(columns.mean_over("accuracy", "label", as_="balanced_accuracy"))
    return [
        *figures,
        *columns.mean("accuracy_decided"),
        *columns.mean("decided"),
        *columns.parse_rate(),
        *ranking_figures(columns),
    ]


def ranking_figures(columns: Columns) -> list[Figure]:
    """AUC, average precision, TPR at 5% false alarms, ECE; none unless both classes have p_fake.

    A picture that is asked about twice counts once, with the mean of its p_fake.
    """
    known = ~np.isnan(columns.p_fake) & (columns.label >= 0)
    _, first, unit_of = np.unique(columns.units[known], return_index=True, return_inverse=True)
    labels = columns.label[known][first]
    if len(np.unique(labels)) < 2:
        return []
    p_fake = np.bincount(unit_of, columns.p_fake[known]) / np.bincount(unit_of)
    num = len(labels)
    figures = []
    for name, measure in _RANKING.items():
        found = bootstrap_interval(measure, labels, p_fake)
        interval = Interval(found.low, found.high)
        figures.append(Figure(name=name, value=found.value, num=num, interval=interval))
    ece = expected_calibration_error(labels, p_fake)
    return [*figures, Figure(name="ece", value=ece, num=num)]
