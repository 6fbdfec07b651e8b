"""Writing a run's report into its folder."""

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from groundsight.bench.report.contents import Contents, read_contents
from groundsight.bench.report.latex import latex_report
from groundsight.bench.report.markdown import markdown_report
from groundsight.bench.report.mistakes import mistake_card
from groundsight.bench.report.page import html_report
from groundsight.bench.report.plots import save_plots
from groundsight.core.errors import MissingExtraError, UsageError

PAGE, MARKDOWN, LATEX, PLOTS = "report.html", "report.md", "report.tex", "plots"


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
