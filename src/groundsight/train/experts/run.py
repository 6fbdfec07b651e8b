"""A training run, start to end: read `train_expert` first.

OUT/recipe.json, versions.json     what was asked, with which packages, on which data
OUT/training.jsonl                 a line an epoch
OUT/checkpoint.pt                  what a killed run goes on from; gone when it is done
OUT/scores.jsonl                   logits of the held-out and of the unseen pictures
OUT/expert.json, model.safetensors, README.md     the expert (`load_expert(OUT)`)
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from groundsight.core.config import Config
from groundsight.core.errors import UsageError
from groundsight.core.json_values import JsonObject
from groundsight.core.seeds import derive_seed, derive_short_seed
from groundsight.data.run_folder import write_whole
from groundsight.experts import Expert, build_expert, save_expert
from groundsight.experts.calibration import Calibration, fit_temperature
from groundsight.experts.folder import read_expert_file
from groundsight.experts.places import FOLDER_FILE
from groundsight.train.experts.data import (
    DataChoice,
    ExpertData,
    ExpertPicture,
    hold_out,
    read_data,
)
from groundsight.train.experts.figures import all_figures, row_of
from groundsight.train.experts.loop import Machine, Outcome, Training
from groundsight.train.experts.scoring import LogitTable, score_pictures
from groundsight.train.experts.settings import ExpertTraining
from groundsight.train.experts.state import drop_checkpoint
from groundsight.train.experts.watch import Silent, Watch
from groundsight.train.run_folder import begin_run, check_folder

SCORES_FILE = "scores.jsonl"
NO_MORE_THAN = (
    "Figures hold for pictures like those named here. It is no proof: it says how much a picture "
    "resembles the generated ones that it was fitted on."
)


class ExpertRecipe(Config):
    """What a run was asked for; a run that goes on must be asked the same."""

    name: str
    "Row of `EXPERTS`, or import path."
    data: JsonObject
    "Path, layout, splits and generators."
    backbone: str | None = None
    "Of the expert's frozen tower."
    training: ExpertTraining
    "With every default filled in."


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What came out.

    Args:
        folder: of the expert.
        card: what its `expert.json` tells.
    """

    folder: Path
    card: Mapping[str, Any]


def train_expert(
    name: str,
    choice: DataChoice,
    out: Path,
    settings: ExpertTraining,
    *,
    resume: bool = False,
    backbone: str | None = None,
    device: str = "auto",
    machine: Machine | None = None,
    watch: Watch | None = None,
) -> Trained:
    """Fit an expert, calibrate it on held-out pictures, score unseen ones, save it with its card.

    Args:
        name: row of `EXPERTS`, or import path.
        choice: which pictures.
        out: folder of the run and of the expert.
        settings: of `training_settings`.
        resume: go on with what the folder holds.
        backbone: folder or hub name of a frozen tower.
        device: torch's name of a device, or "auto".
        machine: workers, memory, how often it is saved.
        watch: who is told.

    Raises:
        UsageError: unknown expert, data that will not do, a folder that holds something else.
    """
    import torch

    check_folder(out, resume=resume)
    recipe = ExpertRecipe(
        name=name, data=_told_choice(choice), backbone=backbone, training=settings
    )
    data = read_data(choice)
    _check_same(out, recipe)
    begin_run(out, recipe, data_sha256=data.sha256, resume=resume)
    if (out / FOLDER_FILE).exists():
        return Trained(folder=out, card=read_expert_file(out).card)
    fit, valid = split_off(data.fit, settings)
    torch.manual_seed(derive_short_seed(settings.seed, "weights"))
    expert = build_expert(name, settings=settings.expert, backbone=backbone, device=device)
    training = Training(expert, settings, fit, valid, out, machine or Machine(), watch or Silent())
    outcome = training.run(resume=resume)
    card = _finish(expert, outcome, data, fit, settings, out)
    drop_checkpoint(out)
    return Trained(folder=out, card=card)


def split_off(
    pictures: Sequence[ExpertPicture], settings: ExpertTraining
) -> tuple[list[ExpertPicture], list[ExpertPicture]]:
    """Pictures to learn from, and held-out ones for early stop and temperature."""
    held = hold_out(pictures, settings.valid_rate, seed=settings.seed)
    valid = [one for one, out in zip(pictures, held, strict=True) if out]
    return (
        [one for one, out in zip(pictures, held, strict=True) if not out],
        _thinned(valid, settings.most_valid),
    )


def _thinned(pictures: list[ExpertPicture], most: int) -> list[ExpertPicture]:
    """At most so many, half a class, in an order that follows from their names."""
    if len(pictures) <= most:
        return pictures
    order = sorted(pictures, key=lambda one: derive_seed(0, "thin", one.key))
    return [one for label in (0, 1) for one in [p for p in order if p.label == label][: most // 2]]


def _finish(
    expert: Expert,
    outcome: Outcome,
    data: ExpertData,
    fit: Sequence[ExpertPicture],
    settings: ExpertTraining,
    out: Path,
) -> JsonObject:
    calibration = _calibrate(expert, outcome.valid)
    unseen = score_pictures(expert, data.unseen)
    tables = {"held_out": outcome.valid, "unseen": unseen}
    write_scores(out / SCORES_FILE, tables, expert.temperature)
    card: JsonObject = {
        "what it is not": NO_MORE_THAN,
        "data": {
            "sha256": data.sha256,
            "num_fit": len(fit),
            "num_fit_generated": sum(one.label for one in fit),
            "num_held_out": len(outcome.valid.pictures),
            "held_out_generators": sorted({row_of(p) for p in outcome.valid.pictures if p.label}),
        },
        "codec": "every scored picture: longest side at most 1024 px, JPEG 80-95",
        "training": {
            "settings": settings.model_dump(mode="json"),
            "epochs": outcome.epochs,
            "best_epoch": outcome.best_epoch,
            "seconds": round(outcome.training_s, 1),
            "num_unreadable": outcome.num_unreadable,
        },
        "calibration": None if calibration is None else asdict(calibration),
        "figures": {
            part: all_figures(table, expert.temperature)
            for part, table in tables.items()
            if len(set(table.labels.tolist())) == 2
        },
    }
    save_expert(expert, out, card)
    return card


def _calibrate(expert: Expert, held_out: LogitTable) -> Calibration | None:
    """Fit the temperature; too few held-out pictures leave it at 1."""
    try:
        fitted = fit_temperature(held_out.logits, held_out.labels)
    except UsageError:
        return None
    expert.temperature = fitted.temperature
    return fitted


def write_scores(path: Path, tables: Mapping[str, LogitTable], temperature: float) -> None:
    """A line a picture: key, part, label, row, logit before the temperature, and temperature."""
    lines = [
        json.dumps(
            {
                "key": picture.key,
                "part": part,
                "label": picture.label,
                "row": row_of(picture),
                "logit": round(float(logit), 5),
                "temperature": temperature,
            }
        )
        for part, table in tables.items()
        for picture, logit in zip(table.pictures, table.logits, strict=True)
    ]
    write_whole(path, "".join(line + "\n" for line in lines))


def _check_same(out: Path, recipe: ExpertRecipe) -> None:
    """A run that goes on with other settings would be neither the one nor the other."""
    path = out / "recipe.json"
    if not path.exists():
        return
    before, now = json.loads(path.read_text(encoding="utf-8")), recipe.model_dump(mode="json")
    differs = sorted(_paths(before) ^ _paths(now))
    if differs:
        names = ", ".join(dict.fromkeys(name for name, _ in differs))
        raise UsageError(
            f"cannot resume {out}: it was begun with other settings of {names}; give the same, or "
            "another --out"
        )


def _paths(tree: Any, name: str = "") -> set[tuple[str, str]]:
    if isinstance(tree, dict):
        return {one for key, of in tree.items() for one in _paths(of, f"{name}.{key}".strip("."))}
    return {(name, json.dumps(tree))}


def _told_choice(choice: DataChoice) -> JsonObject:
    told = asdict(choice) | {"path": str(choice.path.resolve())}
    return json.loads(json.dumps(told))  # type: ignore[no-any-return]
