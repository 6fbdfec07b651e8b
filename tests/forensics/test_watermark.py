import io
import math
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from groundsight.forensics.finding import Says
from groundsight.forensics.watermark import (
    PAYLOADS,
    Payload,
    block_votes,
    embed_watermark,
    find_watermark,
    low_band,
    match_as_written,
    read_watermark,
    undo_chroma_upsampling,
)
from groundsight.vision.images import Picture, RGBArray, open_picture

SHARED = Path(__file__).parents[3] / "shared/images"
BY_NAME = {payload.name: payload for payload in PAYLOADS}
each_payload = pytest.mark.parametrize("payload", PAYLOADS, ids=lambda payload: payload.name)


def scene(height: int = 384, width: int = 512, seed: int = 0) -> RGBArray:
    """Coloured clouds with some grain: smooth like a photograph, different in every block."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(40, 215, (height // 32 + 1, width // 32 + 1, 3), dtype=np.uint8)
    smooth = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    grain = rng.normal(0.0, 3.0, (height, width, 1))
    return np.clip(np.asarray(smooth) + grain, 0, 255).astype(np.uint8)


def as_picture(rgb: RGBArray) -> Picture:
    return Picture(path="p", data=b"", rgb=rgb, format="png")


def through_jpeg(rgb: RGBArray, quality: int, subsampling: int) -> RGBArray:
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "JPEG", quality=quality, subsampling=subsampling)
    return np.asarray(Image.open(file))


def test_the_messages_are_the_published_ones() -> None:
    assert {name: len(p.bits) for name, p in BY_NAME.items()} == {
        "StableDiffusionV1": 136,
        "SDV2": 32,
        "SDXL": 48,
        "FLUX": 46,  # bin() drops two leading zeros
    }
    assert BY_NAME["SDV2"].bits[:8] == (0, 1, 0, 1, 0, 0, 1, 1)  # "S" = 0x53
    assert (
        int("".join(map(str, BY_NAME["SDXL"].bits)), 2)
        == 0b101100111110110010010000011110111011000110011110
    )


def test_votes_by_hand() -> None:
    # Grey has U = 128, LL = 256 = 7·36 + 4, and 4 < 18: every block votes 0.
    assert not block_votes(low_band(np.full((16, 24, 3), 90, np.uint8))).any()
    # Pure blue 255: Y = 29.07, U − 128 = 111.16, LL = 478.3 = 13·36 + 10.3: 0 as well.
    blue = np.zeros((8, 8, 3), np.uint8)
    blue[..., 2] = 255
    assert block_votes(low_band(blue)).tolist() == [[0.0]]
    # Blue 60: U − 128 = 0.492·0.886·60 = 26.15, LL = 308.3 = 8·36 + 20.3 > 18: 1.
    blue[..., 2] = 60
    assert block_votes(low_band(blue)).tolist() == [[1.0]]


@each_payload
@pytest.mark.parametrize(("quality", "subsampling"), [(None, 0), (95, 0), (90, 0), (95, 2)])
def test_round_trip_also_through_jpeg(
    payload: Payload, quality: int | None, subsampling: int
) -> None:
    marked = embed_watermark(scene(), payload.bits)
    assert np.abs(marked.astype(int) - scene().astype(int)).max() > 0
    if quality:
        marked = through_jpeg(marked, quality, subsampling)
    match = find_watermark(marked)
    assert match is not None
    assert match.payload is payload
    assert not match.cropped
    assert match.width_px == 512 % (8 * len(payload.bits))
    assert match_as_written(block_votes(low_band(scene())), payload).chance > 1e-6


@pytest.mark.parametrize("name", ["StableDiffusionV1", "SDXL", "FLUX"])
def test_a_crop_on_the_grid_still_shows_it_and_how_wide_the_picture_was(name: str) -> None:
    payload = BY_NAME[name]
    marked = embed_watermark(scene(640, 768), payload.bits)[64:, 72:488]
    match = find_watermark(marked)
    assert match is not None
    assert match.payload is payload
    assert match.cropped
    assert match.width_px == 768 % (8 * len(payload.bits))


def test_chroma_upsampling_is_undone() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(256.0, 20.0, (40, 48)).astype(np.float32)
    smooth = truth
    for axis in (0, 1):
        before = np.concatenate([smooth.take([0], axis), smooth], axis).take(
            range(smooth.shape[axis]), axis
        )
        after = np.concatenate([smooth, smooth.take([-1], axis)], axis).take(
            range(1, smooth.shape[axis] + 1), axis
        )
        smooth = 0.75 * smooth + 0.125 * (before + after)
    assert np.abs(smooth - truth)[5:-5, 5:-5].max() > 10
    assert np.abs(undo_chroma_upsampling(smooth) - truth)[5:-5, 5:-5].max() < 0.5


def test_the_embedder_leaves_the_look_alone() -> None:
    marked = embed_watermark(scene(250, 301), BY_NAME["SDXL"].bits)
    difference = np.abs(marked.astype(float) - scene(250, 301))
    assert 20 * math.log10(255 / math.sqrt((difference**2).mean())) > 30
    assert (marked[248:] == scene(250, 301)[248:]).all()


def test_the_finding() -> None:
    (finding,) = read_watermark(as_picture(embed_watermark(scene(), BY_NAME["SDV2"].bits)))
    assert finding.says is Says.GENERATED
    assert finding.evidence.kind == "watermark"
    assert finding.evidence.detail["payload"] == "SDV2"
    assert finding.evidence.detail["chance"] < 1e-9
    assert "Stable Diffusion 2" in finding.evidence.finding


@pytest.mark.parametrize("seed", range(20))
def test_unmarked_pictures_show_nothing(seed: int) -> None:
    assert read_watermark(as_picture(scene(seed=seed))) == []


@pytest.mark.parametrize(
    "rgb",
    [
        np.zeros((512, 512, 3), np.uint8),
        np.full((256, 256, 3), 255, np.uint8),
        np.tile(np.arange(256, dtype=np.uint8)[:, None, None], (1, 256, 3)),  # a ramp down
        np.tile(np.arange(256, dtype=np.uint8)[None, :, None] * [0, 0, 1], (512, 1, 1)).astype(
            np.uint8
        ),
        np.tile(np.array([[[0, 0, 255]], [[255, 255, 0]]], np.uint8), (256, 512, 1)),  # stripes
        np.zeros((1, 60_000, 3), np.uint8),
        np.zeros((1, 70_000, 3), np.uint8),
        np.zeros((9, 70_000, 3), np.uint8),
        np.zeros((70_000, 8, 3), np.uint8),
        np.zeros((1, 1, 3), np.uint8),
        embed_watermark(scene(248, 248), BY_NAME["SDV2"].bits),  # smaller than the encoder takes
    ],
)
def test_flat_regular_and_odd_pictures_show_nothing(rgb: RGBArray) -> None:
    assert read_watermark(as_picture(rgb)) == []


def test_resized_pictures_have_lost_it() -> None:
    marked = Image.fromarray(embed_watermark(scene(), BY_NAME["StableDiffusionV1"].bits))
    assert find_watermark(np.asarray(marked.resize((460, 345)))) is None


@settings(max_examples=25, deadline=None)
@given(bits=st.lists(st.integers(0, 1), min_size=24, max_size=150), seed=st.integers(0, 3))
def test_any_message_comes_back(bits: list[int], seed: int) -> None:
    if sum(bits) in (0, len(bits)):
        bits[0] = 1 - bits[0]  # a constant message has nothing to correlate with
    payload = Payload("any", "nobody", tuple(bits))
    marked = embed_watermark(scene(seed=seed), payload.bits)
    match = match_as_written(block_votes(low_band(marked)), payload)
    assert match.correlation > 0.9


def test_speed_of_one_megapixel() -> None:
    picture = as_picture(scene(1024, 1024))
    read_watermark(picture)
    start = time.process_time()
    read_watermark(picture)
    assert time.process_time() - start < 0.15  # 20 ms on an idle core


@pytest.mark.skipif(not SHARED.exists(), reason="needs shared/images")
@pytest.mark.parametrize("number", [0, 1, 6, 13])
def test_real_pictures_of_the_reference_scripts(number: int) -> None:
    path = SHARED / f"fake/sd1-compvis/{number:04}.png"
    (finding,) = read_watermark(open_picture(path))
    assert finding.evidence.detail["payload"] == "StableDiffusionV1"
    assert finding.evidence.detail["marked_width_px_modulo"] == [512, 1088]
    assert finding.evidence.detail["cropped"] is (number == 0)  # kept as a crop at 64, 64
