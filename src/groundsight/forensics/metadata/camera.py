"""Camera EXIF: weak evidence for a photograph.

Make and model alone are two words that any program can write; exposure data, a lens and a maker's
note are what cameras write together. None of it is signed, so it never proves anything.
"""

from typing import Any

from groundsight.core.report import Evidence
from groundsight.forensics.finding import Finding, Says
from groundsight.forensics.metadata.exif import ExifValue
from groundsight.forensics.metadata.fields import FileMetadata
from groundsight.forensics.metadata.settings import excerpt

_EXPOSURE = ("ExposureTime", "FNumber", "ISO", "FocalLength", "DateTimeOriginal")
_TEXTS = ("Make", "Model", "LensModel", "Software", "DateTimeOriginal")
# Exposure values that a camera writes together; fewer may be left by an editor.
MIN_EXPOSURE_TAGS = 2


def camera_finding(metadata: FileMetadata) -> Finding | None:
    """One finding when EXIF names a camera.

    Returns:
        `Says.CAMERA` when make or model stand with a maker's note or at least
        `MIN_EXPOSURE_TAGS` exposure tags, `Says.NOTHING` when they stand alone, None without them.
    """
    exif = metadata.exif
    make, model = _text(exif, "Make"), _text(exif, "Model")
    who = model if model.lower().startswith(make.lower()) and model else f"{make} {model}".strip()
    if not who:
        return None
    exposure = [name for name in _EXPOSURE if name in exif]
    detail: dict[str, Any] = {name: _text(exif, name) for name in _TEXTS if _text(exif, name)}
    detail |= {
        name: round(v.number, 6) for name in exposure if (v := exif[name]).number is not None
    }
    detail["maker_note_bytes"] = len(exif["MakerNote"].raw or b"") if "MakerNote" in exif else 0
    detail["thumbnail"] = "Thumbnail" in exif
    detail["gps"] = "GPSInfo" in exif
    full = len(exposure) >= MIN_EXPOSURE_TAGS or detail["maker_note_bytes"] > 0
    extras = _extras(exposure, detail)
    if full:
        text = f"EXIF names a camera, {who}, with {extras}; a claim that anyone can write."
    else:
        text = f"EXIF names a camera, {who}, but holds no exposure data; worth little."
    evidence = Evidence(kind="metadata", name="camera-exif", finding=text, detail=detail)
    return Finding(evidence=evidence, says=Says.CAMERA if full else Says.NOTHING)


def _text(exif: dict[str, ExifValue], name: str) -> str:
    value = exif.get(name)
    return excerpt(value.text)[:100] if value and value.text else ""


def _extras(exposure: list[str], detail: dict[str, Any]) -> str:
    parts = [f"{len(exposure)} exposure tags"] if exposure else []
    if detail.get("LensModel"):
        parts.append("a lens")
    if detail["maker_note_bytes"]:
        parts.append(f"a maker's note of {detail['maker_note_bytes']} bytes")
    return " and ".join(parts)
