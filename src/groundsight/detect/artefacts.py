"""Pictures that a run writes beside its reports: overlays and thumbnails, under safe names.

Names come from the report alone, so that the web page and a resumed run find them again.
"""

import io
import re
from hashlib import sha256
from pathlib import Path

from PIL import Image

from groundsight.core.report import Region, Report
from groundsight.core.types import Verdict
from groundsight.vision.drawing import Mark, Tone, draw_overlay, draw_thumbnail
from groundsight.vision.images import Picture

OVERLAYS = "overlays"
THUMBNAILS = "thumbnails"
TONES: dict[Verdict, Tone] = {
    Verdict.AI_GENERATED: "warn",
    Verdict.REAL: "calm",
    Verdict.INCONCLUSIVE: "unsure",
}


def safe_name(report: Report) -> str:
    """A file name for what is drawn of a report: ASCII, short, no path in it.

    Two pictures get the same name only when path and content are the same.
    """
    stem = re.sub(r"[^A-Za-z0-9_-]+", "_", re.split(r"[/\\]", report.image.path)[-1])[:60]
    key = f"{report.image.path}\x00{report.image.sha256}".encode("utf-8", "surrogatepass")
    return f"{stem.strip('_') or 'picture'}-{sha256(key).hexdigest()[:12]}"


def overlay_path(folder: Path, report: Report) -> Path:
    """Where the overlay of a report lies."""
    return folder / OVERLAYS / f"{safe_name(report)}.png"


def thumbnail_path(folder: Path, report: Report) -> Path:
    """Where the thumbnail of a report lies."""
    return folder / THUMBNAILS / f"{safe_name(report)}.jpg"


def write_artefacts(folder: Path, report: Report, picture: Picture) -> None:
    """Write overlay and thumbnail; the folders must be there.

    Raises:
        OSError: e.g. the disk is full. What was half written is removed.
    """
    overlay = draw_overlay(
        picture.rgb,
        [_mark(region) for region in report.regions if region.image_index == 0],
        title=_title(report),
        subtitle=report.image.path,
        tone=TONES[report.verdict],
    )
    # Level 6 of PNG, the default, costs four times as long for a tenth less bytes.
    _write(overlay_path(folder, report), _encoded(overlay, "PNG", compress_level=1))
    thumbnail = draw_thumbnail(picture.rgb)
    _write(thumbnail_path(folder, report), _encoded(thumbnail, "JPEG", quality=72))


def remove_artefacts(folder: Path, report: Report) -> None:
    """Remove what was drawn of a report, where it is there."""
    overlay_path(folder, report).unlink(missing_ok=True)
    thumbnail_path(folder, report).unlink(missing_ok=True)


def _encoded(image: Image.Image, fmt: str, **options: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, fmt, **options)
    return buffer.getvalue()


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError:
        path.unlink(missing_ok=True)
        raise


def _mark(region: Region) -> Mark:
    return Mark(xyxy_px=region.xyxy_px, caption=region.description, score=region.score)


def _title(report: Report) -> str:
    if report.p_fake is None:
        return str(report.verdict)
    return f"{report.verdict}  (p_fake {report.p_fake:.2f})"
