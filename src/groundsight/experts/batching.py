"""Views of many pictures through a network in batches of one shape."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from groundsight.experts.base import AnyArray, Expert, FloatArray

if TYPE_CHECKING:
    from torch import Tensor


def mean_logits(expert: Expert, packed: Iterable[AnyArray], batch_size: int = 32) -> FloatArray:
    """The mean logit over each picture's views.

    Args:
        expert: in evaluation mode.
        packed: one array a picture, as `Expert.packed_views` gives it.
        batch_size: most views that go through the network at once; views of different shapes
            never share a batch.

    Returns:
        (N,) float32, in the order of the pictures.
    """
    arrays = list(packed)
    shapes: dict[tuple[object, ...], list[int]] = {}
    for index, array in enumerate(arrays):
        shapes.setdefault((array.dtype, *array.shape[1:]), []).append(index)
    out = np.zeros(len(arrays), np.float32)
    for members in shapes.values():
        logits = _logits(expert, np.concatenate([arrays[i] for i in members]), batch_size)
        ends = np.cumsum([len(arrays[i]) for i in members])
        for index, of in zip(members, np.split(logits, ends[:-1]), strict=True):
            out[index] = of.mean(dtype=np.float64)
    return out


def unpack(packed: AnyArray, device: Any = None) -> "Tensor":
    """Packed views as a float tensor (V, 3, H, W) in 0..1; uint8 pixels come channels last."""
    import torch

    tensor = torch.from_numpy(np.ascontiguousarray(packed)).to(device)
    if tensor.dtype == torch.uint8:
        tensor = tensor.permute(0, 3, 1, 2).float().div_(255.0)
    return tensor


def _logits(expert: Expert, views: AnyArray, batch_size: int) -> FloatArray:
    import torch

    parts = []
    with torch.inference_mode():
        for start in range(0, len(views), batch_size):
            batch = unpack(views[start : start + batch_size], expert.device)
            parts.append(expert.logits(batch).float().cpu().numpy())
    return np.concatenate(parts)
