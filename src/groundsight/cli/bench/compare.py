"""`groundsight bench compare`: two runs, what was measured otherwise, what came out otherwise."""

from pathlib import Path
from typing import Annotated

import typer

from groundsight.cli.asking import Format, Formats, print_found, tell


def compare(
    first: Annotated[Path, typer.Argument(metavar="A", help="Folder of a run.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="Folder of another.")],
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Gets comparison.html and comparison.md as well."),
    ] = None,
    format: Formats = Format.TABLE,
) -> None:
    """Compare two runs: first what was measured otherwise, then what came out otherwise.

    Only samples that both have scored count; paired tests say whether a difference could be luck.
    """
    from groundsight.bench.compare import compare_runs
    from groundsight.cli.bench.printing import comparison_lines

    comparison = compare_runs(first, second)
    print_found(comparison, format, lambda: comparison_lines(comparison))
    if out is not None:
        from groundsight.bench.report import write_comparison

        tell(f"open {write_comparison(comparison, out)}")
