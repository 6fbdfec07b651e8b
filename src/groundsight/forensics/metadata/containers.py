r"""Metadata blocks of a picture file, read from the container's own chunks.

    for block in read_blocks(data):
        block.kind, block.key, block.data     # "text", "parameters", b"a cat\nSteps: 20, …"

Nothing is decoded as a picture. Every walk is linear in the file, each block is cut at
`MAX_BLOCK_BYTES` (after decompression), and a broken chunk ends the walk with what was found.
"""

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

BlockKind = Literal["text", "exif", "xmp", "iptc"]
MAX_BLOCK_BYTES = 1 << 20
MAX_BLOCKS = 256
MAX_TOTAL_BYTES = 8 << 20
# Real files have thousands of chunks at most; more is an attempt to keep the reader busy.
MAX_CHUNKS = 200_000

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
TIFF_MAGICS = (b"II*\0", b"MM\0*")
XMP_HEADER = b"http://ns.adobe.com/xap/1.0/\0"
PHOTOSHOP_HEADER = b"Photoshop 3.0\0"


@dataclass(frozen=True)
class Block:
    """One metadata block.

    Args:
        kind: text (a keyword and its text), exif (a TIFF structure), xmp (a packet), iptc (IIM).
        key: for text, the keyword or the place ("comment"); else the chunk's name.
        data: the payload without its header, decompressed, at most `MAX_BLOCK_BYTES`; for a TIFF
            file, which is one EXIF structure, the whole file.
    """

    kind: BlockKind
    key: str
    data: bytes = field(repr=False)


def read_blocks(data: bytes) -> list[Block]:
    """The metadata blocks of a PNG, JPEG, WebP, GIF, TIFF or AVIF file, in file order.

    Returns:
        At most `MAX_BLOCKS` blocks and about `MAX_TOTAL_BYTES`; empty for other formats and for
        files without metadata.
    """
    blocks: list[Block] = []
    total = 0
    for block in _walk(data):
        blocks.append(block)
        total += min(len(block.data), MAX_BLOCK_BYTES)
        if len(blocks) >= MAX_BLOCKS or total >= MAX_TOTAL_BYTES:
            break
    return blocks


def _walk(data: bytes) -> Iterator[Block]:
    if data.startswith(PNG_MAGIC):
        yield from _png(data)
    elif data.startswith(b"\xff\xd8"):
        yield from _jpeg(data)
    elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        yield from _webp(data)
    elif data[:3] == b"GIF":
        yield from _gif(data)
    elif data.startswith(TIFF_MAGICS):
        yield Block("exif", "tiff", data)
    elif data[4:8] == b"ftyp":
        yield from _avif(data)


# ---- PNG ----------------------------------------------------------------------------------------


def _png(data: bytes) -> Iterator[Block]:
    at = len(PNG_MAGIC)
    for _ in range(MAX_CHUNKS):
        head = data[at : at + 8]
        if len(head) < 8:
            return
        length, kind = struct.unpack(">I4s", head)
        if kind in (b"tEXt", b"zTXt", b"iTXt", b"eXIf"):
            block = _png_block(kind, data[at + 8 : at + 8 + length])
            if block:
                yield block
        elif kind == b"IEND":
            return
        at += 12 + length


def _png_block(kind: bytes, body: bytes) -> Block | None:
    if kind == b"eXIf":
        return Block("exif", "eXIf", body[:MAX_BLOCK_BYTES])
    key, _, rest = body.partition(b"\0")
    text: bytes | None = rest
    if kind == b"zTXt":
        text = inflate(rest[1:])
    elif kind == b"iTXt":
        compressed, (_, _, tail) = rest[:1] == b"\1", rest[2:].partition(b"\0")
        text = tail.partition(b"\0")[2]
        text = inflate(text) if compressed else text
    if text is None or len(key) > 79:
        return None
    return _text_block(key.decode("latin-1"), text[:MAX_BLOCK_BYTES])


def _text_block(key: str, text: bytes) -> Block | None:
    if key == "XML:com.adobe.xmp":
        return Block("xmp", key, text)
    if key.startswith("Raw profile type "):  # how ImageMagick keeps EXIF, IPTC and XMP in PNG
        return _raw_profile(key.rpartition(" ")[2].lower(), text)
    return Block("text", key, text)


def _raw_profile(name: str, text: bytes) -> Block | None:
    lines = text.split(b"\n", 3)  # "", name, length, hex digits
    if len(lines) < 4:
        return None
    try:
        body = bytes.fromhex(lines[3].decode("ascii"))
    except (ValueError, UnicodeDecodeError):
        return None
    if body.startswith(XMP_HEADER):
        return Block("xmp", "raw profile", body[len(XMP_HEADER) :])
    if name == "xmp":
        return Block("xmp", "raw profile", body)
    if name == "iptc":
        return Block("iptc", "raw profile", _photoshop_iptc(body) or body)
    if name in ("exif", "app1"):
        return Block("exif", "raw profile", body.removeprefix(b"Exif\0\0"))
    return None


def inflate(data: bytes, limit: int = MAX_BLOCK_BYTES) -> bytes | None:
    """Zlib data, decompressed up to a limit; None when it is no zlib data.

    A stream that breaks off or goes on past the limit gives what came before.
    """
    try:
        return zlib.decompressobj().decompress(data, limit)
    except zlib.error:
        return None


# ---- JPEG ---------------------------------------------------------------------------------------


def _jpeg(data: bytes) -> Iterator[Block]:
    photoshop: list[bytes] = []
    for marker, body in jpeg_segments(data):
        if marker == 0xE1 and body.startswith(b"Exif\0"):
            yield Block("exif", "APP1", body[6:])
        elif marker == 0xE1 and body.startswith(XMP_HEADER):
            yield Block("xmp", "APP1", body[len(XMP_HEADER) :])
        elif marker == 0xED and body.startswith(PHOTOSHOP_HEADER):
            photoshop.append(body[len(PHOTOSHOP_HEADER) :])
        elif marker == 0xFE:
            yield Block("text", "comment", body)
    iptc = _photoshop_iptc(b"".join(photoshop)[:MAX_BLOCK_BYTES])
    if iptc:
        yield Block("iptc", "APP13", iptc)


def jpeg_segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(marker, payload) of each segment before the first scan; the scan header comes last.

    Markers are the second byte, e.g. 0xE1 for APP1 and 0xDA for the scan header.
    """
    at = 2
    for _ in range(MAX_CHUNKS):
        if data[at : at + 1] != b"\xff":
            return
        marker = data[at + 1] if at + 1 < len(data) else 0xD9
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        if marker == 0x01 or 0xD0 <= marker <= 0xD8:  # markers without a payload
            at += 2
            continue
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xD9 or length < 2:
            return
        yield marker, data[at + 4 : at + 2 + length]
        if marker == 0xDA:
            return
        at += 2 + length


def _photoshop_iptc(resources: bytes) -> bytes | None:
    """The IPTC block (resource 0x0404) among Photoshop's image resources."""
    at = 0
    while resources[at : at + 4] == b"8BIM" and at + 7 <= len(resources):
        number = int.from_bytes(resources[at + 4 : at + 6], "big")
        name = resources[at + 6] + 1
        at += 6 + name + name % 2
        size = int.from_bytes(resources[at : at + 4], "big")
        if number == 0x0404:
            return resources[at + 4 : at + 4 + size]
        at += 4 + size + size % 2
    return None


# ---- WebP, GIF, AVIF ----------------------------------------------------------------------------


def _webp(data: bytes) -> Iterator[Block]:
    at = 12
    for _ in range(MAX_CHUNKS):
        head = data[at : at + 8]
        if len(head) < 8:
            return
        kind, size = struct.unpack("<4sI", head)
        body = data[at + 8 : at + 8 + min(size, MAX_BLOCK_BYTES)]
        if kind == b"EXIF":
            yield Block("exif", "EXIF", body.removeprefix(b"Exif\0\0"))
        elif kind == b"XMP ":
            yield Block("xmp", "XMP", body)
        at += 8 + size + size % 2


def _gif(data: bytes) -> Iterator[Block]:
    at = 13 + _colour_table_bytes(data[10:11])
    for _ in range(MAX_CHUNKS):
        kind = data[at : at + 1]
        if kind == b"\x2c":
            at += 11 + _colour_table_bytes(data[at + 9 : at + 10])
            _, at = _gif_sub_blocks(data, at)
        elif kind == b"\x21" and data[at + 1 : at + 2] == b"\xfe":
            text, at = _gif_sub_blocks(data, at + 2)
            yield Block("text", "comment", text)
        elif kind == b"\x21" and data[at + 3 : at + 14] == b"XMP DataXMP":
            # The packet is written without sub-blocks and ends in a 258-byte run-out.
            end = data.find(b"\x01\xff\xfe", at + 14, at + 14 + MAX_BLOCK_BYTES)
            yield Block("xmp", "XMP DataXMP", data[at + 14 : max(end, at + 14)])
            _, at = _gif_sub_blocks(data, at + 2)
        elif kind == b"\x21":
            _, at = _gif_sub_blocks(data, at + 2)
        else:
            return


def _colour_table_bytes(flags: bytes) -> int:
    return 3 << ((flags[0] & 7) + 1) if flags and flags[0] & 0x80 else 0


def _gif_sub_blocks(data: bytes, at: int) -> tuple[bytes, int]:
    parts: list[bytes] = []
    kept = 0
    while at < len(data) and data[at]:
        if kept < MAX_BLOCK_BYTES:
            parts.append(data[at + 1 : at + 1 + data[at]])
            kept += data[at]
        at += 1 + data[at]
    return b"".join(parts), at + 1


def _avif(data: bytes) -> Iterator[Block]:
    # The boxes of AVIF are scattered by offset tables; Pillow's reader already follows them.
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=("AVIF",)) as image:
            exif, xmp = image.info.get("exif"), image.info.get("xmp")
    except Exception:  # Pillow raises almost anything on hostile bytes
        return
    if isinstance(exif, bytes):
        yield Block("exif", "Exif", exif.removeprefix(b"Exif\0\0")[:MAX_BLOCK_BYTES])
    if isinstance(xmp, bytes):
        yield Block("xmp", "XMP", xmp[:MAX_BLOCK_BYTES])
