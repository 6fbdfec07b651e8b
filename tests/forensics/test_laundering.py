import io
import json
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from groundsight.forensics.finding import Finding, Says
from groundsight.forensics.jpeg_history import (
    BASE_TABLE,
    block_phase,
    estimate_quality,
    find_earlier_jpeg,
    quality_table,
    read_luminance_table,
)
from groundsight.forensics.laundering import read_laundering
from groundsight.forensics.resampling import resampling_line
from groundsight.vision.images import Picture, RGBArray, decode_picture


def scene(height: int = 384, width: int = 448, seed: int = 0) -> RGBArray:
    """Noise with the falling spectrum of photographs (amplitude ~ 1/f) and some grain."""
    rng = np.random.default_rng(seed)
    fy, fx = np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None, :]
    amplitude = 1.0 / np.maximum(np.hypot(fy, fx), 1.0 / max(height, width))
    phase = np.exp(2j * np.pi * rng.random((height, width)))
    cloud = np.fft.ifft2(amplitude * phase).real
    cloud = 128 + 45 * cloud / cloud.std() + rng.normal(0, 2, cloud.shape)
    rgb = cloud[..., None] + np.array([6.0, 0.0, -9.0])
    return np.asarray(np.clip(rgb, 0, 255), dtype=np.uint8)


def encode(rgb: RGBArray, fmt: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, fmt, **options)
    return file.getvalue()


def jpeg(rgb: RGBArray, quality: int, **options: object) -> bytes:
    return encode(rgb, "JPEG", quality=quality, **options)


def decoded(data: bytes) -> RGBArray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def signs(data: bytes) -> dict[str, Finding]:
    return {f.evidence.name: f for f in read_laundering(decode_picture(data))}


# ---- tables -------------------------------------------------------------------------------------


def test_quality_tables_by_hand() -> None:
    assert (quality_table(50) == BASE_TABLE).all()
    assert quality_table(75)[0, 0] == 8  # (16 · 50 + 50) // 100
    assert quality_table(100).max() == 1
    assert quality_table(10)[0, 1] == 55  # (11 · 500 + 50) // 100


@pytest.mark.parametrize("quality", [5, 30, 50, 69, 75, 90, 95, 100])
def test_the_table_in_the_file_gives_the_quality_back(quality: int) -> None:
    table = read_luminance_table(jpeg(scene(64, 64), quality))
    assert table is not None
    assert (table == quality_table(quality)).all()  # also proves the zigzag
    assert estimate_quality(table) == quality


def test_the_first_components_table_is_taken_not_the_first_in_the_file() -> None:
    data = jpeg(scene(64, 64), 80)
    # Swap the selectors of luminance and chrominance in the frame header.
    at = data.index(b"\xff\xc0") + 4
    swapped = bytearray(data)
    swapped[at + 8], swapped[at + 11], swapped[at + 14] = 1, 0, 0
    luminance, chrominance = read_luminance_table(data), read_luminance_table(bytes(swapped))
    assert luminance is not None
    assert chrominance is not None
    assert (luminance != chrominance).any()


def test_strong_compression() -> None:
    found = signs(jpeg(scene(), 45))
    assert found["strong-compression"].says is Says.LAUNDERED
    assert found["strong-compression"].evidence.kind == "stability"
    assert found["strong-compression"].evidence.detail == {"quality": 45}
    assert "strong-compression" not in signs(jpeg(scene(), 75))


# ---- an earlier JPEG ----------------------------------------------------------------------------


@pytest.mark.parametrize("last", [None, 95, 90, 85, 80, 75, 70])
@pytest.mark.parametrize("seed", [0, 1])
def test_one_compression_is_not_taken_for_two(last: int | None, seed: int) -> None:
    data = encode(scene(seed=seed)) if last is None else jpeg(scene(seed=seed), last)
    assert "earlier-jpeg" not in signs(data)


@pytest.mark.parametrize(
    ("first", "last"), [(60, None), (80, None), (60, 95), (75, 95), (75, 90), (60, 85), (50, 75)]
)
def test_a_coarser_jpeg_before_is_seen_and_its_quality_told(first: int, last: int | None) -> None:
    before = decoded(jpeg(scene(), first))
    finding = signs(encode(before) if last is None else jpeg(before, last))["earlier-jpeg"]
    assert finding.says is Says.LAUNDERED
    assert finding.evidence.detail["earlier_quality"] == pytest.approx(first, abs=3)
    assert finding.evidence.detail["offset_px"] == [0, 0]
    assert "before it was saved as" in finding.evidence.finding


def test_a_fine_earlier_jpeg_is_told_but_lowers_nothing() -> None:
    finding = signs(encode(decoded(jpeg(scene(), 92))))["earlier-jpeg"]
    assert finding.says is Says.NOTHING


def test_a_crop_off_the_grid_is_seen_with_its_offset() -> None:
    before = decoded(jpeg(scene(), 60))[3:, 5:]
    finding = signs(encode(before))["earlier-jpeg"]
    # The crop's first block border is 8 − 5 pixels from the left and 8 − 3 from the top.
    assert finding.evidence.detail["offset_px"] == [3, 5]
    assert "cut" in finding.evidence.finding


def test_block_phase_by_hand() -> None:
    steps = np.zeros((16, 40), np.float32)
    for border in range(3, 40, 8):  # a border before pixels 3, 11, 19, …
        steps[:, border:] += 10
    assert block_phase(steps, axis=1) == 3
    assert block_phase(steps, axis=0) in range(8)
    assert block_phase(np.zeros((4, 4), np.float32), axis=0) == 0


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_is_undone_before_blocks_are_looked_at(orientation: int) -> None:
    block = Image.Exif()
    block[0x0112] = orientation
    before = decoded(jpeg(scene(379, 445), 60))  # sides that are no multiples of 8
    found = signs(jpeg(before, 95, exif=block))
    assert found["earlier-jpeg"].evidence.detail["offset_px"] == [0, 0]


# ---- enlargement --------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1.15, 1.25, 1.5])
@pytest.mark.parametrize("quality", [None, 95])
def test_enlargement_is_seen(scale: float, quality: int | None) -> None:
    size = (round(448 * scale), round(384 * scale))
    large = np.asarray(Image.fromarray(scene()).resize(size, Image.Resampling.BICUBIC))
    found = signs(encode(large) if quality is None else jpeg(large, quality))
    assert found["enlarged"].says is Says.LAUNDERED
    assert "enlarged" in found["enlarged"].evidence.finding


@pytest.mark.parametrize("seed", range(6))
def test_a_picture_that_was_not_enlarged(seed: int) -> None:
    assert signs(encode(scene(seed=seed))) == {}
    assert signs(jpeg(scene(seed=seed), 85)) == {}


def test_the_line_lies_where_the_factor_puts_it() -> None:
    large = Image.fromarray(scene()).resize((672, 576), Image.Resampling.BICUBIC)
    luma = np.asarray(large.convert("L")).astype(np.float32)
    line, frequency = resampling_line(luma[:512, :512])
    assert line > 20
    assert frequency == pytest.approx(1 - 1 / 1.5, abs=0.003)


def test_small_pictures_have_no_line() -> None:
    assert resampling_line(np.zeros((191, 400), np.float32)) == (0.0, 0.0)


# ---- screenshots --------------------------------------------------------------------------------


def test_a_file_that_says_it_is_a_screenshot() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Software", "gnome-screenshot")
    assert signs(encode(scene(), pnginfo=info))["screenshot"].says is Says.LAUNDERED
    block = Image.Exif()
    block.get_ifd(0x8769)[0x9286] = b"ASCII\0\0\0Screenshot"
    assert "screenshot" in signs(jpeg(scene(), 90, exif=block))


def test_talk_of_screenshots_is_none() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "not a screenshot at all")
    info.add_text("Description", "Screenshot")
    assert signs(encode(scene(), pnginfo=info)) == {}


# ---- odd and hostile ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rgb",
    [
        np.zeros((1, 1, 3), np.uint8),
        np.zeros((1, 5000, 3), np.uint8),
        np.full((600, 600, 3), 255, np.uint8),
        np.zeros((64, 64, 3), np.uint8),
        np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8),
        np.kron(np.arange(64, dtype=np.uint8).reshape(8, 8) * 4, np.ones((40, 40), np.uint8))[
            ..., None
        ].repeat(3, -1),
    ],
)
def test_flat_noisy_and_tiny_pictures_show_nothing(rgb: RGBArray) -> None:
    assert signs(encode(rgb)) == {}


# Sides just above the smallest that is looked at.
SMALL = [jpeg(scene(72, 80), 60), encode(scene(72, 80)), jpeg(scene(72, 80), 90, progressive=True)]


@settings(max_examples=200, deadline=None)
@given(
    seed=st.sampled_from(SMALL),
    flips=st.lists(st.tuples(st.integers(0, 900), st.integers(0, 255)), max_size=8),
    cut=st.integers(0, 1 << 16),
)
def test_no_damage_raises(seed: bytes, flips: list[tuple[int, int]], cut: int) -> None:
    data = bytearray(seed)
    for at, value in flips:
        data[at % len(data)] = value
    damaged = bytes(data[: max(1, cut % (2 * len(data)))])
    for fmt in ("jpeg", "png"):
        picture = Picture(path="p", data=damaged, rgb=scene(72, 80), format=fmt)
        for finding in read_laundering(picture):
            json.dumps(finding.evidence.detail, allow_nan=False)


@given(data=st.binary(max_size=300))
def test_random_tables_never_raise(data: bytes) -> None:
    table = read_luminance_table(b"\xff\xd8\xff\xdb" + (len(data) + 2).to_bytes(2, "big") + data)
    if table is not None:
        find_earlier_jpeg(np.zeros((64, 64), np.float32), table)
        assert 1 <= estimate_quality(table) <= 100


def test_speed_of_one_megapixel() -> None:
    picture = decode_picture(jpeg(np.tile(scene(512, 512), (2, 2, 1)), 90))
    read_laundering(picture)
    start = time.process_time()
    read_laundering(picture)
    assert time.process_time() - start < 0.2  # 10 ms on an idle core
