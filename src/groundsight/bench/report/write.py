"""Writing reports: of a run into its folder, of two runs wherever it is wanted."""

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from groundsight.bench.compare import Comparison
from groundsight.bench.report.comparison import comparison_contents
from groundsight.bench.report.contents import Contents, read_contents
from groundsight.bench.report.latex import latex_report
from groundsight.bench.report.markdown import comparison_markdown, markdown_report
from groundsight.bench.report.mistakes import mistake_card
from groundsight.bench.report.page import comparison_page, html_report
from groundsight.bench.report.plots import save_plots
from groundsight.core.errors import MissingExtraError, UsageError
from groundsight.data.run_folder import told

PAGE, MARKDOWN, LATEX, PLOTS = "report.html", "report.md", "report.tex", "plots"
COMPARISON_PAGE, COMPARISON_MARKDOWN = "comparison.html", "comparison.md"


@dataclass(frozen=True, kw_only=True)
class ReportFiles:
    """What was written.

    Args:
        page: `report.html`.
        markdown: `report.md`.
        latex: `report.tex`.
        plots: PNGs by name; each has a PDF beside it.
        no_plots: why there are none, one line; "" where there are.
    """

    page: Path
    markdown: Path
    latex: Path
    plots: dict[str, Path]
    no_plots: str


def write_report(folder: Path) -> ReportFiles:
    """Read a run's folder and write its report there; an earlier one is replaced.

    Without matplotlib the report has no plots and says so.

    Args:
        folder: of the run.

    Raises:
        UsageError: no run lies there, its lines are of another version, or nothing can be written.
    """
    contents = read_contents(folder)
    plots, no_plots = _draw(folder / PLOTS, contents)
    cards = [mistake_card(one, contents.run) for one in contents.gathered.mistakes]
    files = ReportFiles(
        page=folder / PAGE,
        markdown=folder / MARKDOWN,
        latex=folder / LATEX,
        plots=plots,
        no_plots=no_plots,
    )
    _write(files.page, html_report(contents, cards, plots, no_plots=no_plots))
    _write(files.markdown, [markdown_report(contents, plots, folder)])
    _write(files.latex, [latex_report(contents)])
    return files


def write_comparison(comparison: Comparison, folder: Path) -> Path:
    """Write the page of two runs, and the same as Markdown; earlier ones are replaced.

    Args:
        comparison: of `bench.compare.compare_runs`.
        folder: is made where it is not there.

    Returns:
        Path of `comparison.html`.

    Raises:
        UsageError: nothing can be written.
    """
    with told(folder):
        folder.mkdir(parents=True, exist_ok=True)
    contents = comparison_contents(comparison)
    _write(folder / COMPARISON_PAGE, comparison_page(contents))
    _write(folder / COMPARISON_MARKDOWN, [comparison_markdown(contents)])
    return folder / COMPARISON_PAGE


def _draw(folder: Path, contents: Contents) -> tuple[dict[str, Path], str]:
    headline = contents.headline.key if contents.headline else ""
    published = contents.suite.published if contents.suite else ()
    try:
        plots = save_plots(folder, contents.run, contents.gathered, published, headline=headline)
    except MissingExtraError as error:
        return {}, str(error)
    return plots, ""


def _write(path: Path, pieces: Iterable[str]) -> None:
    """In one step, so that an earlier report stands until the new one is whole."""
    fresh = path.with_name(path.name + ".new")
    try:
        with fresh.open("w", encoding="utf-8", errors="backslashreplace") as file:
            file.writelines(pieces)
        fresh.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from error
