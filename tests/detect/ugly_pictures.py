"""Every kind of bad input that a folder of pictures may hold, made on the spot."""

import io
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

EXIF_ORIENTATION = 0x0112


def make_picture(
    path: Path, *, size: tuple[int, int] = (64, 48), value: int = 100, mode: str = "RGB"
) -> Path:
    """A flat picture; its format follows the name."""
    image = Image.new("RGB", size, (value, value, value)).convert(mode)
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)
    return path


def _encoded(image: Image.Image, fmt: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, fmt, **options)
    return buffer.getvalue()


def _noise() -> Image.Image:
    values = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    return Image.fromarray(values)


def _rotated() -> bytes:
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = 6
    return _encoded(_noise(), "JPEG", exif=exif)


def _animated() -> bytes:
    frames = [Image.new("RGB", (8, 8), (k, k, k)) for k in (0, 128, 255)]
    return _encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])


def _bomb() -> bytes:
    """A PNG of a few hundred bytes whose header claims 60000×60000 pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        crc = struct.pack(">I", zlib.crc32(name + data))
        return struct.pack(">I", len(data)) + name + data + crc

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    body = (
        chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 9999)) + chunk(b"IEND", b"")
    )
    return b"\x89PNG\r\n\x1a\n" + body


# Name → (bytes, code of the problem that its report must carry, or None where all is well).
UGLY: dict[str, tuple[Callable[[], bytes], str | None]] = {
    "empty.jpg": (lambda: b"", "empty_file"),
    "truncated.jpg": (lambda: _encoded(_noise(), "JPEG")[:900], "damaged"),
    "truncated.png": (lambda: _encoded(_noise(), "PNG")[:2000], "damaged"),
    "text.jpg": (lambda: b"this is no picture\n" * 9, "not_a_picture"),
    "page.png": (lambda: b"<html><script>alert(1)</script></html>", "not_a_picture"),
    "really-png.jpg": (lambda: _encoded(_noise(), "PNG"), None),
    "animated.gif": (_animated, "animated"),
    "cmyk.jpg": (lambda: _encoded(_noise().convert("CMYK"), "JPEG"), None),
    "grey16.png": (
        lambda: _encoded(Image.fromarray(np.full((9, 9), 40_000, dtype=np.uint16)), "PNG"),
        None,
    ),
    "palette.png": (lambda: _encoded(_noise().convert("P"), "PNG"), None),
    "alpha.png": (lambda: _encoded(_noise().convert("RGBA"), "PNG"), None),
    "one-bit.png": (lambda: _encoded(_noise().convert("1"), "PNG"), None),
    "1x1.png": (lambda: _encoded(Image.new("RGB", (1, 1)), "PNG"), None),
    "1x60000.png": (lambda: _encoded(Image.new("RGB", (1, 60_000)), "PNG"), None),
    "rotated.jpg": (_rotated, None),
    "bomb.png": (_bomb, "too_many_pixels"),
    "two\nlines\x1b[2J.png": (lambda: _encoded(_noise(), "PNG"), None),
    "<img src=x onerror=alert(1)>.png": (lambda: _encoded(_noise(), "PNG"), None),
    os.fsdecode(b"latin-\xe9.png"): (lambda: _encoded(_noise(), "PNG"), None),
    "x" * 240 + ".png": (lambda: _encoded(_noise(), "PNG"), None),
}
# Things that are no files, likewise.
ODD: dict[str, str] = {
    "broken-link.jpg": "not_found",
    "self-link.jpg": "unreadable",
    "pipe.jpg": "not_a_file",
}


def make_ugly_folder(folder: Path) -> dict[str, str | None]:
    """Fill a folder with all of it.

    Returns:
        Name → the problem's code that its report must carry, or None.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, (make, _) in UGLY.items():
        (folder / name).write_bytes(make())
    (folder / "broken-link.jpg").symlink_to("nowhere.jpg")
    (folder / "self-link.jpg").symlink_to("self-link.jpg")
    os.mkfifo(folder / "pipe.jpg")
    (folder / "folder.jpg").mkdir()
    return {name: code for name, (_, code) in UGLY.items()} | ODD
