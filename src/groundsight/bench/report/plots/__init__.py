"""The plots of a run. Needs matplotlib (extra `bench`), loaded when asked for.

    save_plots(folder / "plots", run, gathered, headline="accuracy")   # {"groups": Path("…"), …}

Each is saved as PNG for pages and as PDF for papers.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from groundsight.bench.records import RunFile
from groundsight.bench.report.gather import Gathered
from groundsight.bench.report.plots.answers import draw_confusion, draw_ious, draw_reliability
from groundsight.bench.report.plots.curves import draw_robustness
from groundsight.bench.report.plots.groups import draw_groups
from groundsight.bench.report.tables import base_of
from groundsight.core.errors import UsageError
from groundsight.suites.base import PublishedRow


def save_plots(
    folder: Path,
    run: RunFile,
    gathered: Gathered,
    published: Sequence[PublishedRow] = (),
    *,
    headline: str,
) -> dict[str, Path]:
    """Draw every plot that the run has something for.

    Args:
        folder: made if need be; holds the files.
        run: its figures.
        gathered: its lines.
        published: rows whose headline is drawn beside the bars.
        headline: key of the suite's headline.

    Returns:
        PNGs by name, in the order in which a page shows them.

    Raises:
        MissingExtraError: matplotlib is not installed.
        UsageError: a file cannot be written.
    """
    figures = run.figures.get(base_of(run), ())
    painters: dict[str, Callable[[], Any | None]] = {
        "groups": lambda: draw_groups(run.suite, figures, published, headline),
        "confusion": lambda: draw_confusion(gathered.confusion),
        "reliability": lambda: draw_reliability(gathered),
        "iou": lambda: draw_ious(gathered.ious),
        "robustness": lambda: draw_robustness(run, headline),
    }
    saved = {}
    for name, paint in painters.items():
        figure = paint()
        path = folder / f"{name}.png"
        if figure is None:
            _remove(path)
        else:
            _save(figure, path)
            saved[name] = path
    return saved


def _save(figure: Any, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=140)
        # No date, so that the same run gives the same file.
        figure.savefig(path.with_suffix(".pdf"), metadata={"CreationDate": None})
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from error


def _remove(path: Path) -> None:
    """A plot of an earlier run in this folder must not stand beside new figures."""
    for old in (path, path.with_suffix(".pdf")):
        old.unlink(missing_ok=True)
