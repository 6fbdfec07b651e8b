"""Crops of a picture: the official centre crop, a grid of crops, and what is done when it is small.

Everything is cut from the picture's own pixels; nothing is resized, because resizing wipes out
what these experts look for.
"""

import math
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image
from pydantic import Field, field_validator

from groundsight.experts.base import AnyArray, ExpertSettings

MAX_SIDE = 2048
"Of a whole picture; a larger one is cut to its centre, so that memory stays bounded."
WHOLE = "none"
"How a command line writes that the whole picture is shown."


class CropSettings(ExpertSettings):
    """What is shown of a picture."""

    crop: int | None = Field(default=224, ge=8, le=MAX_SIDE)
    "Side of the square crops in pixels; None shows the whole picture (at most 2048 px a side)."
    grid: int = Field(default=1, ge=1, le=8)
    "grid × grid crops, evenly spread; 1 is the centre crop. The logits are averaged."
    small: Literal["pad", "tile"] = "pad"
    "A picture smaller than the crop is padded with black (torchvision) or repeated (NPR's)."

    @field_validator("crop", mode="before")
    @classmethod
    def _none_if_whole(cls, value: object) -> object:
        return None if value == WHOLE else value


def crop_views(picture: Image.Image, settings: CropSettings) -> AnyArray:
    """The crops that the settings ask for.

    Args:
        picture: RGB.
        settings: how many, how large.

    Returns:
        (V, H, W, 3) uint8; V = grid², or 1 for a whole picture.
    """
    if settings.crop is None:
        return _whole(picture)
    cut = _tiled_cut if settings.small == "tile" else _padded_cut
    places = [(index + 0.5) / settings.grid for index in range(settings.grid)]
    return np.stack([cut(picture, settings.crop, x, y) for y in places for x in places])


def _padded_cut(picture: Image.Image, side: int, at_x: float, at_y: float) -> AnyArray:
    """A crop; where the picture is smaller, black lies around it as torchvision's CenterCrop pads.

    The smaller half of the missing pixels lies left and above.
    """
    left, top = (
        -((side - length) // 2) if length < side else _start(length, side, at)
        for length, at in ((picture.width, at_x), (picture.height, at_y))
    )
    return np.asarray(picture.crop((left, top, left + side, top + side)))


def _tiled_cut(picture: Image.Image, side: int, at_x: float, at_y: float) -> AnyArray:
    """A crop; a smaller picture is repeated whole, right and down, until both sides suffice.

    Source: NPR's author on GenImage, issue 23 of the official repository. The repeated picture is
    never drawn: only the pixels of the crop are taken.
    """
    left, columns = _wrapped(picture.width, side, at_x)
    top, rows = _wrapped(picture.height, side, at_y)
    box = (left, top, left + min(side, picture.width), top + min(side, picture.height))
    return np.asarray(picture.crop(box))[np.ix_(rows, columns)]


def _wrapped(length: int, side: int, at: float) -> tuple[int, npt.NDArray[np.intp]]:
    """Where the pixels that are needed start, and which of them each pixel of the crop is."""
    if length >= side:
        return _start(length, side, at), np.arange(side)
    start = _start(length * math.ceil(side / length), side, at)
    return 0, (start + np.arange(side)) % length


def _whole(picture: Image.Image) -> AnyArray:
    width, height = (min(side, MAX_SIDE) for side in picture.size)
    left, top = _start(picture.width, width, 0.5), _start(picture.height, height, 0.5)
    return np.asarray(picture.crop((left, top, left + width, top + height)))[None]


def _start(length: int, side: int, at: float) -> int:
    # Python rounds halves to even, and so does torchvision's CenterCrop.
    return round((length - side) * at)
