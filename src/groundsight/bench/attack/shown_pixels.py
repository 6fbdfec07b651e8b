"""How what a processor makes of a picture hangs on its pixels, as a differentiable function.

Image processors of transformers resize a picture, then shift and scale each channel and lay the
pixels out in patches. Where each pixel of the resized picture goes is learnt by showing the
processor pictures whose pixels say where they are; nothing of its code is restated.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from groundsight.core.errors import UsageError
from groundsight.experts.tracing import Trace, pinned

_GREY_LEVELS = 255
_CHANNEL_GREYS = (0, 100, 200)
"Grey of each channel in the picture that tells them apart."


def trace_processor(images: Any, picture: Image.Image) -> Trace:
    """The processor's `pixel_values` as a function of the picture's pixels.

    Args:
        images: image processor that keeps one grid a picture (Qwen's families).
        picture: RGB.

    Returns:
        (3, H, W) in 0..1 → pixel_values, equal to the processor's at the picture. The gradient is
        that of an antialiased bicubic resize without rounding.

    Raises:
        UsageError: a processor that lays pictures out in another way.
    """
    wanted, size = _processed(images, picture)
    if size is None:
        raise UsageError(
            f"{type(images).__name__} lays pictures out in a way whose gradient is not known here: "
            "reasoners of Qwen's families can be attacked"
        )
    width, height = size
    black, scale, index = _layout(images, width, height)

    def smooth(pixels: Tensor) -> Tensor:
        resized = functional.interpolate(
            pixels[None], (height, width), mode="bicubic", antialias=True
        )[0].clamp(0.0, 1.0)
        where = torch.from_numpy(index).to(pixels.device)
        flat = resized.flatten()[where]
        return torch.from_numpy(black).to(flat) + torch.from_numpy(scale).to(flat) * flat

    return pinned(smooth, picture, wanted)


def _layout(
    images: Any, width: int, height: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Value of black, value of white less that of black, and place in (3, H, W) of each element."""

    def shown(greys: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        full = np.broadcast_to(greys, (height, width, 3)).astype(np.uint8)
        values, size = _processed(images, Image.fromarray(full))
        if size != (width, height):
            raise UsageError(f"{type(images).__name__} resizes a picture that has its own size")
        return values

    black, white = shown(np.array(0)), shown(np.array(_GREY_LEVELS))
    scale = white - black

    def read(greys: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        levels = (shown(greys) - black) / np.where(scale == 0, 1, scale) * _GREY_LEVELS
        return np.rint(levels).astype(np.int64)

    rows = _number(np.arange(height)[:, None, None], read)
    columns = _number(np.arange(width)[None, :, None], read)
    greys = read(np.array(_CHANNEL_GREYS))
    channels = np.searchsorted(_CHANNEL_GREYS, greys)
    return black, scale, (channels * height + rows) * width + columns


def _number(
    values: npt.NDArray[np.int64],
    read: Callable[[npt.NDArray[np.int64]], npt.NDArray[np.int64]],
) -> npt.NDArray[np.int64]:
    """A number at every element, shown to the processor as two greys."""
    return read(values & 255) + (read(values >> 8) << 8)


def _processed(
    images: Any, picture: Image.Image
) -> tuple[npt.NDArray[np.float32], tuple[int, int] | None]:
    """What a processor makes of a picture, and the size it has then; None where it has no grid."""
    made = images(images=[picture], return_tensors="pt")
    values = made["pixel_values"].float().numpy()
    grid = made.get("image_grid_thw")
    if grid is None:
        return values, None
    _, rows, columns = (int(count) for count in grid[0])
    side = int(images.patch_size)
    return values, (columns * side, rows * side)
