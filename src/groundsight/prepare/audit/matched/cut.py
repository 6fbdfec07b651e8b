"""One picture: to sRGB, cut to a square, coded."""

import io
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageCms

from groundsight.core.errors import PictureError
from groundsight.core.types import SampleRegion
from groundsight.prepare.audit.header import describe_profile
from groundsight.vision.codecs import Codec, encode
from groundsight.vision.images import Picture, RGBArray, open_header

SUBSAMPLING = "4:2:0"
# Noise that no eye sees weighs much in a fine JPEG and nothing in a coarse one: both are asked.
_REFERENCES = tuple(
    Codec(format="jpeg", quality=quality, subsampling=SUBSAMPLING) for quality in (75, 92)
)
# Blocks of an earlier JPEG then fall on the new ones, which hides them best.
_BLOCK_PX = 16


class Corner(NamedTuple):
    """Upper left corner of a square, in pixels of the picture after EXIF rotation."""

    x: int
    y: int


def central_square(width: int, height: int, side: int) -> Corner:
    """Where the central square lies; the corner is on the grid of JPEG's blocks."""
    x, y = ((length - side) // 2 // _BLOCK_PX * _BLOCK_PX for length in (width, height))
    return Corner(x, y)


def cut(rgb: RGBArray, corner: Corner, side: int) -> RGBArray:
    """The square of a picture."""
    return np.ascontiguousarray(rgb[corner.y : corner.y + side, corner.x : corner.x + side])


def busyness(rgb: RGBArray, side: int) -> float:
    """Bytes a pixel of the central square, the geometric mean over two fixed qualities."""
    height, width = rgb.shape[:2]
    square = cut(rgb, central_square(width, height, side), side)
    sizes = [len(encode(square, codec)) / side**2 for codec in _REFERENCES]
    return math.prod(sizes) ** (1 / len(sizes))


def to_srgb(picture: Picture) -> tuple[RGBArray, str]:
    """A picture's colours in sRGB, and the profile that they were converted from.

    Returns:
        "" for the profile where nothing was converted: there is none, it is sRGB, or it cannot be
        read (a colour space other than RGB counts as that).
    """
    profile = _read_profile(picture.data)
    if profile is None:
        return picture.rgb, ""
    said = describe_profile(profile)
    if said == "unreadable" or "srgb" in said.lower():
        return picture.rgb, ""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if source.profile.xcolor_space.strip() != "RGB":
            return picture.rgb, ""
        converted = ImageCms.profileToProfile(
            Image.fromarray(picture.rgb), source, ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except Exception:  # lcms refuses what it cannot use in several ways
        return picture.rgb, ""
    return (picture.rgb, "") if converted is None else (np.asarray(converted), said)


def _read_profile(data: bytes) -> bytes | None:
    try:
        with open_header(data) as (image, _):
            profile = image.info.get("icc_profile")
    except PictureError:
        return None
    return profile if isinstance(profile, bytes) and profile else None


def cut_regions(
    regions: Sequence[SampleRegion], *, size: tuple[int, int], corner: Corner, side: int
) -> tuple[SampleRegion, ...]:
    """The regions as they lie in the square; those outside it are gone.

    Args:
        regions: of the whole picture.
        size: its width and height.
        corner: of the square.
        side: of the square.
    """
    cut_off: list[SampleRegion] = []
    for region in regions:
        scale = (*size, *size) if region.frame == "xyxy_unit" else (1, 1, 1, 1)
        shifts = (corner.x, corner.y, corner.x, corner.y)
        x0, y0, x1, y1 = (
            min(max(value * factor - shift, 0.0), float(side))
            for value, factor, shift in zip(region.xyxy, scale, shifts, strict=True)
        )
        if x1 - x0 >= 1 and y1 - y0 >= 1:
            update = {"xyxy": (x0, y0, x1, y1), "frame": "xyxy_px"}
            cut_off.append(region.model_copy(update=update))
    return tuple(cut_off)
