"""The end of the demo: the trained model, the metrics and the page, out of what the stages left."""

import json
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter

from groundsight.data.run_folder import told, write_whole
from groundsight.demo.models import copy_folder
from groundsight.demo.settings import DemoSettings
from groundsight.demo.stage import Say, StageRecord, Tree
from groundsight.demo.stages.grpo import MODEL as TRAINED
from groundsight.engines.own_task import write_own_task

METRICS_FILE, REPORT_FILE, MODEL_FOLDER = "metrics.json", "report.html", "model"


def finish(
    settings: DemoSettings,
    out: Path,
    done: Mapping[str, StageRecord],
    folders: Mapping[str, Path],
    say: Say,
) -> None:
    """Write `model/`, `metrics.json` and `report.html`.

    Args:
        settings: of the demo.
        out: its folder.
        done: record of every stage.
        folders: theirs.
        say: tells a line.

    Raises:
        UsageError: they cannot be written.
    """
    from groundsight.demo.page.write import write_page

    start = perf_counter()
    with told(out):
        copy_folder(folders["grpo"] / TRAINED, out / MODEL_FOLDER)
        write_own_task(out / MODEL_FOLDER, settings.task)
        metrics = make_metrics(settings, done)
        write_page(out / REPORT_FILE, settings, metrics, done, folders)
        metrics["seconds"]["report"] = round(perf_counter() - start, 3)
        write_whole(out / METRICS_FILE, json.dumps(metrics, indent=2) + "\n")
    for line in _last_words(settings, out, metrics):
        say(line)


def make_metrics(settings: DemoSettings, done: Mapping[str, StageRecord]) -> Tree:
    """`metrics.json`: what each model came to, and how long each stage took."""
    return {
        "task": settings.task,
        "size": settings.size,
        "seed": settings.seed,
        "stages": done["bench"].result["stages"],
        "seconds": {name: record.seconds for name, record in done.items()},
    }


def _last_words(settings: DemoSettings, out: Path, metrics: Tree) -> list[str]:
    total = sum(metrics["seconds"].values())
    lines = [f"the whole in {total / 60:.1f} minutes; open {out / REPORT_FILE}"]
    model = f"--engine hf:{out / MODEL_FOLDER}"
    if settings.task == "grounded_detection":
        lines.append(f"ask the model: groundsight detect {model} PHOTO")
    else:
        lines.append(f"ask the model: groundsight ground {model} --image A --image B 'QUESTION'")
    return lines
