"""Traces in the pixels that no header shows: earlier JPEGs, block grids, enlargement.

They are what re-coding both classes alike cannot take away. Judged apart from the headers, for a
picture must be decoded for them.
"""

from collections.abc import Callable, Sequence

from groundsight.core.errors import PictureError
from groundsight.data.packed import open_image
from groundsight.forensics.jpeg_history import (
    block_phase,
    central_luma,
    find_earlier_jpeg,
    read_luminance_table,
)
from groundsight.forensics.resampling import resampling_line
from groundsight.prepare.audit.dataset import Member
from groundsight.prepare.audit.shortcuts import Feature
from groundsight.prepare.audit.threads import map_in_threads

MOST_PICTURES = 2000
TOLD = ("earlier JPEG", "earlier quality", "enlargement")
_CROP_PX = 512
_LEAST_PX = 32


def read_traces(
    members: Sequence[Member],
    *,
    workers: int = 1,
    advance: Callable[[int], None] = lambda _: None,
) -> list[dict[str, Feature]]:
    """Features of every member's pixels; a picture that cannot be decoded has none.

    Args:
        members: whose pictures to decode.
        workers: threads; Pillow decodes outside the interpreter's lock.
        advance: told how many more are done.
    """
    found: list[dict[str, Feature]] = []
    for _, row in map_in_threads(_traces, members, workers):
        advance(1)
        found.append(row)
    return found


def _traces(member: Member) -> dict[str, Feature]:
    try:
        picture = open_image(member.path)
    except PictureError:
        return {}
    luma = central_luma(picture.rgb, side_px=_CROP_PX, grid_px=16)
    if min(luma.shape) < _LEAST_PX:
        return {}
    table = read_luminance_table(picture.data) if picture.format == "jpeg" else None
    earlier = find_earlier_jpeg(luma, table)
    line, frequency = resampling_line(luma)
    return {
        "earlier JPEG": "none" if earlier is None else _where(earlier.offset_px),
        "earlier quality": None if earlier is None else float(earlier.quality),
        "earlier score": None if earlier is None else earlier.score,
        "column phase": float(block_phase(luma, axis=1)),
        "row phase": float(block_phase(luma, axis=0)),
        "enlargement": line,
        "enlargement frequency": frequency,
    }


def _where(offset_px: tuple[int, int]) -> str:
    return "same grid" if offset_px == (0, 0) else "shifted grid"
