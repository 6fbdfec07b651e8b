"""`report.md` and `comparison.md`: tables as GitHub prints them, with plots beside the file."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from groundsight.bench.report.comparison import ComparisonContents
from groundsight.bench.report.contents import Contents
from groundsight.bench.report.tables import Cell, Table
from groundsight.vision.drawing import plain_text

_SPECIAL = str.maketrans({character: f"\\{character}" for character in "\\`*_[]<>|#~$&"})


def markdown_report(contents: Contents, plots: Mapping[str, Path], folder: Path) -> str:
    """The whole report.

    Args:
        contents: what it says.
        plots: by name.
        folder: that the file lies in; plots are named from there.
    """
    lines = [f"# {escape_markdown(contents.title)}", "", *_head(contents), ""]
    for table in (*contents.tables, *([contents.robustness] if contents.robustness else [])):
        lines += [f"## {escape_markdown(table.title)}", "", markdown_table(table), ""]
    for name, path in plots.items():
        lines += [f"![{name}]({quote(path.relative_to(folder).as_posix())})", ""]
    return "\n".join(lines)


def comparison_markdown(contents: ComparisonContents) -> str:
    """Two runs side by side."""
    lines = [f"# {escape_markdown(contents.title)}", ""]
    lines += [f"- **{letter}** {escape_markdown(folder)}" for letter, folder in contents.names]
    lines += [f"- {escape_markdown(line)}" for line in contents.warnings]
    if contents.otherwise is None:
        lines += ["", "The fingerprints are the same: both measured the same thing."]
    tables = (*([contents.otherwise] if contents.otherwise else []), *contents.found)
    for table in tables:
        lines += ["", f"## {escape_markdown(table.title)}", "", markdown_table(table)]
    return "\n".join([*lines, ""])


def markdown_table(table: Table) -> str:
    """One table and its notes; intervals in square brackets, 95%."""
    head = [escape_markdown(table.corner)]
    notes = table.heading_notes or (None,) * len(table.headings)
    head += [
        escape_markdown(text) + _mark(note)
        for text, note in zip(table.headings, notes, strict=True)
    ]
    lines = [_line(head), _line(["---", *["---:"] * len(table.headings)])]
    for row in table.rows:
        label = escape_markdown(row.label) + _mark(row.note)
        lines.append(_line([label, *(_cell(cell) for cell in row.cells)]))
    for number, note in enumerate(table.notes, 1):
        lines += ["", f"({number}) {escape_markdown(note)}"]
    return "\n".join(lines)


def escape_markdown(text: str) -> str:
    """Text that Markdown prints as it is, on one line."""
    return plain_text(text).translate(_SPECIAL)


def _head(contents: Contents) -> list[str]:
    run = contents.run
    lines = []
    if contents.headline_words is not None:
        name, digits, interval = contents.headline_words
        within = f" ({interval})" if interval else ""
        lines.append(f"**{escape_markdown(name)} {digits}**{within}")
    counts = f"{contents.gathered.num:,} of {run.num_samples:,} samples scored"
    if contents.num_unanswered:
        counts += f"; {contents.num_unanswered:,} have no answer and count for nothing"
    if not run.complete:
        counts += "; **the run is not finished**"
    lines += ["", f"{counts}. Shares in %, intervals: 95%, bootstrap over samples."]
    lines += ["", f"Fingerprint `{plain_text(run.fingerprint_sha256)[:16]}`."]
    return lines


def _cell(cell: Cell) -> str:
    within = cell.interval.replace(" to ", ", ")
    return f"{cell.text} [{within}]" if within else cell.text


def _mark(note: int | None) -> str:
    return "" if note is None else f" ({note})"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
