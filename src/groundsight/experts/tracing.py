"""How an expert's views hang on the pixels of one picture, as a differentiable function.

    views_of = expert.trace(picture)
    logit = expert.logits(views_of(pixels)).mean()      # pixels: (3, H, W) in 0..1, a tensor
    logit.backward()

An attack follows it from the logit to the pixels; a heat map goes the same way back. Where the
views depend on what the picture shows (which patches are richest), the choice is that of the
picture that was traced.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image

from groundsight.core.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

    from groundsight.experts.base import AnyArray, Expert

Trace = Callable[["Tensor"], "Tensor"]
"(3, H, W) pixels in 0..1 → (V, 3, h, w) views in 0..1."
OUTSIDE = -1
"Index of a pixel that is not of the picture: black."


def to_pixels(picture: Image.Image, device: object = None) -> "Tensor":
    """An RGB picture as a tensor (3, H, W) in 0..1."""
    import torch

    array = np.array(picture, dtype=np.uint8).transpose(2, 0, 1)
    return torch.from_numpy(np.ascontiguousarray(array)).to(device).float() / 255.0


def trace_moved(expert: "Expert", picture: Image.Image) -> Trace:
    """Follow the pixels of an expert whose views are pixels of the picture, each moved somewhere.

    The expert is shown a picture of the same size whose pixels say where they are.

    Raises:
        UsageError: the expert mixes or changes pixels; it must define `trace` itself.
    """
    columns, rows = (
        _read_numbers(expert.packed_views(Image.fromarray(numbers)))
        for numbers in _place_pictures(picture.size)
    )
    index = np.where(columns < 0, OUTSIDE, rows * picture.width + columns)
    if not np.array_equal(_moved(picture, index), expert.packed_views(picture)):
        raise UsageError(
            f"{expert.card.name} does not show pixels as they are: it must say itself how its "
            "views hang on the picture (Expert.trace)"
        )
    return gather(index)


def gather(index: npt.NDArray[np.int64]) -> Trace:
    """Views whose pixels are those of the picture at flat places (V, h, w); −1 is black."""
    import torch

    places = torch.from_numpy(index + 1)

    def views_of(pixels: "Tensor") -> "Tensor":
        flat = torch.nn.functional.pad(pixels.flatten(1), (1, 0))  # place 0 is black
        return flat[:, places.to(pixels.device)].transpose(0, 1)

    return views_of


def resized(pixels: "Tensor", size: tuple[int, int]) -> "Tensor":
    """Pixels (3, H, W) at another height and width, without rounding: a stand-in for Pillow's."""
    from torch.nn.functional import interpolate

    return interpolate(pixels[None], size, mode="bilinear", antialias=True)[0]


def pinned(smooth: Trace, picture: Image.Image, views: "AnyArray") -> Trace:
    """A function with the gradient of `smooth` that gives exactly `views` at the picture.

    Args:
        smooth: a differentiable stand-in, e.g. a resize without rounding.
        picture: where both must agree.
        views: (V, 3, h, w) float32 in 0..1.
    """
    import torch

    with torch.no_grad():
        missing = torch.from_numpy(views) - smooth(to_pixels(picture))

    def views_of(pixels: "Tensor") -> "Tensor":
        return smooth(pixels) + missing.to(pixels.device)

    return views_of


def _place_pictures(size: tuple[int, int]) -> tuple["AnyArray", "AnyArray"]:
    """Two pictures of that size: in one every pixel holds its column + 1, in the other its row."""
    width, height = size
    columns = np.broadcast_to(np.arange(1, width + 1), (height, width))
    rows = np.broadcast_to(np.arange(1, height + 1)[:, None], (height, width))
    return _numbers(columns), _numbers(rows)


def _numbers(values: npt.NDArray[np.int64]) -> "AnyArray":
    parts = (values & 255, values >> 8 & 255, values >> 16)
    return np.stack(parts, axis=-1).astype(np.uint8)


def _read_numbers(packed: "AnyArray") -> npt.NDArray[np.int64]:
    """Column or row of each pixel of the views; −1 where none of the picture is."""
    parts = packed.astype(np.int64)
    if packed.dtype != np.uint8:  # views of floats are no moved pixels; what follows says so
        return np.zeros((packed.shape[0], *packed.shape[-2:]), np.int64)
    read: npt.NDArray[np.int64] = parts[..., 0] + (parts[..., 1] << 8) + (parts[..., 2] << 16) - 1
    return read


def _moved(picture: Image.Image, index: npt.NDArray[np.int64]) -> "AnyArray":
    flat = np.asarray(picture).reshape(-1, 3)
    if index.max() >= len(flat):
        return flat
    return np.where(index[..., None] < 0, np.uint8(0), flat[np.maximum(index, 0)])
