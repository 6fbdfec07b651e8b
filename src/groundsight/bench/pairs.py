"""Two runs on the samples that both have scored: who is better, and could it be luck?

pairs = pair_up(Path("a"), Path("b"), "none")
compared = compare_values(pairs)
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from groundsight.bench.records import read_scores
from groundsight.core.types import Value
from groundsight.metrics.classification import roc_auc
from groundsight.metrics.intervals import paired_bootstrap_difference
from groundsight.metrics.paired import mcnemar, paired_mean_difference
from groundsight.suites.base import SampleScore

FEW = 100
"Shared samples under which intervals are too wide for most differences between detectors."
FEW_RATE = 0.5
"Of the smaller run: under this the shared samples are not what either run measured."

_NO_MARKS = frozenset({"decided", "false_regions"})
"Values that may all be 0 or 1, and are neither right nor wrong."


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """The scores of both runs on the same samples, in the same order.

    Args:
        perturbation: under which.
        first: of the first run.
        second: of the second.
        num_only_first: scored by the first alone.
        num_only_second: scored by the second alone.
        num_changed: of one id, but with another question, truth or picture; not paired.
    """

    perturbation: str
    first: list[SampleScore] = field(default_factory=list)
    second: list[SampleScore] = field(default_factory=list)
    num_only_first: int
    num_only_second: int
    num_changed: int

    @property
    def num(self) -> int:
        """Shared samples."""
        return len(self.first)

    @property
    def too_few(self) -> str | None:
        """Why the comparison says little; None where it does not."""
        smaller = self.num + self.num_changed + min(self.num_only_first, self.num_only_second)
        if self.num == 0:
            return "they share no samples"
        if self.num < FEW:
            return f"they share only {self.num} samples, too few to tell detectors apart"
        if self.num < FEW_RATE * smaller:
            return f"they share only {self.num} of the {smaller} samples of the smaller run"
        return None


class ValueDifference(Value):
    """One value of the scores, as means over the samples where both have it."""

    name: str
    num: int
    first: float
    second: float
    difference: float
    "The second less the first."
    low: float
    "Of the difference, 95% interval by the paired bootstrap over samples (or what they share)."
    high: float
    num_only_first: int | None = None
    "Right in the first run alone; None where the value is no right or wrong."
    num_only_second: int | None = None
    p_value: float | None = None
    "McNemar's exact test; None where it does not apply, e.g. several questions about a picture."

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0

    @property
    def says(self) -> str:
        """What to make of it, a word or two; "" where both are the same throughout."""
        if not (self.difference or self.low or self.high):
            return ""
        return "clear" if self.is_clear else "could be luck"


def pair_up(first: Path, second: Path, perturbation: str) -> Pairs:
    """The samples that both runs have scored under a perturbation.

    Args:
        first: folder of a run.
        second: folder of another.
        perturbation: of both.

    Raises:
        UsageError: a folder that cannot be read.
    """
    held = {
        line.score.id: (line.sample_sha256, line.pictures_sha256, line.score)
        for line in read_scores(first, perturbation)
        if line.score.unscored is None
    }
    ones: list[SampleScore] = []
    others: list[SampleScore] = []
    num_changed = num_only_second = 0
    for line in read_scores(second, perturbation):
        if line.score.unscored is not None:
            continue
        known = held.pop(line.score.id, None)
        if known is None:
            num_only_second += 1
        elif known[:2] != (line.sample_sha256, line.pictures_sha256):
            num_changed += 1
        else:
            ones.append(known[2])
            others.append(line.score)
    return Pairs(
        perturbation=perturbation,
        first=ones,
        second=others,
        num_only_first=len(held),
        num_only_second=num_only_second,
        num_changed=num_changed,
    )


def compare_values(pairs: Pairs) -> list[ValueDifference]:
    """Every value that both runs have on at least two samples, and the AUC where both have p_fake.

    Args:
        pairs: of `pair_up`.
    """
    names = dict.fromkeys(name for score in pairs.first for name in score.values)
    found = [_compare(pairs, name) for name in names]
    return [one for one in (*found, _compare_auc(pairs)) if one is not None]


def _compare(pairs: Pairs, name: str) -> ValueDifference | None:
    rows = [
        (one.values[name], other.values[name], one.unit or one.id)
        for one, other in zip(pairs.first, pairs.second, strict=True)
        if one.values.get(name) is not None and other.values.get(name) is not None
    ]
    if len(rows) < 2:
        return None
    units = [unit for _, _, unit in rows]
    first = np.array([row[0] for row in rows], dtype=np.float64)
    second = np.array([row[1] for row in rows], dtype=np.float64)
    shared = len(set(units)) < len(units)
    found = paired_mean_difference(second, first, units=units if shared else None)
    marks = name not in _NO_MARKS and _is_right_or_wrong(first, second)
    tested = mcnemar(first, second) if marks and not shared else None
    return ValueDifference(
        name=name,
        num=len(rows),
        first=float(first.mean()),
        second=float(second.mean()),
        difference=found.value,
        low=found.low,
        high=found.high,
        num_only_first=None if tested is None else tested.num_only_first,
        num_only_second=None if tested is None else tested.num_only_second,
        p_value=None if tested is None else tested.p_value,
    )


def _compare_auc(pairs: Pairs) -> ValueDifference | None:
    rows = [
        (one.label, one.p_fake, other.p_fake)
        for one, other in zip(pairs.first, pairs.second, strict=True)
        if one.label is not None and one.p_fake is not None and other.p_fake is not None
    ]
    labels = np.array([row[0] for row in rows], dtype=np.int64)
    if len(set(labels.tolist())) < 2:
        return None
    first, second = _column(rows, 1), _column(rows, 2)
    found = paired_bootstrap_difference(roc_auc, labels, second, first)
    return ValueDifference(
        name="auc",
        num=len(rows),
        first=roc_auc(labels, first),
        second=roc_auc(labels, second),
        difference=found.value,
        low=found.low,
        high=found.high,
    )


def _column(rows: Sequence[Sequence[float | None]], place: int) -> npt.NDArray[np.float64]:
    return np.array([row[place] for row in rows], dtype=np.float64)


def _is_right_or_wrong(*columns: npt.NDArray[np.float64]) -> bool:
    return all(bool(np.isin(column, (0.0, 1.0)).all()) for column in columns)
