"""What each patch and each visual token of a scene is told: what lies there, and where it ends."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from groundsight.train.pretrain.scenes import Scene

_MIN_SHARE = 0.3  # of the smaller of thing and cell: a cell that sees less of it is not told
_MERGE = 2


class DenseLabels(NamedTuple):
    """Of B scenes with T visual tokens and 4·T patches each, in the order of the tower."""

    patch_kinds: torch.Tensor
    "(B, 4·T) int64: 0 where nothing lies, else 1 + the kind."
    token_kinds: torch.Tensor
    "(B, T) int64, likewise."
    boxes: torch.Tensor
    "(B, T, 4) float32: box of the thing there, 0 to 1 over the picture."


def dense_labels(scenes: Sequence[Scene], names: Sequence[str], *, cells: int) -> DenseLabels:
    """Labels of equally large square scenes.

    Args:
        scenes: B of them.
        names: of the kinds.
        cells: visual tokens along a side.
    """
    index = {name: 1 + at for at, name in enumerate(names)}
    fine = [_cells(scene, index, cells * _MERGE)[0] for scene in scenes]
    coarse = [_cells(scene, index, cells) for scene in scenes]
    patches = torch.from_numpy(np.stack(fine))
    patches = patches.unflatten(2, (cells, _MERGE)).unflatten(1, (cells, _MERGE))
    return DenseLabels(
        patches.permute(0, 1, 3, 2, 4).flatten(1),
        torch.from_numpy(np.stack([kinds for kinds, _ in coarse])).flatten(1),
        torch.from_numpy(np.stack([boxes for _, boxes in coarse])).flatten(1, 2),
    )


def _cells(
    scene: Scene, index: dict[str, int], cells: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """(cells, cells) kind and (cells, cells, 4) box: in each cell the thing that covers most."""
    side = scene.rgb.shape[0]
    pitch = side / cells
    low = np.arange(cells) * pitch
    kinds = np.zeros((cells, cells), dtype=np.int64)
    boxes = np.zeros((cells, cells, 4), dtype=np.float32)
    most = np.zeros((cells, cells))
    for thing in scene.things:
        x0, y0, x1, y1 = thing.xyxy_px
        wide = np.clip(np.minimum(x1, low + pitch) - np.maximum(x0, low), 0, None)
        tall = np.clip(np.minimum(y1, low + pitch) - np.maximum(y0, low), 0, None)
        covered = np.outer(tall, wide)
        told = covered >= _MIN_SHARE * min((x1 - x0) * (y1 - y0), pitch * pitch)
        told &= covered > most
        most[told] = covered[told]
        kinds[told] = index[thing.name]
        boxes[told] = np.array(thing.xyxy_px, dtype=np.float32) / side
    return kinds, boxes
