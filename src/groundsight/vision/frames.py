"""Frames: what the numbers of a box mean, by model family, and the one converter.

| frame | numbers are |
|---|---|
| `xyxy_px` | pixels of the original picture after EXIF rotation |
| `xyxy_unit` | fractions of its width and height, 0 to 1 |
| `xyxy_model:FAMILY` | what that family writes: pixels of the resized picture, or 0 to 1000 |

    frame = model_frame("qwen2_5_vl")
    convert(Boxes([[0, 0, 500, 500]], frame), "xyxy_px", PictureSize(1920, 1080))
"""

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from groundsight.core.errors import FrameError
from groundsight.core.table import Table
from groundsight.vision.boxes import PX, UNIT, Boxes

MODEL_PREFIX = "xyxy_model:"


class PictureSize(NamedTuple):
    """Width and height in pixels, after EXIF rotation."""

    width: int
    height: int


@dataclass(frozen=True, kw_only=True)
class Family:
    """How one model family sees a picture and writes boxes.

    Args:
        writes: "resized_px": pixels of the picture after `smart_resize`; "per_mille": 0 to 1000
            over the whole picture.
        factor: the sides of the resized picture are multiples of this many pixels (InternVL cuts
            it into tiles of this side instead of calling `smart_resize`).
        min_pixels: fewest pixels of the resized picture (of the published processor).
        max_pixels: most pixels of the resized picture (of the published processor).
        source: where the convention is written down.
    """

    writes: Literal["resized_px", "per_mille"]
    factor: int
    min_pixels: int
    max_pixels: int
    source: str


# Pixel limits are those of the published preprocessor_config.json, which are wider than the
# defaults of the processor's class (28·28·1280) and differ from what a deployment may set: pass
# the processor's own limits to `convert` wherever they are known.
FAMILIES: Table[Family] = Table(
    "model family",
    {
        "qwen2_vl": Family(
            writes="per_mille",
            factor=28,
            min_pixels=3136,
            max_pixels=12_845_056,
            source="Qwen2-VL report (arXiv 2409.12191): boxes normalised to [0, 1000); limits: "
            "preprocessor_config.json of Qwen/Qwen2-VL-2B",
        ),
        "qwen2_5_vl": Family(
            writes="resized_px",
            factor=28,
            min_pixels=3136,
            max_pixels=12_845_056,
            source="QwenLM/Qwen3-VL issues 676 and 866, maintainers: absolute pixels of the size "
            "after the processor; limits: preprocessor_config.json of Qwen2.5-VL-Instruct",
        ),
        "qwen3_vl": Family(
            writes="per_mille",
            factor=32,
            min_pixels=65_536,
            max_pixels=16_777_216,
            source="QwenLM/Qwen3-VL cookbooks/2d_grounding.ipynb: relative coordinates 0 to 1000; "
            "limits: preprocessor_config.json of Qwen3-VL-Instruct (patch 16, merge 2)",
        ),
        "internvl": Family(
            writes="per_mille",
            factor=448,
            min_pixels=448 * 448,
            max_pixels=448 * 448 * 12,
            source="InternVL documentation, chat data format, grounding: round(x / width · 1000); "
            "tiles of 448 px, 1 to 12: config.json of OpenGVLab/InternVL3_5-8B",
        ),
    },
)


def model_frame(family: str) -> str:
    """The frame name of what a family writes.

    Raises:
        UnknownNameError: no such family.
    """
    _ = FAMILIES[family]
    return MODEL_PREFIX + family


def smart_resize(
    size: PictureSize, *, factor: int, min_pixels: int, max_pixels: int
) -> PictureSize:
    """The size at which a Qwen-VL processor shows a picture to the model.

    Args:
        size: the original size.
        factor: sides become multiples of this, > 0.
        min_pixels: the result has at least this many pixels, > 0.
        max_pixels: the result has at most this many pixels, unless a side is already one `factor`.

    Returns:
        Width and height, each a positive multiple of `factor`.

    Raises:
        FrameError: a side is not positive, one side is over 200 times the other (the official
            processors refuse such pictures), or the limits are not 0 < min <= max.

    Source: `smart_resize` of the Qwen2-VL image processor in transformers; numbers agree with it,
    also where a side rounds to 0 (there qwen-vl-utils gives another size).
    """
    width, height = size
    if width <= 0 or height <= 0:
        raise FrameError(f"a picture has positive sides, got {width}×{height}")
    if factor <= 0 or not 0 < min_pixels <= max_pixels:
        text = f"factor {factor}, min_pixels {min_pixels}, max_pixels {max_pixels}"
        raise FrameError(f"resizing needs factor > 0 and 0 < min_pixels <= max_pixels, got {text}")
    if max(width, height) / min(width, height) > 200:
        raise FrameError(f"the model's processor refuses {width}×{height}: aspect ratio over 200")
    new_w, new_h = round(width / factor) * factor, round(height / factor) * factor
    if new_w * new_h > max_pixels:
        scale = math.sqrt(width * height / max_pixels)
        new_w = max(factor, math.floor(width / scale / factor) * factor)
        new_h = max(factor, math.floor(height / scale / factor) * factor)
    elif new_w * new_h < min_pixels:
        scale = math.sqrt(min_pixels / (width * height))
        new_w = math.ceil(width * scale / factor) * factor
        new_h = math.ceil(height * scale / factor) * factor
    return PictureSize(new_w, new_h)


def frame_extent(
    frame: str,
    size: PictureSize,
    *,
    min_pixels: int | None = None,
    max_pixels: int | None = None,
) -> tuple[float, float]:
    """The numbers that a frame gives to the picture's right and bottom edge.

    Args:
        frame: a frame name.
        size: the original picture's size.
        min_pixels: of the processor, where it is not the family's default.
        max_pixels: likewise.

    Returns:
        (right, bottom), e.g. (1.0, 1.0) for `xyxy_unit`.

    Raises:
        FrameError: unknown frame, or a size the family's processor refuses.
        UnknownNameError: unknown family.
    """
    if frame == PX:
        return float(size.width), float(size.height)
    if frame == UNIT:
        return 1.0, 1.0
    if not frame.startswith(MODEL_PREFIX):
        raise FrameError(f"unknown frame {frame!r}: use {PX}, {UNIT} or {MODEL_PREFIX}FAMILY")
    family = FAMILIES[frame.removeprefix(MODEL_PREFIX)]
    if family.writes == "per_mille":
        return 1000.0, 1000.0
    resized = smart_resize(
        size,
        factor=family.factor,
        min_pixels=family.min_pixels if min_pixels is None else min_pixels,
        max_pixels=family.max_pixels if max_pixels is None else max_pixels,
    )
    return float(resized.width), float(resized.height)


def convert(
    boxes: Boxes,
    to: str,
    size: PictureSize,
    *,
    min_pixels: int | None = None,
    max_pixels: int | None = None,
) -> Boxes:
    """The same rectangles in another frame.

    Args:
        boxes: in any frame.
        to: the frame to convert to.
        size: the original picture's size.
        min_pixels: of the processor, where it is not the family's default.
        max_pixels: likewise.

    Returns:
        Boxes in `to`, neither clipped nor rounded, so that the way back is exact up to rounding.

    Raises:
        FrameError: unknown frame, or a size the family's processor refuses.
        UnknownNameError: unknown family.
    """
    budget = {"min_pixels": min_pixels, "max_pixels": max_pixels}
    from_extent = np.array(frame_extent(boxes.frame, size, **budget) * 2)
    to_extent = np.array(frame_extent(to, size, **budget) * 2)
    return Boxes(boxes.xyxy / from_extent * to_extent, to)
