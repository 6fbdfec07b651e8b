import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundsight.core.errors import UsageError
from groundsight.core.seeds import make_rng
from groundsight.synth.paste import Pasted, paste_region
from groundsight.vision.images import RGBArray


def plain(height: int, width: int, value: int) -> RGBArray:
    return np.full((height, width, 3), value, dtype=np.uint8)


def changed_box(before: RGBArray, after: RGBArray) -> tuple[float, float, float, float]:
    ys, xs = np.nonzero((before != after).any(axis=2))
    return float(xs.min()), float(ys.min()), float(xs.max() + 1), float(ys.max() + 1)


def gradient(height: int, width: int) -> RGBArray:
    """Every pixel differs from every other, so that a crop tells where it is from."""
    y, x = np.mgrid[:height, :width]
    return np.stack([y, x, np.full_like(y, 7)], axis=2).astype(np.uint8)


@given(st.integers(40, 90), st.integers(40, 90), st.integers(40, 90), st.integers(0, 99))
@settings(max_examples=60)
def test_exactly_the_box_changes(height: int, width: int, donor_side: int, seed: int) -> None:
    photo, donor = plain(height, width, 10), plain(donor_side, donor_side, 200)
    rgb, box = paste_region(photo, donor, make_rng(seed))
    assert changed_box(photo, rgb) == box
    x0, y0, x1, y1 = (int(side) for side in box)
    assert (rgb[y0:y1, x0:x1] == 200).all()
    assert 0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height
    for length, side in ((x1 - x0, width), (y1 - y0, height)):
        assert 0.2 * side - 0.5 <= length <= 0.5 * side + 0.5
    assert (photo == 10).all()


def test_pixels_are_the_donors_own_at_their_own_scale() -> None:
    photo, donor = plain(100, 120, 255), gradient(90, 80)
    rgb, (x0, y0, x1, y1) = paste_region(photo, donor, make_rng(3))
    inside = rgb[int(y0) : int(y1), int(x0) : int(x1)]
    top, left = int(inside[0, 0, 0]), int(inside[0, 0, 1])
    height, width = inside.shape[:2]
    assert np.array_equal(inside, donor[top : top + height, left : left + width])


def test_a_small_donor_shrinks_the_box() -> None:
    photo, donor = plain(400, 300, 0), plain(30, 20, 9)
    _, (x0, y0, x1, y1) = paste_region(photo, donor, make_rng(0))
    assert (x1 - x0, y1 - y0) == (20, 30)


@pytest.mark.parametrize("feather_px", [1, 8, 25])
def test_a_feathered_box_is_where_half_is_the_donors(feather_px: int) -> None:
    photo, donor = plain(200, 200, 0), plain(300, 300, 200)
    for seed in range(8):
        rgb, (x0, y0, x1, y1) = paste_region(photo, donor, make_rng(seed), feather_px=feather_px)
        half = rgb[..., 0] >= 100
        inside = np.zeros((200, 200), dtype=bool)
        inside[int(y0) : int(y1), int(x0) : int(x1)] = True
        assert half[inside].all()
        # Outside, the ramp falls to nothing within half a feather.
        assert not half[~inside].any()
        near = np.zeros((200, 200), dtype=bool)
        reach = feather_px // 2 + 1
        near[
            max(0, int(y0) - reach) : int(y1) + reach, max(0, int(x0) - reach) : int(x1) + reach
        ] = True
        assert (rgb[~near] == 0).all()


def test_a_feather_never_reads_past_the_donor() -> None:
    # The donor is as large as the box: outside it the photo is untouched.
    photo, donor = plain(200, 200, 0), plain(20, 20, 200)
    rgb, box = paste_region(photo, donor, make_rng(1), feather_px=10)
    assert changed_box(photo, rgb) == box


def test_the_same_seed_gives_the_same_composite() -> None:
    photo, donor = gradient(64, 64), gradient(80, 80)

    def made(seed: int) -> Pasted:
        return paste_region(photo, donor, make_rng(seed, "paste"))

    assert np.array_equal(made(1).rgb, made(1).rgb) and made(1).xyxy_px == made(1).xyxy_px
    assert len({made(seed).xyxy_px for seed in range(10)}) > 5


def test_the_smallest_pictures_are_pasted_too() -> None:
    rgb, box = paste_region(plain(1, 1, 0), plain(1, 1, 9), make_rng(0), feather_px=4)
    assert box == (0, 0, 1, 1)
    assert rgb.shape == (1, 1, 3)


@pytest.mark.parametrize(
    ("photo", "donor", "said"),
    [
        (np.zeros((4, 4), dtype=np.uint8), plain(4, 4, 0), "the photo must be"),
        (plain(4, 4, 0), np.zeros((4, 4, 3)), "the donor must be"),
        (plain(4, 4, 0), plain(0, 4, 0), "the donor must be"),
    ],
)
def test_what_is_no_picture_is_refused(photo: RGBArray, donor: RGBArray, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        paste_region(photo, donor, make_rng(0))


def test_settings_out_of_range_are_refused() -> None:
    photo = plain(8, 8, 0)
    for low, high in ((0.0, 0.5), (0.6, 0.5), (0.5, 1.1)):
        with pytest.raises(UsageError, match="side rates"):
            paste_region(photo, photo, make_rng(0), min_side_rate=low, max_side_rate=high)
    with pytest.raises(UsageError, match="feather_px"):
        paste_region(photo, photo, make_rng(0), feather_px=-1)
