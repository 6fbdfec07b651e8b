"""What a network is shown while it learns."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from groundsight.core.seeds import make_rng
from groundsight.experts.npr import Npr
from groundsight.experts.patchcraft import PatchCraft
from groundsight.train.experts.settings import Augmentation
from groundsight.train.experts.views import training_crop, training_views

NOTHING = Augmentation(flip_rate=0, blur_rate=0, jpeg_rate=0, codec="none")


def noise(width: int, height: int) -> Image.Image:
    return Image.fromarray(
        make_rng(0, "noise", width, height).integers(0, 256, (height, width, 3), dtype=np.uint8)
    )


def without_network(kind: type[Npr | PatchCraft], **changes: object) -> Npr | PatchCraft:
    expert = object.__new__(kind)
    expert.settings = kind.Settings.model_validate(changes)
    return expert


def test_without_augmentation_a_crop_is_a_piece_of_the_picture() -> None:
    image = noise(70, 50)
    crop = np.asarray(training_crop(image, 16, NOTHING, make_rng(0, "a")))
    pixels = np.asarray(image)
    windows = np.lib.stride_tricks.sliding_window_view(pixels, (16, 16, 3))[:, :, 0]
    assert (windows == crop).all(axis=(2, 3, 4)).sum() == 1


def test_crops_come_from_all_over_the_picture() -> None:
    gradient = np.tile(np.arange(200, dtype=np.uint8)[None, :, None], (60, 1, 3))
    lefts = [
        np.asarray(training_crop(Image.fromarray(gradient), 16, NOTHING, make_rng(0, n)))[0, 0, 0]
        for n in range(200)
    ]
    assert min(lefts) < 10
    assert max(lefts) > 174


def test_flips_mirror_half_of_the_crops() -> None:
    gradient = np.tile(np.arange(64, dtype=np.uint8)[None, :, None], (64, 1, 3))
    flip = NOTHING.model_copy(update={"flip_rate": 0.5})
    rising = 0
    for n in range(200):
        row = np.asarray(training_crop(Image.fromarray(gradient), 16, flip, make_rng(1, n)))[0]
        rising += int(row[0, 0] < row[-1, 0])
    assert 70 < rising < 130


def test_both_classes_end_in_a_jpeg_whatever_they_were() -> None:
    """A flat block of noise loses its finest coefficients: a JPEG was there."""
    matched = NOTHING.model_copy(update={"codec": "matched"})
    image = noise(64, 64)
    plain = np.asarray(training_crop(image, 64, NOTHING, make_rng(0, 1)))
    assert np.array_equal(plain, np.asarray(image))
    crop = np.asarray(training_crop(image, 64, matched, make_rng(0, 1)))
    assert not np.array_equal(crop, np.asarray(image))


def test_an_earlier_jpeg_and_blur_lose_detail() -> None:
    def detail(augmentation: Augmentation) -> float:
        crop = np.asarray(training_crop(noise(64, 64), 32, augmentation, make_rng(0, 3)), float)
        return float(np.abs(np.diff(crop, axis=1)).mean())

    plain = detail(NOTHING)
    blurred = NOTHING.model_copy(update={"blur_rate": 1.0, "blur_sigma": (2.0, 2.0)})
    coarse = NOTHING.model_copy(update={"jpeg_rate": 1.0, "jpeg_quality": (30, 30)})
    assert detail(blurred) < 0.4 * plain
    assert detail(coarse) < plain


@settings(max_examples=40, deadline=None)
@given(
    width=st.integers(1, 90),
    height=st.integers(1, 90),
    seed=st.integers(0, 1000),
    resize=st.sampled_from([0.0, 1.0]),
)
def test_pictures_of_any_size_give_views_of_one_shape(
    width: int, height: int, seed: int, resize: float
) -> None:
    augmentation = Augmentation(resize_rate=resize, blur_rate=0.5, jpeg_rate=0.5)
    image = noise(width, height)
    one = training_crop(image, 32, augmentation, make_rng(seed, "x"))
    again = training_crop(image, 32, augmentation, make_rng(seed, "x"))
    assert max(one.size) <= 32
    assert one.tobytes() == again.tobytes()
    assert training_views(without_network(Npr), one, 32).shape == (1, 32, 32, 3)


def test_a_small_picture_is_tiled_for_npr() -> None:
    small = noise(10, 10)
    views = training_views(without_network(Npr), small, 20)
    assert np.array_equal(views[0, :10, :10], views[0, 10:, 10:])


def test_experts_with_views_of_their_own_make_them_of_the_crop() -> None:
    views = training_views(without_network(PatchCraft, grid=2, patch=8), noise(64, 64), 64)
    assert views.shape == (1, 32, 16, 3)


@pytest.mark.parametrize("codec", ["matched", "none"])
def test_a_jpeg_grid_lies_anywhere(codec: str) -> None:
    buffer = io.BytesIO()
    noise(128, 128).save(buffer, "JPEG", quality=20)
    image = Image.open(buffer).convert("RGB")
    augmentation = NOTHING.model_copy(update={"codec": codec})
    firsts = {
        int(np.asarray(training_crop(image, 32, augmentation, make_rng(0, n)))[0, 0, 0])
        for n in range(30)
    }
    assert len(firsts) > 10
