"""Metadata as evidence lines: generators' marks, declared source types, cameras.

Metadata is a claim that anyone can write or strip. Every finding here is unsigned, has no
`p_fake`, and says in its sentence that it is a claim.
"""

from typing import Any

from groundsight.core.report import Evidence
from groundsight.forensics.finding import Finding, Says
from groundsight.forensics.metadata.camera import camera_finding
from groundsight.forensics.metadata.fields import Field, FileMetadata, read_file_metadata
from groundsight.forensics.metadata.marks import UNNAMED, Mark, match_mark
from groundsight.forensics.metadata.settings import excerpt, read_settings
from groundsight.forensics.metadata.source_type import SOURCE_TYPES, source_type_name
from groundsight.vision.images import Picture

_DESCRIPTIONS = {
    "exif:ImageDescription",
    "xmp:description",
    "iptc:Description",
    "text:Description",
    "text:Title",
}


def read_metadata(picture: Picture) -> list[Finding]:
    """What the file's own metadata claims, one finding a claim.

    Returns:
        `generator-mark` findings (one a generator), `digital-source-type` findings (one a term),
        and at most one `camera-exif` finding; empty when the metadata says nothing of these.
        None is signed. Never raises, whatever the bytes.
    """
    metadata = read_file_metadata(picture.data)
    marks = _matched(metadata)
    findings = [_mark_finding(name, hits, metadata) for name, hits in marks.items()]
    findings += _source_type_findings(metadata)
    camera = camera_finding(metadata)
    if camera and not _posing_as_camera(marks):
        findings.append(camera)
    return findings


def _posing_as_camera(marks: dict[str, list[tuple[Mark, Field]]]) -> bool:
    """A generator that fills in Make and Model ("Black Forest Labs", "flux-dev") is no camera."""
    where = {field.where for hits in marks.values() for _, field in hits}
    return bool(where & {"exif:Make", "exif:Model"})


def _matched(metadata: FileMetadata) -> dict[str, list[tuple[Mark, Field]]]:
    """Generator → its marks; the unnamed one only when no other is found."""
    found: dict[str, list[tuple[Mark, Field]]] = {}
    for field in metadata.fields:
        mark = match_mark(field)
        if mark:
            found.setdefault(mark.generator, []).append((mark, field))
    if len(found) > 1:
        found.pop(UNNAMED, None)
    return found


def _mark_finding(
    generator: str, hits: list[tuple[Mark, Field]], metadata: FileMetadata
) -> Finding:
    detail: dict[str, Any] = {"generator": generator}
    detail["fields"] = list(dict.fromkeys(field.where for _, field in hits))[:20]
    for mark, field in hits:
        for name, value in read_settings(field.text, mark.grammar).items():
            detail.setdefault(name, value)
    if "prompt" not in detail:
        detail |= _description(metadata)
    if "prompt" in detail or "description" in detail:
        detail.pop("excerpt", None)
    partly = all(mark.partly for mark, _ in hits)
    if partly:
        detail["partly"] = True
    what = "parts of it were made" if partly else "it was made"
    places = ", ".join(detail["fields"][:3])
    text = f"The file's metadata says that {what} by {generator} ({places}); a claim, not signed."
    return _finding("generator-mark", text, detail, Says.GENERATED)


def _description(metadata: FileMetadata) -> dict[str, str]:
    """The picture's description, where generators that keep no settings put the prompt."""
    for field in metadata.fields:
        if field.where in _DESCRIPTIONS:
            return {"description": excerpt(field.text)}
    return {}


def _source_type_findings(metadata: FileMetadata) -> list[Finding]:
    names: dict[str, str] = {}
    for field in metadata.fields:
        if field.where.lower().endswith("digitalsourcetype"):
            name = source_type_name(field.text)
            if name:
                names.setdefault(name, field.where)
    findings = []
    for name, where in names.items():
        kind = SOURCE_TYPES[name]
        text = f"IPTC DigitalSourceType is {name}: {kind.means}; a claim, not signed."
        detail = {"digital_source_type": name, "fields": [where]}
        findings.append(_finding("digital-source-type", text, detail, kind.says))
    return findings


def _finding(name: str, text: str, detail: dict[str, Any], says: Says) -> Finding:
    evidence = Evidence(kind="metadata", name=name, finding=text, detail=detail)
    return Finding(evidence=evidence, says=says)
