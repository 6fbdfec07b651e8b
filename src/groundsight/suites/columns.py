"""Scores of a whole run as columns, and the figures that are read off them.

    columns = Columns.of(scores)          # one pass, a few numbers a sample
    columns.mean("accuracy")              # with its interval
    columns.by("accuracy", "generator")   # one figure a generator
    columns.mean_over("accuracy", "generator")

A value that is None for a sample is no part of a mean; an unscored sample is part of none.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from groundsight.metrics.intervals import (
    COVERAGE,
    NUM_RESAMPLES,
    bootstrap_mean,
    bootstrap_mean_of_groups,
    percentiles,
    resampled_group_means,
    wilson_interval,
)
from groundsight.metrics.intervals import Interval as MeanInterval
from groundsight.suites.base import Figure, Interval, SampleScore

FloatArray: TypeAlias = npt.NDArray[np.float64]
Mask: TypeAlias = npt.NDArray[np.bool_]
MOST_GROUPS = 100
"Figures of one kind: each has an interval of its own to work out."
_NONE = float("nan")
_NOT_SAID = -1


@dataclass
class _Names:
    """Names as small numbers, in order of appearance."""

    codes: array[int] = field(default_factory=lambda: array("l"))
    index: dict[str, int] = field(default_factory=dict)

    def add(self, row: int, name: str) -> None:
        self.pad(row)
        self.codes.append(self.index.setdefault(name, len(self.index)))

    def pad(self, rows: int) -> None:
        self.codes.extend([_NOT_SAID] * (rows - len(self.codes)))


@dataclass(frozen=True, eq=False)
class Columns:
    """Columns over the scored samples.

    Args:
        num: of scored samples.
        values: (N,) by name; NaN where a sample has none.
        groups: (N,) small numbers by group, -1 where a sample is in none.
        group_names: what the numbers stand for.
        units: (N,) samples with the same number are resampled together.
        label: (N,) 1, 0, or -1 where there is none.
        p_fake: (N,) NaN where there is none.
        parsed: (N,) whether the reply could be read.
        unscored: how many samples could not be scored, by reason.
    """

    num: int
    values: dict[str, FloatArray]
    groups: dict[str, npt.NDArray[np.int64]]
    group_names: dict[str, tuple[str, ...]]
    units: npt.NDArray[np.int64]
    label: npt.NDArray[np.int64]
    p_fake: FloatArray
    parsed: Mask
    unscored: Counter[str]

    @classmethod
    def of(cls, scores: Iterable[SampleScore]) -> Columns:
        """Read scores once; of a score only its numbers and names are kept."""
        values: dict[str, array[float]] = {}
        groups: dict[str, _Names] = {}
        units, unscored = _Names(), Counter[str]()
        label, p_fake, parsed = array("b"), array("d"), array("b")
        row = 0
        for score in scores:
            if score.unscored is not None:
                unscored[score.unscored] += 1
                continue
            for name, value in score.values.items():
                _at(values, name, row).append(_NONE if value is None else value)
            for name, group in score.groups.items():
                groups.setdefault(name, _Names()).add(row, group)
            units.add(row, f"\0{row}" if score.unit is None else score.unit)
            label.append(_NOT_SAID if score.label is None else score.label)
            p_fake.append(_NONE if score.p_fake is None else score.p_fake)
            parsed.append(score.parsed)
            row += 1
        for name in values:
            _at(values, name, row)
        for names in groups.values():
            names.pad(row)
        return cls(
            num=row,
            values={name: np.array(column) for name, column in values.items()},
            groups={name: np.array(names.codes) for name, names in groups.items()},
            group_names={name: tuple(names.index) for name, names in groups.items()},
            units=np.array(units.codes, dtype=np.int64),
            label=np.array(label, dtype=np.int64),
            p_fake=np.array(p_fake, dtype=np.float64),
            parsed=np.array(parsed, dtype=bool),
            unscored=unscored,
        )

    def value(self, name: str) -> FloatArray:
        """(N,) of a value; NaN where a sample has none."""
        return self.values.get(name, np.full(self.num, np.nan))

    def members(self, group: str, name: str) -> Mask:
        """(N,) whether a sample is in a group of this name."""
        names = self.group_names.get(group, ())
        code = names.index(name) if name in names else None
        if code is None:
            return np.zeros(self.num, dtype=bool)
        inside: Mask = self.groups[group] == code
        return inside

    def names(self, group: str) -> list[str]:
        """The groups of a name that some scored sample is in, sorted; the largest of very many."""
        names = self.group_names.get(group, ())
        if len(names) <= MOST_GROUPS:
            return sorted(names)
        sizes = Counter(self.groups[group].tolist())
        largest = sorted(range(len(names)), key=lambda code: -sizes[code])[:MOST_GROUPS]
        return sorted(names[code] for code in largest)

    def mean(
        self, name: str, *, within: Mask | None = None, group: str | None = None, as_: str = ""
    ) -> list[Figure]:
        """The mean of a value; no figure where no sample has it.

        Args:
            name: of the value.
            within: (N,) which samples count; None: all.
            group: of the figure.
            as_: name of the figure; "": the value's.
        """
        column = self.value(name)
        return self._figure(as_ or name, group, column, _and(within, ~np.isnan(column)))

    def by(self, name: str, group: str, *, as_: str = "") -> list[Figure]:
        """The mean of a value in each group."""
        return [
            figure
            for one in self.names(group)
            for figure in self.mean(
                name, within=self.members(group, one), group=f"{group}={one}", as_=as_
            )
        ]

    def mean_over(
        self, name: str, group: str, *, within: Mask | None = None, as_: str = "", of: str = ""
    ) -> list[Figure]:
        """The mean of the groups' means: each group counts the same, whatever its size.

        Args:
            name: of the value.
            group: which groups.
            within: (N,) which samples count; None: all.
            as_: name of the figure; "": the value's.
            of: group of the figure.
        """
        column, codes = self.value(name), self.groups.get(group, np.full(self.num, _NOT_SAID))
        inside = _and(within, ~np.isnan(column) & (codes != _NOT_SAID))
        return self._figure(as_ or name, of or None, column, inside, strata=codes)

    def weighted_mean(
        self, name: str, cells: npt.NDArray[np.int64], weights: Sequence[float]
    ) -> list[Figure]:
        """Σ weight × mean of the cell, resampled within the cells.

        Args:
            name: of the value.
            cells: (N,) the cell of each sample, 0 … C-1, or -1 for none.
            weights: (C,) of the cells, 0 where a cell is empty; they add up to 1.
        """
        column = self.value(name)
        inside = ~np.isnan(column) & (cells != _NOT_SAID)
        present = np.unique(cells[inside])
        scale = np.asarray(weights, dtype=np.float64) * len(present)
        scaled = np.where(inside, column * scale[np.where(inside, cells, 0)], np.nan)
        return self._figure(name, None, scaled, inside, strata=cells)

    def ratio(self, name: str, below: str, *, as_: str) -> list[Figure]:
        """The sum of one value over the sum of another, resampled together.

        Args:
            name: of the value above.
            below: of the value below; no figure where its sum is 0.
            as_: name of the figure.
        """
        rows = np.stack([self.value(name), self.value(below)])
        inside = ~np.isnan(rows[0] + rows[1])
        num = int(inside.sum())
        if num == 0 or not rows[1, inside].sum():
            return []
        means, resampled = resampled_group_means(
            rows[:, inside],
            [""] * num,
            self._units_of(inside),
            num_resamples=NUM_RESAMPLES,
            seed=0,
        )
        drawn = resampled[:, resampled[1] > 0]
        low, high = percentiles(drawn[0] / drawn[1], COVERAGE)
        interval = Interval(low, high) if num > 1 else None
        return [Figure(name=as_, value=float(means[0] / means[1]), num=num, interval=interval)]

    def all_of_unit(self, name: str, size: int, *, as_: str) -> list[Figure]:
        """Share of units of a size whose every sample has the value 1, e.g. right both ways round.

        Args:
            name: of a value that is 0 or 1.
            size: units with fewer or more scored samples are left out.
            as_: name of the figure.
        """
        column = self.value(name)
        known = ~np.isnan(column)
        _, unit_of = np.unique(self.units[known], return_inverse=True)
        sizes = np.bincount(unit_of)
        whole = np.bincount(unit_of, column[known]) == size
        values = whole[sizes == size].astype(np.float64)
        if len(values) == 0:
            return []
        found = bootstrap_mean(values)
        interval = Interval(found.low, found.high) if len(values) > 1 else None
        return [Figure(name=as_, value=found.value, num=len(values), interval=interval)]

    def parse_rate(self) -> list[Figure]:
        """The share of scored samples whose reply could be read."""
        everyone = np.ones(self.num, dtype=bool)
        return self._figure("parse_rate", None, self.parsed.astype(np.float64), everyone)

    def num_unscored(self) -> list[Figure]:
        """How many samples could not be scored, where there are any; by reason too."""
        total = sum(self.unscored.values())
        if not total:
            return []
        reasons = [
            Figure(name="num_unscored", group=f"reason={reason}", value=float(count), num=count)
            for reason, count in sorted(self.unscored.items())
        ]
        return [Figure(name="num_unscored", value=float(total), num=total), *reasons]

    def _figure(
        self,
        name: str,
        group: str | None,
        column: FloatArray,
        inside: Mask,
        strata: npt.NDArray[np.int64] | None = None,
    ) -> list[Figure]:
        num = int(inside.sum())
        if num == 0:
            return []
        keys = np.zeros(num, dtype=np.int64) if strata is None else strata[inside]
        found = bootstrap_mean_of_groups(
            column[inside], keys.tolist(), units=self._units_of(inside)
        )
        num_units = len(np.unique(self.units[inside]))
        interval = _interval(found, num_units) if num > 1 else None
        return [Figure(name=name, group=group, value=found.value, num=num, interval=interval)]

    def _units_of(self, inside: Mask) -> Sequence[str] | None:
        units = self.units[inside]
        if len(np.unique(units)) == len(units):
            return None
        named: list[str] = units.astype(str).tolist()
        return named


def _interval(found: MeanInterval, num_units: int) -> Interval:
    """The bootstrap's; Wilson's where all earned full marks or none, for no resample differs then.

    Two right answers of two do not mean that all others are right.
    """
    if found.low < found.high or found.value not in (0.0, 1.0):
        return Interval(found.low, found.high)
    return Interval(*wilson_interval(round(found.value) * num_units, num_units))


def _at(columns: dict[str, array[float]], name: str, row: int) -> array[float]:
    """The column of a name, with NaN for rows that lack it so far."""
    column = columns.setdefault(name, array("d"))
    column.extend([_NONE] * (row - len(column)))
    return column


def _and(within: Mask | None, mask: Mask) -> Mask:
    return mask if within is None else within & mask
