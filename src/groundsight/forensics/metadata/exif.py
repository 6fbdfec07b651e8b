"""EXIF: the few tags that say who made a picture, read from a TIFF structure.

A plain reader of three directories (main, Exif, thumbnail) with hard limits: it follows no
chains, reads no other directory and cannot be led in circles.
"""

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass

MAX_ENTRIES = 512
MAX_VALUE_BYTES = 1 << 18

# Bytes a value of each TIFF type takes; types that are not here are skipped.
TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 9: 4, 10: 8, 11: 4, 12: 8, 129: 1}
EXIF_POINTER, GPS_POINTER, XMP_TAG, IPTC_TAG = 0x8769, 0x8825, 0x02BC, 0x83BB
TAGS = {
    0x010E: "ImageDescription",
    0x010F: "Make",
    0x0110: "Model",
    0x0112: "Orientation",
    0x0131: "Software",
    0x0132: "DateTime",
    0x013B: "Artist",
    0x0201: "Thumbnail",
    XMP_TAG: "XMP",
    IPTC_TAG: "IPTC",
    0x8298: "Copyright",
    0x829A: "ExposureTime",
    0x829D: "FNumber",
    EXIF_POINTER: "ExifIFD",
    GPS_POINTER: "GPSInfo",
    0x8827: "ISO",
    0x9003: "DateTimeOriginal",
    0x9213: "ImageHistory",
    0x920A: "FocalLength",
    0x927C: "MakerNote",
    0x9286: "UserComment",
    0x9C9B: "XPTitle",
    0x9C9C: "XPComment",
    0x9C9D: "XPAuthor",
    0x9C9E: "XPKeywords",
    0xA431: "BodySerialNumber",
    0xA433: "LensMake",
    0xA434: "LensModel",
}


@dataclass(frozen=True)
class ExifValue:
    """One value: text, a number, or raw bytes (MakerNote, ImageHistory, embedded packets)."""

    text: str | None = None
    number: float | None = None
    raw: bytes | None = None


def read_exif(block: bytes) -> dict[str, ExifValue]:
    """The known tags of a TIFF structure.

    Args:
        block: bytes from the byte-order mark on; anything may come.

    Returns:
        Tag name (see `TAGS`) to value. The first directory that has a tag wins.
    """
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if order is None or len(block) < 8:
        return {}
    found: dict[str, ExifValue] = {}
    main = struct.unpack(order + "I", block[4:8])[0]
    following = _read_directory(block, main, order, found)
    exif = found.pop("ExifIFD", None)
    if exif and exif.number:
        _read_directory(block, int(exif.number), order, found)
    if following:
        _read_directory(block, following, order, found)
    return found


def _read_directory(block: bytes, at: int, order: str, found: dict[str, ExifValue]) -> int:
    """Fill `found`; return the offset of the next directory, 0 for none."""
    if at < 8 or at + 2 > len(block):
        return 0
    count = min(struct.unpack(order + "H", block[at : at + 2])[0], MAX_ENTRIES)
    for entry in _entries(block, at + 2, count):
        tag, kind, number = struct.unpack(order + "HHI", entry[:8])
        if tag in TAGS and TAGS[tag] not in found and kind in TYPE_BYTES:
            value = _value(block, order, tag, kind, number, entry[8:12])
            if value:
                found[TAGS[tag]] = value
    tail = block[at + 2 + 12 * count : at + 6 + 12 * count]
    return int(struct.unpack(order + "I", tail)[0]) if len(tail) == 4 else 0


def _entries(block: bytes, at: int, count: int) -> Iterator[bytes]:
    for index in range(count):
        entry = block[at + 12 * index : at + 12 * index + 12]
        if len(entry) < 12:
            return
        yield entry


def _value(
    block: bytes, order: str, tag: int, kind: int, number: int, inline: bytes
) -> ExifValue | None:
    size = TYPE_BYTES[kind] * number
    start = struct.unpack(order + "I", inline)[0]
    body = inline[:size] if size <= 4 else block[start : start + min(size, MAX_VALUE_BYTES)]
    if tag == 0x9286:
        return ExifValue(text=decode_user_comment(body, order))
    if 0x9C9B <= tag <= 0x9C9F:  # Windows' own tags are UTF-16 little-endian
        return ExifValue(text=_clean(body.decode("utf-16-le", "replace")))
    if kind in (2, 129):
        return ExifValue(text=_clean(body.decode("utf-8", "replace")))
    if kind in (1, 6, 7):
        return ExifValue(raw=body)
    return _number(body, order, kind)


def _number(body: bytes, order: str, kind: int) -> ExifValue | None:
    code = {3: "H", 4: "I", 5: "II", 9: "i", 10: "ii", 11: "f", 12: "d"}[kind]
    if len(body) < struct.calcsize(order + code):
        return None
    parts = struct.unpack(order + code, body[: struct.calcsize(order + code)])
    if len(parts) == 2:
        return ExifValue(number=parts[0] / parts[1]) if parts[1] else None
    return ExifValue(number=float(parts[0])) if math.isfinite(parts[0]) else None


def decode_user_comment(body: bytes, order: str) -> str:
    """Text of a UserComment: eight bytes name the encoding, the rest is the text.

    "UNICODE" is UTF-16 in the byte order of the file by the standard, but most writers of prompts
    use big-endian whatever the file's; so the order is taken from where the zero bytes are.
    """
    code, text = body[:8], body[8:]
    if code.startswith(b"UNICODE"):
        big, little = text[0:512:2].count(0), text[1:512:2].count(0)
        guess = order if big == little else (">" if big > little else "<")
        return _clean(text.decode("utf-16-be" if guess == ">" else "utf-16-le", "replace"))
    if code.startswith(b"ASCII") or not code.strip(b"\0 "):
        return _clean(text.decode("utf-8", "replace"))
    return _clean(body.decode("utf-8", "replace"))


def _clean(text: str) -> str:
    return text.replace("\0", "").strip()
