"""Accuracy over ε from the lines of a run."""

from collections.abc import Sequence

from groundsight.bench.attack.records import AttackFigure, AttackLine, Outcome
from groundsight.metrics.intervals import wilson_interval

_Row = tuple[AttackLine, Outcome]


def figures_of(lines: Sequence[AttackLine]) -> tuple[AttackFigure, ...]:
    """One figure an ε, rising; pictures that could not be attacked are left out."""
    rows = [(line, outcome) for line in lines for outcome in line.outcomes]
    levels = sorted({outcome.level for _, outcome in rows})
    right_before = {line.id for line, o in rows if o.level == levels[0] and o.correct}
    return tuple(_figure(level, _at(rows, level), right_before) for level in levels)


def _at(rows: Sequence[_Row], level: int) -> list[_Row]:
    return [row for row in rows if row[1].level == level]


def _figure(level: int, rows: Sequence[_Row], right_before: set[str]) -> AttackFigure:
    right = [outcome.correct for _, outcome in rows]
    before = [not outcome.correct for line, outcome in rows if line.id in right_before]
    ious = [outcome.region_iou for _, outcome in rows if outcome.region_iou is not None]
    return AttackFigure(
        level=level,
        num=len(rows),
        accuracy=sum(right) / len(right),
        interval=wilson_interval(sum(right), len(right)),
        accuracy_real=_mean([outcome.correct for line, outcome in rows if line.label == 0]),
        accuracy_fake=_mean([outcome.correct for line, outcome in rows if line.label == 1]),
        flipped=_mean(before),
        mean_region_iou=_mean(ious),
    )


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
