"""Photographs in, a pretrained nano base out."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from groundsight.core.errors import UsageError
from groundsight.data.run_folder import alone
from groundsight.models.nano import build_nano
from groundsight.models.nano_size import BASE
from groundsight.models.shipped import FAMILY
from groundsight.synth.edits.bold import BOLD
from groundsight.synth.photos import Photo, scan_photos
from groundsight.train.pretrain.card import write_card
from groundsight.train.pretrain.dense import DenseLesson
from groundsight.train.pretrain.scenes import SceneMaker
from groundsight.train.pretrain.settings import PretrainSettings
from groundsight.train.pretrain.stage import Place, checkpoint, train_stage
from groundsight.train.pretrain.text import TextLesson
from groundsight.train.pretrain.together import run_together


def pretrain(
    photos: Sequence[str],
    folder: Path,
    settings: PretrainSettings,
    *,
    processes: int = 1,
    stages: Sequence[str] = ("dense", "text"),
) -> None:
    """Pretrain; go on from the checkpoints that lie in the folder. One run at a time in it.

    Args:
        photos: files.
        folder: of checkpoints, log and, at the end, `base/`.
        settings: see there.
        processes: one thread each.
        stages: to take now.

    Raises:
        UsageError: no usable photograph, or another run is in the folder.
    """
    with alone(folder):  # then the first process keeps others out: it may outlive this one
        pass
    (folder / "settings.json").write_text(settings.model_dump_json(indent=1) + "\n", "utf-8")
    found = scan_photos(photos, seed=settings.seed).photos
    run_together(_work, (folder, found, settings, tuple(stages)), num=processes)


def _work(
    rank: int,
    num: int,
    folder: Path,
    photos: tuple[Photo, ...],
    settings: PretrainSettings,
    stages: tuple[str, ...],
) -> None:
    torch.set_num_threads(1)
    place = Place(rank=rank, num=num, folder=folder, say=_say)
    with alone(folder) if rank == 0 else nullcontext():
        _train(place, photos, settings, stages)


def _train(
    place: Place, photos: tuple[Photo, ...], settings: PretrainSettings, stages: tuple[str, ...]
) -> None:
    maker = SceneMaker(photos, settings)
    model, processor, dense = start_lesson(settings)
    if "dense" in stages:
        dense.whiten(maker)
        train_stage(dense, maker, settings, place, steps=settings.dense_steps)
    if "text" in stages:
        load_modules(dense.modules, checkpoint(place.folder, dense.name))
        text = TextLesson(model, processor, dense, settings)
        train_stage(text, maker, settings, place, steps=settings.text_steps)
        if place.rank == 0:
            save_base(model, processor, place.folder / "base")
            card = write_card(
                settings,
                num_parameters=sum(parameter.numel() for parameter in model.parameters()),
                num_photos=len(photos),
                bold=BOLD,
            )
            (place.folder / "base" / "README.md").write_text(card, encoding="utf-8")


def start_lesson(settings: PretrainSettings) -> tuple[Any, Any, DenseLesson]:
    """Model of random weights, its processor, and the first lesson with its tower."""
    size = replace(BASE, max_pixels=settings.size_px**2)  # larger pictures are shrunk to that
    model, processor = build_nano(FAMILY, seed=settings.seed, size=size)
    model.train()
    return model, processor, DenseLesson(model, processor, settings)


def load_modules(modules: Mapping[str, nn.Module], file: Path) -> None:
    """Take weights from a stage's checkpoint.

    Raises:
        UsageError: there is none.
    """
    if not file.exists():
        raise UsageError(f"{file} is not there: run that stage of the pretraining first")
    held = torch.load(file, weights_only=True)
    for name, module in modules.items():
        module.load_state_dict(held[name])


def save_base(model: Any, processor: Any, folder: Path) -> None:
    """Write a normal model folder, its weights in float16."""
    whole = {name: value.half() for name, value in model.state_dict().items()}
    model.save_pretrained(folder, state_dict=whole)
    processor.save_pretrained(folder)


def _say(line: str) -> None:
    print(line, flush=True)
