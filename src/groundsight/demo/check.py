"""Whether a finished demo fits together: what CI asks of a demo at a tenth of its size.

check_demo(Path("demo"))      # [] or what is wrong, a line each
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

from groundsight.core.errors import UsageError
from groundsight.demo.finish import METRICS_FILE, MODEL_FOLDER, REPORT_FILE
from groundsight.demo.measuring import METRICS
from groundsight.demo.outline import STAGES
from groundsight.demo.stage import DONE_FILE, StageRecord, Tree, read_record

# What a later stage reads, by the stage that writes it.
LEFT_BEHIND = {
    "detect": ("reports/reports.jsonl", "reports/report.html"),
    "synth": ("cold.jsonl", "pool.jsonl", "validation.jsonl", "held_out.jsonl"),
    "base": ("model/config.json", "model/model.safetensors"),
    "cold-start": ("replies/kept.jsonl",),
    "sft": ("run/final", "run/metrics.jsonl"),
    "merge": ("model/config.json", "model/model.safetensors"),
    "curate": ("answers/answers.jsonl", "questions.jsonl"),
    "grpo": ("recipe.toml", "run/metrics.jsonl", "model/config.json", "model/model.safetensors"),
    "bench": ("base/scores.jsonl", "sft/scores.jsonl", "grpo/scores.jsonl"),
}


def check_demo(out: Path) -> list[str]:
    """Everything that is wrong.

    Args:
        out: folder of a demo that ran to its end.
    """
    done = {name: read_record(out / STAGES[name].folder / DONE_FILE) for name in STAGES}
    faults = [f"stage {name} is not done" for name, record in done.items() if record is None]
    whole = {name: record for name, record in done.items() if record is not None}
    if faults:
        return faults
    faults += [*_broken_links(whole), *_missing_files(out)]
    try:
        metrics = _read_metrics(out / METRICS_FILE)
    except UsageError as error:
        return [*faults, str(error)]
    return [*faults, *_metric_faults(metrics), *rise_faults(metrics, whole["grpo"].result)]


def rise_faults(metrics: Tree, grpo: Tree) -> list[str]:
    """Rewards must rise: from the base to the trained model, and while GRPO trains.

    Args:
        metrics: of `metrics.json`.
        grpo: result of the GRPO stage, with the mean reward of every step.
    """
    rewards = {name: row.get("reward") for name, row in metrics["stages"].items()}
    faults = []
    if None in rewards.values() or not rewards["base"] < rewards["sft"]:
        faults.append(f"SFT earns no more than the base on held-out questions: {rewards}")
    if None in rewards.values() or not rewards["base"] < rewards["grpo"]:
        faults.append(f"GRPO earns no more than the base on held-out questions: {rewards}")
    first, last = _ends(grpo["rewards"])
    if not last > first:
        faults.append(f"the reward fell from {first:.3f} to {last:.3f} while GRPO trained")
    return faults


def _ends(values: Sequence[float]) -> tuple[float, float]:
    """Means of the first and of the last third."""
    third = max(1, len(values) // 3)
    return fmean(values[:third]), fmean(values[-third:])


def _broken_links(done: Mapping[str, StageRecord]) -> list[str]:
    return [
        f"stage {name} was made from another {read}"
        for name, record in done.items()
        for read, digest in record.made_from["reads"].items()
        if done[read].sha256 != digest
    ]


def _missing_files(out: Path) -> list[str]:
    paths = [
        out / STAGES[name].folder / inside for name, left in LEFT_BEHIND.items() for inside in left
    ]
    paths += [out / REPORT_FILE, out / MODEL_FOLDER / "config.json"]
    return [f"{path} is not there" for path in paths if not path.exists()]


def _read_metrics(path: Path) -> Tree:
    try:
        tree = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
    if not isinstance(tree, dict) or not {"stages", "seconds"} <= tree.keys():
        raise UsageError(f"{path} has no stages or no seconds")
    return tree


def _metric_faults(metrics: Tree) -> list[str]:
    faults = [
        f"metrics: {name} has no {metric}"
        for name in ("base", "sft", "grpo")
        for metric in METRICS
        if not isinstance(metrics["stages"].get(name, {}).get(metric), int | float)
    ]
    timed = metrics["seconds"]
    return faults + [f"metrics: no seconds of {name}" for name in STAGES if name not in timed]
