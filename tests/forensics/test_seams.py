"""A hard paste leaves four straight seams; photographs and blended pastes do not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundsight.core.seeds import make_rng
from groundsight.forensics.seams import find_seamed_region, promising_columns, step_evidence
from groundsight.forensics.signal.planes import RGB
from groundsight.synth.paste import paste_region
from groundsight.vision.boxes import Boxes, union_iou


def cloud(height: int, width: int, *names: int) -> RGB:
    """Smooth coloured blobs with a little noise, as unlike a seam as a sky is."""
    rng = make_rng(0, "cloud", *names)
    coarse = rng.uniform(0, 255, (height // 16 + 2, width // 16 + 2, 3))
    y = np.linspace(0, coarse.shape[0] - 1.001, height)
    x = np.linspace(0, coarse.shape[1] - 1.001, width)
    fy, fx = (y % 1)[:, None, None], (x % 1)[None, :, None]
    a = coarse[y.astype(int)][:, x.astype(int)]
    b = coarse[y.astype(int)][:, x.astype(int) + 1]
    c = coarse[y.astype(int) + 1][:, x.astype(int)]
    d = coarse[y.astype(int) + 1][:, x.astype(int) + 1]
    smooth = (a * (1 - fx) + b * fx) * (1 - fy) + (c * (1 - fx) + d * fx) * fy
    rgb: RGB = np.clip(smooth + rng.normal(0, 1, smooth.shape), 0, 255).astype(np.uint8)
    return rgb


def test_a_lone_step_is_full_evidence_and_a_ramp_is_none() -> None:
    step = np.zeros((1, 8, 3), dtype=np.uint8)
    step[:, 4:] = 6
    assert step_evidence(step)[0].tolist() == [0, 0, 0, -1, 1, -1, 0, 0]
    ramp = np.arange(0, 48, 6, dtype=np.uint8)[None, :, None].repeat(3, axis=2)
    assert not step_evidence(ramp).any()


def test_promising_columns_are_those_with_a_long_run() -> None:
    evidence = np.zeros((60, 5), dtype=np.float32)
    evidence[10:40, 1] = 0.5  # 30 rows
    evidence[10:30, 3] = 1.0  # 20 rows: too short, however clear
    assert promising_columns(evidence).tolist() == [1]


@pytest.mark.parametrize("seed", range(8))
def test_a_hard_paste_is_found_to_the_pixel_and_a_soft_one_is_not(seed: int) -> None:
    photo, donor = cloud(320, 400, seed, 0), cloud(320, 400, seed, 1)
    assert find_seamed_region(photo) is None
    hard = paste_region(photo, donor, make_rng(seed), min_side_rate=0.25)
    found = find_seamed_region(hard.rgb)
    assert found is not None and 0.4 <= found.score <= 1
    overlap = union_iou(Boxes.px([found.xyxy_px]), Boxes.px([hard.xyxy_px]))
    assert overlap > 0.95
    soft = paste_region(photo, donor, make_rng(seed), min_side_rate=0.25, feather_px=10)
    assert find_seamed_region(soft.rgb) is None


def test_a_frame_around_the_picture_is_no_region() -> None:
    framed = np.zeros((300, 300, 3), dtype=np.uint8)
    framed[10:-10, 10:-10] = cloud(280, 280, 5) // 2 + 100
    assert find_seamed_region(framed) is None


@given(st.integers(1, 70), st.integers(1, 70), st.integers(0, 3))
def test_any_size_and_content_gives_a_region_inside_or_none(
    height: int, width: int, seed: int
) -> None:
    rgb = make_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)
    found = find_seamed_region(rgb)
    if found is not None:
        x0, y0, x1, y1 = found.xyxy_px
        assert 0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height


def test_pictures_that_are_a_single_colour_or_a_checkerboard_do_not_raise() -> None:
    flat = np.full((200, 200, 3), 128, dtype=np.uint8)
    board = (np.indices((200, 200)).sum(axis=0) % 2 * 255).astype(np.uint8)
    assert find_seamed_region(flat) is None
    assert find_seamed_region(board[..., None].repeat(3, axis=2)) is None
