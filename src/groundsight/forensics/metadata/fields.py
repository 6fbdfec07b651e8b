"""Every metadata value of a file as one flat list of fields, whatever block it came from."""

from dataclasses import dataclass

from groundsight.forensics.metadata.containers import Block, read_blocks
from groundsight.forensics.metadata.exif import ExifValue, read_exif
from groundsight.forensics.metadata.xmp import read_iptc, read_xmp

# Long enough for a prompt graph of some hundred nodes; marks sit at the start or in short fields.
MAX_TEXT_CHARS = 1 << 18
MAX_FIELDS = 4_000


@dataclass(frozen=True)
class Field:
    """One value and where it stood.

    Args:
        where: "text:parameters", "exif:Software", "xmp:CreatorTool", "iptc:Credit", …
        text: the value, at most `MAX_TEXT_CHARS` characters.
    """

    where: str
    text: str


@dataclass(frozen=True)
class FileMetadata:
    """What a file says about itself.

    Args:
        fields: texts in file order.
        exif: known EXIF tags, of all EXIF blocks together.
    """

    fields: tuple[Field, ...]
    exif: dict[str, ExifValue]


def read_file_metadata(data: bytes) -> FileMetadata:
    """All fields of a picture file; empty for a file without metadata. Never raises."""
    fields: list[Field] = []
    exif: dict[str, ExifValue] = {}
    for block in read_blocks(data):
        fields.extend(_fields(block, exif)[: MAX_FIELDS - len(fields)])
    return FileMetadata(tuple(fields), exif)


def _fields(block: Block, exif: dict[str, ExifValue]) -> list[Field]:
    if block.kind == "exif":
        values = read_exif(block.data)
        for name, value in values.items():
            exif.setdefault(name, value)
        return _exif_fields(values)
    if block.kind == "xmp":
        return [Field(f"xmp:{name}", text) for name, text in read_xmp(block.data)]
    if block.kind == "iptc":
        return [Field(f"iptc:{name}", text) for name, text in read_iptc(block.data)]
    text = block.data[: 4 * MAX_TEXT_CHARS].decode("utf-8", "replace")[:MAX_TEXT_CHARS]
    return [Field(f"text:{block.key}", text)]


def _exif_fields(values: dict[str, ExifValue]) -> list[Field]:
    fields: list[Field] = []
    for name, value in values.items():
        if value.text:
            fields.append(Field(f"exif:{name}", value.text[:MAX_TEXT_CHARS]))
        elif name == "XMP" and value.raw:
            fields.extend(Field(f"xmp:{key}", text) for key, text in read_xmp(value.raw))
        elif name == "IPTC" and value.raw:
            fields.extend(Field(f"iptc:{key}", text) for key, text in read_iptc(value.raw))
    return fields
