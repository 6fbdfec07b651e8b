r"""`report.tex`: the tables for a paper; needs `booktabs` and `graphicx`.

Input it into a document, or take single tables out. Intervals stand small behind the figures.
"""

from groundsight.bench.report.contents import Contents
from groundsight.bench.report.tables import Cell, Table
from groundsight.vision.drawing import plain_text

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    **{character: f"\\{character}" for character in "&%$#_{}"},
}


def latex_report(contents: Contents) -> str:
    """All tables, below a comment that says what they are of."""
    run = contents.run
    head = [
        f"% {_comment(contents.title)}",
        f"% fingerprint {_comment(run.fingerprint_sha256)}",
        "% needs \\usepackage{booktabs,graphicx}; shares in per cent, 95% intervals",
    ]
    tables = [*contents.tables, *([contents.robustness] if contents.robustness else [])]
    return "\n\n".join(["\n".join(head), *(latex_table(table) for table in tables)]) + "\n"


def latex_table(table: Table) -> str:
    """One table environment, no wider than the line."""
    notes = table.heading_notes or (None,) * len(table.headings)
    headings = [
        escape_latex(text) + _mark(note) for text, note in zip(table.headings, notes, strict=True)
    ]
    rows = [
        [escape_latex(row.label) + _mark(row.note), *(_cell(cell) for cell in row.cells)]
        for row in table.rows
    ]
    caption = escape_latex(table.title) + "".join(
        f" $^{{{number}}}${escape_latex(note)}." for number, note in enumerate(table.notes, 1)
    )
    lines = [
        r"\begin{table}[t]",
        r"\centering",
        rf"\caption{{{caption}}}",
        r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
        rf"\begin{{tabular}}{{l{'c' * len(headings)}}}",
        r"\toprule",
        _line([escape_latex(table.corner), *headings]),
        r"\midrule",
        *(_line(row) for row in rows),
        r"\bottomrule",
        r"\end{tabular}}",
        r"\end{table}",
    ]
    return "\n".join(lines)


def escape_latex(text: str) -> str:
    """Text that LaTeX prints as it is."""
    return "".join(_SPECIAL.get(character, character) for character in plain_text(text))


def _cell(cell: Cell) -> str:
    if not cell.text:
        return "--"
    small = cell.interval.replace(" to ", ", ")
    return cell.text + (rf" {{\scriptsize[{small}]}}" if small else "")


def _mark(note: int | None) -> str:
    return "" if note is None else f"$^{{{note}}}$"


def _line(cells: list[str]) -> str:
    return " & ".join(cells) + r" \\"


def _comment(text: str) -> str:
    """One line that cannot end the comment."""
    return plain_text(text)
