"""Puts the page together. Everything is in the file; the browser may fetch nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from groundsight import __version__
from groundsight.data.run_folder import write_whole
from groundsight.demo.measuring import METRICS
from groundsight.demo.page.commands import by_hand, on_a_gpu
from groundsight.demo.page.curves import plots
from groundsight.demo.page.gallery import exhibits
from groundsight.demo.page.pipeline import HEIGHT, WIDTH, arrows, nodes
from groundsight.demo.settings import DemoSettings
from groundsight.demo.stage import StageRecord, Tree
from groundsight.detect.page import csp_hash, page_asset, page_environment
from groundsight.vision.drawing import plain_text

_PACKAGE = "groundsight.demo"
MODEL_WORDS = {"base": "Base", "sft": "after SFT", "grpo": "after GRPO"}
METRIC_WORDS = {
    "accuracy": "accuracy",
    "iou": "union IoU",
    "parse_rate": "parse rate",
    "reward": "reward",
}


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One number of the table."""

    value: str
    interval: str


def write_page(
    path: Path,
    settings: DemoSettings,
    metrics: Tree,
    done: Mapping[str, StageRecord],
    folders: Mapping[str, Path],
) -> None:
    """Write the page.

    Args:
        path: of the file.
        settings: of the demo.
        metrics: of `metrics.json`.
        done: record of every stage.
        folders: theirs.

    Raises:
        UsageError: something that a stage wrote is not there any more.
    """
    style = page_asset("report.css") + page_asset("demo.css", _PACKAGE)
    seconds = metrics["seconds"]
    text = (
        page_environment(_PACKAGE, plain=plain_text)
        .get_template("demo.html.j2")
        .render(
            settings=settings,
            style=style,
            style_hash=csp_hash(style),
            nodes=nodes(done),
            arrows=arrows(),
            width=WIDTH,
            height=HEIGHT,
            rows=table(metrics["stages"]),
            metric_words=METRIC_WORDS,
            num_held_out=metrics["stages"]["grpo"]["num"],
            plots=plots(folders),
            exhibits=exhibits(folders["bench"], list(MODEL_WORDS)),
            model_words=MODEL_WORDS,
            seconds=seconds,
            longest=max(seconds.values()),
            total=sum(seconds.values()),
            done=done,
            by_hand=by_hand(done),
            on_a_gpu=on_a_gpu(settings.task),
            model=str(path.parent / "model"),
            version=__version__,
        )
    )
    write_whole(path, text)


def table(stages: Mapping[str, Tree]) -> list[tuple[str, list[Cell | None]]]:
    """Rows of the table of results; None where a model has no such number."""
    return [
        (MODEL_WORDS[name], [_cell(stages[name], metric) for metric in METRICS])
        for name in MODEL_WORDS
    ]


def _cell(row: Tree, metric: str) -> Cell | None:
    if metric not in row:
        return None
    low, high = row["intervals"][metric]
    return Cell(value=f"{row[metric]:.3f}", interval=f"{low:.3f} to {high:.3f}")
