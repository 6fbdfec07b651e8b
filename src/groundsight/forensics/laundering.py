"""Laundering signs: what happened to the file since the picture was made.

A sign does not say real or generated. It says that traces were worn down on the way, so that the
absence of a mark means less and a signal expert is less sure. Kept are the four signs that could
be measured to be reliable: strong compression, an earlier JPEG, enlargement, and a file that says
it is a screenshot. A screenshot that does not say so, a picture made smaller and a messenger's
usual sizes are not told apart from ordinary pictures here, and no sign is made of them.
"""

import re
from typing import Any

from groundsight.core.report import Evidence
from groundsight.forensics.finding import Finding, Says
from groundsight.forensics.jpeg_history import (
    EarlierJpeg,
    Float32Array,
    IntArray,
    central_luma,
    estimate_quality,
    find_earlier_jpeg,
    read_luminance_table,
)
from groundsight.forensics.metadata.fields import FileMetadata, read_file_metadata
from groundsight.forensics.metadata.source_type import source_type_name
from groundsight.forensics.resampling import MIN_LINE, resampling_line
from groundsight.vision.images import Picture, RGBArray

CROP_PX = 512
MIN_SIDE_PX = 64
# Below this quality the last compression alone has erased most fine traces.
STRONG_QUALITY = 70
# An earlier JPEG finer than this has changed little; it is told, but lowers nothing.
HARMLESS_QUALITY = 90
_SCREENSHOT_FIELDS = re.compile(r"(exif:(UserComment|Software)|text:(Software|Source|Comment))")
_SCREENSHOT = re.compile(
    r"^Screenshot$|\b(gnome-screenshot|Flameshot|Spectacle|Greenshot|ShareX|Snipping Tool)\b", re.I
)


def read_laundering(picture: Picture) -> list[Finding]:
    """Signs that a picture was re-shipped, one finding a sign.

    Returns:
        Any of `strong-compression`, `earlier-jpeg`, `enlarged`, `screenshot`; they point to
        LAUNDERED, except an earlier JPEG of quality 90 or more, which points nowhere. Empty for
        most pictures. Never raises.
    """
    metadata = read_file_metadata(picture.data)
    table = read_luminance_table(picture.data) if picture.format == "jpeg" else None
    findings = [] if table is None else _compression(table)
    if min(picture.width, picture.height) >= MIN_SIDE_PX:
        stored = _as_stored(picture.rgb, metadata)
        luma = central_luma(stored, side_px=CROP_PX, grid_px=8)
        findings += _earlier_jpeg(find_earlier_jpeg(luma, table), picture.format)
        findings += _enlarged(luma)
    return findings + _screenshot(metadata)


def _as_stored(rgb: RGBArray, metadata: FileMetadata) -> RGBArray:
    """Undo the EXIF rotation, so that blocks lie on the file's own grid again."""
    value = metadata.exif.get("Orientation")
    orientation = int(value.number) if value and value.number else 1
    if orientation in (5, 6, 7, 8):
        rgb = rgb.swapaxes(0, 1)
    if orientation in (2, 3, 7, 8):
        rgb = rgb[:, ::-1]
    if orientation in (3, 4, 6, 7):
        rgb = rgb[::-1]
    return rgb


def _compression(table: IntArray) -> list[Finding]:
    quality = estimate_quality(table)
    if quality >= STRONG_QUALITY:
        return []
    text = f"The JPEG is stored at quality {quality} or so, which erases most fine traces."
    return [_finding("strong-compression", text, {"quality": quality}, Says.LAUNDERED)]


def _earlier_jpeg(earlier: EarlierJpeg | None, fmt: str) -> list[Finding]:
    if earlier is None:
        return []
    now = "saved as JPEG again" if fmt == "jpeg" else f"saved as {fmt.upper()}"
    x, y = earlier.offset_px
    cropped = f", and cut so that its blocks start {x}, {y} pixels off" if x or y else ""
    text = (
        f"The picture was a JPEG of about quality {earlier.quality} before it was {now}{cropped}."
    )
    detail = {
        "earlier_quality": earlier.quality,
        "score": round(earlier.score, 3),
        "offset_px": [x, y],
    }
    harmless = earlier.quality >= HARMLESS_QUALITY
    return [_finding("earlier-jpeg", text, detail, Says.NOTHING if harmless else Says.LAUNDERED)]


def _enlarged(luma: Float32Array) -> list[Finding]:
    line, frequency = resampling_line(luma)
    if line < MIN_LINE:
        return []
    text = "The pixels show the rhythm of interpolation: the picture was probably enlarged."
    detail = {"line_over_median": round(line, 1), "cycles_per_px": round(frequency, 4)}
    return [_finding("enlarged", text, detail, Says.LAUNDERED)]


def _screenshot(metadata: FileMetadata) -> list[Finding]:
    for field in metadata.fields:
        names_it = _SCREENSHOT_FIELDS.fullmatch(field.where) and _SCREENSHOT.search(
            field.text[:200]
        )
        declares_it = field.where.lower().endswith("digitalsourcetype") and (
            source_type_name(field.text) == "screenCapture"
        )
        if names_it or declares_it:
            text = f"The file says that it is a screenshot ({field.where}): a picture of a picture."
            return [_finding("screenshot", text, {"field": field.where}, Says.LAUNDERED)]
    return []


def _finding(name: str, text: str, detail: dict[str, Any], says: Says) -> Finding:
    evidence = Evidence(kind="stability", name=name, finding=text, detail=detail)
    return Finding(evidence=evidence, says=says)
