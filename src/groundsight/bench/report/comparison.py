"""What a page of two runs says: first what was measured otherwise, then what came out otherwise.

contents = comparison_contents(compare_runs(Path("a"), Path("b")))
"""

from collections.abc import Iterator
from dataclasses import dataclass

from groundsight.bench.compare import Comparison, PerturbationComparison
from groundsight.bench.pairs import ValueDifference
from groundsight.bench.report.naming import heading, in_words, shown
from groundsight.bench.report.tables import Cell, Row, Table, figure_cell, perturbation_words


@dataclass(frozen=True, kw_only=True)
class ComparisonContents:
    """What the page says.

    Args:
        comparison: of two runs.
        warnings: why it says less than it seems to, a line each.
        otherwise: a row for each value that the fingerprints have differently; None: they are the
            same.
        found: tables of what came out, perturbation by perturbation.
        names: the two runs' letters and folders.
    """

    comparison: Comparison
    warnings: tuple[str, ...]
    otherwise: Table | None
    found: tuple[Table, ...]
    names: tuple[tuple[str, str], ...]

    @property
    def title(self) -> str:
        """Suite, and that there are two runs."""
        return f"{self.comparison.suite}: two runs compared"


def comparison_contents(comparison: Comparison) -> ComparisonContents:
    """Put two runs' differences into tables."""
    return ComparisonContents(
        comparison=comparison,
        warnings=tuple(_warnings(comparison)),
        otherwise=_otherwise(comparison),
        found=tuple(table for one in comparison.perturbations for table in _found(one)),
        names=(("A", comparison.first), ("B", comparison.second)),
    )


def _warnings(comparison: Comparison) -> Iterator[str]:
    for folder in comparison.incomplete:
        yield f"{folder} was stopped before its end"
    for side, names in (("A", comparison.only_first), ("B", comparison.only_second)):
        if names:
            yield f"only in {side}: {', '.join(map(perturbation_words, names))}"
    for one in comparison.perturbations:
        if one.too_few:
            yield f"{perturbation_words(one.perturbation)}: {one.too_few}"


def _otherwise(comparison: Comparison) -> Table | None:
    if not comparison.differences:
        return None
    meanings = tuple(f"{name}: {words}" for name, words in comparison.meanings.items())
    sections = list(comparison.meanings)
    rows = tuple(
        Row(
            one.place,
            tuple(Cell(words) for words in one.words),
            note=sections.index(one.place.partition(".")[0]) + 1,
        )
        for one in comparison.differences
    )
    title = "What was measured otherwise"
    return Table(title=title, corner="Value", headings=("A", "B"), rows=rows, notes=meanings)


def _found(one: PerturbationComparison) -> Iterator[Table]:
    where = f"{perturbation_words(one.perturbation)}, {one.num_shared:,} samples in both"
    if one.values:
        yield Table(
            title=f"Means over samples, {where}",
            corner="Value",
            headings=("A", "B", "B − A", "Only A right", "Only B right", "McNemar p", ""),
            rows=tuple(Row(heading(value.name), _value_cells(value)) for value in one.values),
            notes=_left_out(one),
        )
    if one.figures:
        yield Table(
            title=f"The suite's figures, {where}",
            corner="Figure",
            headings=("A", "B"),
            rows=tuple(
                Row(in_words(pair.first), (figure_cell(pair.first), figure_cell(pair.second)))
                for pair in one.figures
            ),
        )


def _value_cells(value: ValueDifference) -> tuple[Cell, ...]:
    tested = (value.num_only_first, value.num_only_second)
    return (
        Cell(shown(value.first, value.name), num=value.num),
        Cell(shown(value.second, value.name), num=value.num),
        Cell(
            _signed(value.difference, value.name),
            f"{_signed(value.low, value.name)} to {_signed(value.high, value.name)}",
        ),
        *(Cell("" if number is None else f"{number:,}") for number in tested),
        Cell("" if value.p_value is None else f"{value.p_value:.3g}"),
        Cell(value.says),
    )


def _signed(value: float, name: str) -> str:
    return ("+" if value > 0 else "") + shown(value, name)


def _left_out(one: PerturbationComparison) -> tuple[str, ...]:
    counts = ((one.num_only_first, "only in A"), (one.num_only_second, "only in B"))
    told = [f"{number:,} {words}" for number, words in counts if number]
    if one.num_changed:
        told.append(f"{one.num_changed:,} with another question, truth or picture")
    return (f"left out: {', '.join(told)}",) if told else ()
