"""What a pretrained tower sees: each edit apart, on photographs that it was not pretrained on.

    rows = look(Path("runs/nano_base"), photos, num=200)
    rows[0].auc, rows[0].iou

With these figures the edits of the demo are chosen; the demo's own photographs stay out of it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from groundsight.core.errors import UsageError
from groundsight.core.seeds import make_rng
from groundsight.metrics.classification import roc_auc
from groundsight.metrics.localisation import mean_union_iou
from groundsight.synth.edits import EDITS
from groundsight.synth.photos import scan_photos
from groundsight.train.pretrain.dense import DenseLesson
from groundsight.train.pretrain.run import load_modules, start_lesson
from groundsight.train.pretrain.scenes import Scene, SceneMaker
from groundsight.train.pretrain.settings import PretrainSettings
from groundsight.train.pretrain.stage import checkpoint
from groundsight.train.pretrain.text import TextLesson
from groundsight.train.pretrain.tower import grid_of
from groundsight.vision.boxes import Boxes, FloatArray

_BATCH = 50


class Sight(NamedTuple):
    """How well one kind of edit is seen."""

    tag: str
    num: int
    "Edited pictures; as many untouched ones stand against them."
    auc: float
    "0 to 1: the strongest sign of anything, edited against untouched."
    iou: float
    "0 to 1: mean over edited pictures, of the box read where the sign is strongest."


def look(folder: Path, photos: Sequence[str], *, num: int = 200) -> list[Sight]:
    """Show single edits and untouched crops to the tower of a pretraining.

    Args:
        folder: of the pretraining, with `settings.json` and a checkpoint.
        photos: files; none that it was pretrained on.
        num: pictures of each kind.

    Returns:
        A row for each operator of the settings.

    Raises:
        UsageError: there is no checkpoint, or no usable photograph.
    """
    dense, settings = _read(folder)
    maker = SceneMaker(scan_photos(list(photos), seed=settings.seed).photos, settings)
    rng = make_rng(settings.seed, "sight")
    untouched = _signs(dense, [maker.single(rng, None) for _ in range(num)]).strongest
    rows = []
    for name in dict.fromkeys(settings.edits):
        scenes = [maker.single(rng, name) for _ in range(num)]
        seen = _signs(dense, scenes)
        labels = np.repeat([0, 1], num)
        rows.append(
            Sight(
                EDITS[name].tag,
                num,
                roc_auc(labels, np.concatenate([untouched, seen.strongest])),
                mean_union_iou(
                    [Boxes.px(box[None] * settings.size_px).ordered() for box in seen.boxes],
                    [Boxes.px([scene.things[-1].xyxy_px]) for scene in scenes],
                ),
            )
        )
    return rows


def _read(folder: Path) -> tuple[DenseLesson, PretrainSettings]:
    try:
        told = (folder / "settings.json").read_text(encoding="utf-8")
    except OSError:
        raise UsageError(f"{folder} is no folder of a pretraining: no settings.json") from None
    settings = PretrainSettings.model_validate_json(told)
    model, _, dense = start_lesson(settings)
    last = checkpoint(folder, TextLesson.name)
    if last.exists():
        load_modules({"model": model, "heads": dense.heads}, last)
    else:
        load_modules(dense.modules, checkpoint(folder, dense.name))
    return dense, settings


class _Signs(NamedTuple):
    strongest: FloatArray
    "(B,): 0 to 1, of the visual token that is surest of something."
    boxes: FloatArray
    "(B, 4): x0, y0, x1, y1 over the picture's side, as read there."


def _signs(dense: DenseLesson, scenes: Sequence[Scene]) -> _Signs:
    strongest, boxes = [], []
    for start in range(0, len(scenes), _BATCH):
        part = scenes[start : start + _BATCH]
        rows = dense.rows(np.stack([scene.rgb for scene in part]))
        grid = grid_of(dense.settings.size_px, len(part))
        with torch.no_grad():
            tokens = dense.tower(rows, grid_thw=grid, return_dict=True).pooler_output
            tokens = tokens.unflatten(0, (len(part), -1))
            something = 1 - dense.heads.kind(tokens).softmax(-1)[..., 0]
            found = something.max(dim=1)
            read = dense.heads.box(tokens)[torch.arange(len(part)), found.indices]
        strongest.append(found.values)
        boxes.append(read)
    return _Signs(torch.cat(strongest).double().numpy(), torch.cat(boxes).double().numpy())
