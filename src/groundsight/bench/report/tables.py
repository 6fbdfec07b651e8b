"""Tables as they are printed: the run beside the published rows, and the run under perturbations.

for table in tables_of(run, suite.published):
print(markdown_table(table))
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from groundsight.bench.records import NONE, RunFile
from groundsight.bench.report.layouts import Column, Layout, columns_of, layouts_of
from groundsight.bench.report.naming import heading, shown, shown_interval
from groundsight.suites.base import Figure, PublishedRow
from groundsight.vision.perturbations import PERTURBATIONS

MOST_COLUMNS = 11
"A table with more is turned, so that its groups stand below each other."
AS_SHOWN = "as they are"


@dataclass(frozen=True)
class Cell:
    """A number in a table.

    Args:
        text: its digits; "" for none.
        interval: "82.1 to 85.9"; "" for none.
        num: samples behind it; None where a paper does not say.
    """

    text: str = ""
    interval: str = ""
    num: int | None = None


@dataclass(frozen=True)
class Row:
    """A row, or once turned a column.

    Args:
        label: whose it is, or what.
        cells: one for each heading.
        note: number of the note that says where a published row stands; None of our own.
    """

    label: str
    cells: tuple[Cell, ...]
    note: int | None = None


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table.

    Args:
        title: above it.
        corner: what the first column holds.
        headings: of the other columns.
        rows: below each other.
        notes: by number, from 1.
        heading_notes: where a heading needs a note, its number.
    """

    title: str
    corner: str
    headings: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    heading_notes: tuple[int | None, ...] = ()

    def turned(self) -> "Table":
        """The same with rows and columns swapped."""
        cells = list(zip(*(row.cells for row in self.rows), strict=True))
        return replace(
            self,
            corner="",
            headings=tuple(row.label for row in self.rows),
            heading_notes=tuple(row.note for row in self.rows),
            rows=tuple(
                Row(name, column) for name, column in zip(self.headings, cells, strict=True)
            ),
        )


def base_of(run: RunFile) -> str:
    """The perturbation that the main tables show: none, or else the first that has figures."""
    filled = [name for name in run.perturbations if run.figures.get(name)]
    return NONE if NONE in filled or not filled else filled[0]


def tables_of(run: RunFile, published: Sequence[PublishedRow]) -> list[Table]:
    """The suite's tables, the run's row first."""
    figures = run.figures.get(base_of(run), ())
    return [
        _table(layout, run, figures, published) for layout in layouts_of(run.suite, list(figures))
    ]


def robustness_table(run: RunFile, keys: Sequence[str]) -> Table | None:
    """A row a perturbation; None where nothing was perturbed.

    Args:
        run: what was run.
        keys: of the figures to show, over everything.
    """
    names = [name for name in run.perturbations if run.figures.get(name)]
    if not any(name != NONE for name in names):
        return None
    rows = [Row(perturbation_words(name), _cells(run.figures[name], keys)) for name in names]
    return Table(
        title="Under perturbations",
        corner="Perturbation",
        headings=tuple(heading(key) for key in keys),
        rows=tuple(rows),
    )


def perturbation_words(name: str) -> str:
    """A perturbation as a table prints it."""
    if name == NONE:
        return AS_SHOWN
    if name not in PERTURBATIONS:
        return name
    row = PERTURBATIONS[name]
    return f"{row.family} {row.level}"


def run_label(run: RunFile) -> str:
    """Whose figures these are."""
    return run.engine_spec


def figure_cell(figure: Figure | None) -> Cell:
    """A figure as a table prints it; an empty cell where there is none."""
    if figure is None:
        return Cell()
    interval = "" if figure.interval is None else shown_interval(figure.interval, figure.name)
    return Cell(shown(figure.value, figure.name), interval, figure.num)


def _table(
    layout: Layout, run: RunFile, figures: Sequence[Figure], published: Sequence[PublishedRow]
) -> Table:
    columns = columns_of(layout, figures)
    beside = [row for row in published if any(column.key in row.values for column in columns)]
    notes = list(dict.fromkeys(row.where for row in beside))
    ours = Row(run_label(run), _cells(figures, [column.key for column in columns]))
    theirs = [
        Row(
            row.model,
            tuple(_published(row, column) for column in columns),
            note=notes.index(row.where) + 1,
        )
        for row in beside
    ]
    table = Table(
        title=layout.title or _title(columns[0], figures),
        corner="Model",
        headings=tuple(_heading(column, columns) for column in columns),
        rows=(ours, *theirs),
        notes=tuple(notes),
    )
    return table.turned() if len(columns) > MOST_COLUMNS else table


def _heading(column: Column, columns: Sequence[Column]) -> str:
    """A group alone says enough where the title names the figure; its mean is "Mean"."""
    if column.group is not None:
        return column.group_words
    is_total = any(other.group is not None for other in columns)
    return "Mean" if is_total and column.name.startswith("mean_") else heading(column.name)


def _title(column: Column, figures: Sequence[Figure]) -> str:
    by = next((one.group or "" for one in figures if one.key == column.key), "").partition("=")[0]
    return f"{heading(column.name)} by {by}"


def _cells(figures: Sequence[Figure], keys: Iterable[str]) -> tuple[Cell, ...]:
    return tuple(figure_cell(_find(figures, key)) for key in keys)


def _find(figures: Sequence[Figure], key: str) -> Figure | None:
    return next((one for one in figures if one.key == key), None)


def _published(row: PublishedRow, column: Column) -> Cell:
    value = row.values.get(column.key)
    return Cell() if value is None else Cell(shown(value, column.name))
