import io
import os
import socket
import struct
import sys
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from groundsight.core.errors import PictureError
from groundsight.vision.images import (
    FORMATS,
    SUFFIXES,
    Limits,
    decode_picture,
    open_picture,
    printable_path,
    read_picture_bytes,
)

# Red, green / blue, black: tells every rotation and flip from every other.
CORNERS = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [0, 0, 0]]], dtype=np.uint8)
USUAL = Limits()
RAMP = np.linspace(0, 255, 48 * 64).reshape(48, 64).astype(np.uint8)


def encode(image: Image.Image, fmt: str, **options: Any) -> bytes:
    sink = io.BytesIO()
    image.save(sink, fmt, **options)
    return sink.getvalue()


def png_chunk(kind: bytes, body: bytes) -> bytes:
    tail = struct.pack(">I", zlib.crc32(kind + body))
    return struct.pack(">I", len(body)) + kind + body + tail


def png_that_claims(width: int, height: int) -> bytes:
    """A tiny file whose header promises any number of pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 1000)
    chunks = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", pixels) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def code_of(data: bytes, limits: Limits = USUAL) -> str:
    with pytest.raises(PictureError) as caught:
        decode_picture(data, limits=limits)
    assert caught.value.message
    assert "\n" not in caught.value.message
    return caught.value.code


@pytest.mark.parametrize("fmt", ["PNG", "WEBP", "BMP", "TIFF", "PPM", "JPEG2000"])
def test_lossless_formats_come_back_exactly(fmt: str) -> None:
    options = {"WEBP": {"lossless": True}}.get(fmt, {})
    picture = decode_picture(encode(Image.fromarray(CORNERS), fmt, **options), "p")
    assert np.array_equal(picture.rgb, CORNERS)
    assert picture.rgb.dtype == np.uint8
    assert (picture.width, picture.height, picture.problems) == (2, 2, ())
    assert picture.format == fmt.lower()


@pytest.mark.parametrize("fmt", ["JPEG", "WEBP", "AVIF", "GIF"])
def test_lossy_formats_come_back_nearly(fmt: str) -> None:
    grey = Image.fromarray(RAMP).convert("RGB")
    picture = decode_picture(encode(grey, fmt, **({} if fmt == "GIF" else {"quality": 95})))
    assert np.abs(picture.rgb.astype(int) - np.asarray(grey).astype(int)).mean() < 3
    assert picture.format == fmt.lower()


def test_a_mislabelled_file_is_what_its_bytes_say(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(encode(Image.fromarray(CORNERS), "PNG"))
    assert open_picture(path).format == "png"


def as_shown(orientation: int) -> npt.NDArray[np.uint8]:
    """CORNERS as a viewer shows it; Exif 2.32, 4.6.4 A: where row 0 and column 0 lie."""
    return {
        1: CORNERS,
        2: CORNERS[:, ::-1],
        3: CORNERS[::-1, ::-1],
        4: CORNERS[::-1],
        5: CORNERS.transpose(1, 0, 2),
        6: np.rot90(CORNERS, -1),
        7: CORNERS[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(CORNERS, 1),
    }[orientation]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("fmt", ["PNG", "TIFF", "WEBP"])
def test_exif_orientation_is_undone_exactly(fmt: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if fmt == "WEBP" else {}
    data = encode(Image.fromarray(CORNERS), fmt, exif=exif, **options)
    assert np.array_equal(decode_picture(data).rgb, as_shown(orientation))


def test_a_rotated_photo_swaps_width_and_height() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = decode_picture(encode(Image.new("RGB", (40, 30)), "JPEG", exif=exif))
    assert (picture.width, picture.height) == (30, 40)


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_is_none(value: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = value
    data = encode(Image.fromarray(CORNERS), "PNG", exif=exif)
    assert np.array_equal(decode_picture(data).rgb, CORNERS)


def test_a_broken_exif_block_costs_nothing() -> None:
    plain = encode(Image.fromarray(RAMP), "JPEG")
    block = b"Exif\0\0" + b"II*\0\xff\xff\xff\x7f" + b"\xff" * 20
    segment = b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block
    picture = decode_picture(plain[:2] + segment + plain[2:])
    assert np.array_equal(picture.rgb, decode_picture(plain).rgb)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "CMYK", "YCbCr"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    source = Image.fromarray(RAMP).convert("RGB")
    image = source.convert(mode)
    data = encode(image, "TIFF" if mode in ("CMYK", "YCbCr") else "PNG")
    picture = decode_picture(data)
    assert picture.rgb.shape == (48, 64, 3)
    expected = np.asarray(image.convert("RGB")).astype(int)
    assert np.abs(picture.rgb.astype(int) - expected).max() <= 2


def test_a_cmyk_jpeg_is_not_a_negative() -> None:
    ramp = Image.fromarray(RAMP).convert("CMYK")
    picture = decode_picture(encode(ramp, "JPEG", quality=95))
    assert np.abs(picture.rgb.mean(axis=2) - RAMP).mean() < 4


@pytest.mark.parametrize("fmt", ["PNG", "TIFF", "PPM"])
def test_16_bit_greys_are_scaled_and_not_cut(fmt: str) -> None:
    deep = np.array([[0, 257, 128 * 257, 65535]], dtype=np.uint16)
    picture = decode_picture(encode(Image.fromarray(deep), fmt))
    assert picture.rgb[0, :, 0].tolist() == [0, 1, 128, 255]


def test_16_bit_colour_keeps_its_high_byte() -> None:
    row = b"\0" + struct.pack(">6H", 0xFFFF, 0x8000, 0, 0x0100, 0x7F00, 0xFE00)
    header = struct.pack(">IIBBBBB", 2, 1, 16, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header)
    data += png_chunk(b"IDAT", zlib.compress(row)) + png_chunk(b"IEND", b"")
    assert decode_picture(data).rgb.tolist() == [[[255, 128, 0], [1, 127, 254]]]


@pytest.mark.parametrize(
    ("values", "becomes"),
    [
        ([0.0, 0.5, 1.0], [0, 128, 255]),  # 0 to 1
        ([0.0, 64.0, 255.0], [0, 64, 255]),  # 0 to 255
        ([0.0, 257.0, 65535.0], [0, 1, 255]),  # 0 to 65535
        ([-5.0, 0.0, 1e6], [0, 0, 255]),
        ([np.nan, np.inf, 1.0], [0, 0, 255]),
    ],
)
def test_floating_point_tiffs_are_scaled_by_their_range(
    values: list[float], becomes: list[int]
) -> None:
    image = Image.fromarray(np.array([values], dtype=np.float32))
    assert decode_picture(encode(image, "TIFF")).rgb[0, :, 0].tolist() == becomes


def test_32_bit_integers_do_not_wash_out() -> None:
    image = Image.fromarray(np.array([[0, 1_000_000, 2_000_000]], dtype=np.int32))
    assert decode_picture(encode(image, "TIFF")).rgb[0, :, 0].tolist() == [0, 128, 255]


def test_transparency_lies_over_white() -> None:
    rgba = np.array([[[255, 0, 0, 0], [255, 0, 0, 255], [0, 0, 0, 128]]], dtype=np.uint8)
    shown = [[[255, 255, 255], [255, 0, 0], [127, 127, 127]]]
    assert decode_picture(encode(Image.fromarray(rgba), "PNG")).rgb.tolist() == shown
    grey = Image.fromarray(np.array([[[0, 0], [0, 255]]], dtype=np.uint8), "LA")
    assert decode_picture(encode(grey, "PNG")).rgb[0, :, 0].tolist() == [255, 0]


def test_a_transparent_palette_colour_lies_over_white() -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([0, 0, 0, 10, 20, 30])
    image.putdata([0, 1])
    picture = decode_picture(encode(image, "PNG", transparency=0))
    assert picture.rgb.tolist() == [[[255, 255, 255], [10, 20, 30]]]


@pytest.mark.parametrize("fmt", ["GIF", "PNG", "WEBP", "TIFF"])
def test_of_an_animation_the_first_frame_is_read_and_said_so(fmt: str) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "green", "blue")]
    options = {"WEBP": {"lossless": True}}.get(fmt, {})
    data = encode(frames[0], fmt, save_all=True, append_images=frames[1:], **options)
    picture = decode_picture(data)
    assert picture.rgb[0, 0].tolist() == [255, 0, 0]
    (problem,) = picture.problems
    assert (problem.code, problem.message) == ("animated", "3 frames; only the first is examined")


def test_an_mpo_of_a_phone_is_a_jpeg_without_a_problem() -> None:
    pair = [Image.fromarray(RAMP).convert("RGB") for _ in range(2)]
    picture = decode_picture(encode(pair[0], "MPO", save_all=True, append_images=pair[1:]))
    assert (picture.format, picture.problems) == ("jpeg", ())


@pytest.mark.parametrize("size", [(1, 1), (1, 60_000), (60_000, 1)])
def test_extreme_shapes_are_pictures(size: tuple[int, int]) -> None:
    picture = decode_picture(encode(Image.new("RGB", size, "red"), "PNG"))
    assert (picture.width, picture.height) == size


@pytest.mark.parametrize("fmt", ["PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_truncated_file_is_a_picture_error(fmt: str, share: float) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    data = encode(Image.fromarray(noise), fmt)
    assert code_of(data[: int(len(data) * share)]) in ("damaged", "not_a_picture")


def test_a_gif_whose_last_frame_is_cut_still_has_its_first() -> None:
    frames = [Image.new("RGB", (32, 32), colour) for colour in ("red", "green", "blue")]
    data = encode(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert decode_picture(data[:-20]).rgb[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"not a picture at all", "not a picture in a format"),
        (b"\0" * 64, "not a picture in a format"),
        (b"\0\0\2\0\0\0\0\0\0\0\0\0\4\0\4\0\x18\0" + b"x" * 48, "not a picture"),  # a TGA header
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC is not read here: hand in a JPEG"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0", "video is not read here"),
        (b"\xff\x0a\xfa\x7f", "JPEG XL is not read here"),
        (b"%PDF-1.7", "PDF is not read here"),
        (b"<svg xmlns='x'/>", "SVG is not read here"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "not a picture"),  # would start another program
    ],
)
def test_what_is_no_picture_is_named_where_it_is_known(data: bytes, says: str) -> None:
    assert code_of(data) == "not_a_picture"
    with pytest.raises(PictureError, match=says):
        decode_picture(data)


def test_pixels_are_counted_before_they_are_decoded() -> None:
    start = time.perf_counter()
    assert code_of(png_that_claims(12_000, 14_000)) == "too_many_pixels"  # ours
    assert code_of(png_that_claims(100_000, 100_000)) == "too_many_pixels"  # Pillow's
    assert code_of(png_that_claims(20, 20), Limits(max_pixels=399)) == "too_many_pixels"
    assert time.perf_counter() - start < 1
    assert decode_picture(encode(Image.new("L", (20, 20)), "PNG"), limits=Limits(max_pixels=400))


def test_a_text_chunk_that_unpacks_without_end_is_a_picture_error() -> None:
    bomb = png_chunk(b"zTXt", b"k\0\0" + zlib.compress(b"\0" * 100_000_000))
    plain = encode(Image.fromarray(CORNERS), "PNG")
    assert code_of(plain[:33] + bomb + plain[33:]) == "damaged"


def test_files_and_what_only_looks_like_one(tmp_path: Path) -> None:
    good = encode(Image.fromarray(CORNERS), "PNG")
    (tmp_path / "empty.png").touch()
    (tmp_path / "good.png").write_bytes(good)
    (tmp_path / "link.png").symlink_to(tmp_path / "good.png")
    (tmp_path / "broken.png").symlink_to(tmp_path / "nowhere.png")
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    (tmp_path / "folder.png").mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    expected = {
        "empty.png": ("empty_file", "the file is empty (0 bytes)"),
        "broken.png": ("not_found", "a symbolic link that leads nowhere"),
        "none.png": ("not_found", "no such file"),
        "loop.png": ("unreadable", "cannot be opened: Too many levels of symbolic links"),
        "folder.png": ("not_a_file", "not a regular file (a folder, pipe or device)"),
        "pipe.png": ("not_a_file", "not a regular file (a folder, pipe or device)"),
        "good.png/x.png": ("unreadable", "cannot be opened: Not a directory"),
        "a\0b.png": ("unreadable", "cannot be opened: embedded null byte"),
        "n" * 300 + ".png": ("unreadable", "cannot be opened: File name too long"),
    }
    for name, (code, message) in expected.items():
        with pytest.raises(PictureError) as caught:
            open_picture(tmp_path / name)
        assert (caught.value.code, caught.value.message) == (code, message), name
    assert open_picture(tmp_path / "link.png").data == good


def test_devices_and_sockets_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's whole path may have 108 bytes
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.png")
        for path in ("socket.png", "/dev/zero"):
            with pytest.raises(PictureError) as caught:
                open_picture(path)
            assert caught.value.code in ("not_a_file", "unreadable")


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions are of another kind here")
def test_a_file_without_permission_is_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "p.png"
    path.write_bytes(b"x")
    path.chmod(0)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)  # root may read all files
    try:
        with pytest.raises(PictureError, match="Permission denied"):
            open_picture(path)
    finally:
        os.seteuid(user)


def test_no_file_handle_stays_open(tmp_path: Path) -> None:
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("needs /proc to count open files")
    (tmp_path / "good.png").write_bytes(encode(Image.fromarray(CORNERS), "PNG"))
    before = len(os.listdir("/proc/self/fd"))
    for name in ["good.png", "none.png", "."] * 5:
        try:
            open_picture(tmp_path / name)
        except PictureError:
            pass
    assert len(os.listdir("/proc/self/fd")) == before


def test_large_files_are_refused_by_size_alone(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    with path.open("wb") as file:
        file.truncate(10_000_000_000)  # a hole, takes no disk
    with pytest.raises(PictureError, match="10000000000 bytes, more than the 268435456 allowed"):
        open_picture(path)
    path.write_bytes(b"12345")
    assert read_picture_bytes(path, Limits(max_bytes=5)) == b"12345"
    with pytest.raises(PictureError, match="5 bytes, more than the 4 allowed"):
        read_picture_bytes(path, Limits(max_bytes=4))
    assert code_of(b"12345", Limits(max_bytes=4)) == "too_many_bytes"


@pytest.mark.skipif(sys.platform != "linux", reason="file names are bytes on Linux only")
def test_any_file_name_becomes_text(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/\xe9t\xe9\n.png"
    with open(name, "wb") as file:
        file.write(encode(Image.fromarray(CORNERS), "PNG"))
    picture = open_picture(os.fsdecode(name))
    assert picture.path.endswith("\\xe9t\\xe9\n.png")
    assert picture.path.encode("utf-8")
    assert printable_path("naïve ‮.png") == "naïve ‮.png"


def test_a_picture_knows_the_hash_of_its_bytes() -> None:
    data = encode(Image.fromarray(CORNERS), "BMP")
    picture = decode_picture(data)
    assert len(picture.sha256) == 64
    assert picture.sha256 == decode_picture(data).sha256 != decode_picture(data + b"x").sha256


def test_pixels_cannot_be_changed_by_mistake() -> None:
    picture = decode_picture(encode(Image.fromarray(CORNERS), "PNG"))
    with pytest.raises(ValueError, match="read-only"):
        picture.rgb[0, 0] = 0


def test_walked_suffixes_are_lower_case_and_cover_the_formats() -> None:
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in SUFFIXES)
    Image.init()
    readable = {ending for ending, fmt in Image.registered_extensions().items() if fmt in FORMATS}
    assert SUFFIXES - readable == {".mpo", ".dib", ".heic", ".heif", ".jxl"}


SEEDS = [encode(Image.fromarray(RAMP), fmt) for fmt in ("PNG", "JPEG", "WEBP", "GIF", "TIFF")]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(SEEDS), st.lists(st.tuples(st.integers(0), st.binary(max_size=4))))
def test_mangled_bytes_are_a_picture_or_a_picture_error(
    data: bytes, wounds: list[tuple[int, bytes]]
) -> None:
    mangled = bytearray(data)
    for place, patch in wounds:
        start = place % len(mangled)
        mangled[start : start + len(patch)] = patch
    try:
        picture = decode_picture(bytes(mangled))
    except PictureError as error:
        assert error.code in ("damaged", "not_a_picture", "too_many_pixels", "empty_file")
    else:
        assert picture.rgb.ndim == 3
        assert picture.rgb.dtype == np.uint8


@given(st.binary(max_size=200))
def test_random_bytes_never_raise_anything_else(data: bytes) -> None:
    with pytest.raises(PictureError):
        decode_picture(data)
