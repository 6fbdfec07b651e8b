import numpy as np
import pytest
from PIL import Image

from groundsight.core.seeds import make_rng
from groundsight.experts.signal.views import (
    PROTOCOL_QUALITY,
    augmented_view,
    bounded,
    final_codec,
    protocol_view,
    recode,
    scaled,
    travelled,
    with_noise,
)


def picture(width: int, height: int) -> Image.Image:
    """Coarse grain: it survives a codec."""
    rng = make_rng(0, "views")
    small = rng.integers(0, 256, (max(1, height // 8), max(1, width // 8), 3), dtype=np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)


PICTURE = picture(320, 240)


def data(image: Image.Image) -> bytes:
    return image.tobytes()


def test_the_protocol_view_depends_on_the_key_alone() -> None:
    assert data(protocol_view(PICTURE, "a")) == data(protocol_view(PICTURE, "a"))
    assert len({data(protocol_view(PICTURE, str(i))) for i in range(12)}) > 5


def test_the_protocol_view_is_one_jpeg_of_a_quality_in_its_range() -> None:
    low, high = PROTOCOL_QUALITY
    possible = {data(recode(PICTURE, "JPEG", quality)) for quality in range(low, high + 1)}
    assert {data(protocol_view(PICTURE, str(i))) for i in range(40)} <= possible


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((320, 240), (320, 240)),
        ((1024, 30), (1024, 30)),
        ((2048, 512), (1024, 256)),
        ((500, 3000), (171, 1024)),
        ((4000, 8), (1024, 16)),
        ((1, 1), (1, 1)),
    ],
)
def test_protocol_sizes(size: tuple[int, int], expected: tuple[int, int]) -> None:
    view = protocol_view(picture(*size), "key")
    assert view.size == expected
    assert view.mode == "RGB"


def test_augmented_views_are_the_same_every_time_and_differ_by_number() -> None:
    views = [data(augmented_view(PICTURE, "key", i)) for i in range(10)]
    assert views == [data(augmented_view(PICTURE, "key", i)) for i in range(10)]
    assert len(set(views)) == 10
    assert data(augmented_view(PICTURE, "other", 0)) != views[0]


@pytest.mark.parametrize("size", [(1, 1), (5, 900), (64, 64), (180, 180), (1500, 900)])
def test_travelled_pictures_stay_in_size(size: tuple[int, int]) -> None:
    """At most 1.4 times as large as bounded, and never scaled below 180 pixels a side."""
    image = picture(*size)
    least = min(180, *bounded(image).size)
    for seed in range(15):
        seen = travelled(image, make_rng(seed, "travel"))
        assert seen.mode == "RGB"
        assert max(seen.size) <= max(16, round(1024 * 1.4))
        assert min(seen.size) >= least - 1


def test_the_last_codec_changes_pixels_a_little() -> None:
    for seed in range(5):
        coded = final_codec(PICTURE, make_rng(seed, "codec"))
        error = np.abs(np.asarray(coded, dtype=np.int16) - np.asarray(PICTURE)).mean()
        assert 0 < error < 8


def test_chroma_subsampling_is_as_asked() -> None:
    red_and_blue = np.zeros((64, 64, 3), dtype=np.uint8)
    red_and_blue[:, ::2, 0] = red_and_blue[:, 1::2, 2] = 255
    full, halved = (
        np.asarray(recode(Image.fromarray(red_and_blue), "JPEG", 95, subsampling=s)) for s in (0, 2)
    )
    assert np.abs(full[..., 0].astype(int) - red_and_blue[..., 0]).mean() < 20
    assert np.abs(halved[..., 0].astype(int) - red_and_blue[..., 0]).mean() > 80


def test_scaling_rounds_and_keeps_sixteen_pixels() -> None:
    assert scaled(picture(101, 40), 0.5).size == (50, 20)
    assert scaled(picture(101, 20), 0.5).size == (50, 16)
    assert bounded(PICTURE) is PICTURE
    assert bounded(PICTURE, max_side=160).size == (160, 120)


def test_noise_has_its_strength_and_no_bias() -> None:
    grey = Image.new("RGB", (300, 300), (100, 100, 100))
    noisy = np.asarray(with_noise(grey, 4.0, make_rng(0, "noise")), dtype=np.float64)
    assert noisy.mean() == pytest.approx(100, abs=0.05)
    assert noisy.std() == pytest.approx(np.sqrt(16 + 1 / 12), abs=0.05)
    white = Image.new("RGB", (50, 50), (255, 255, 255))
    assert np.asarray(with_noise(white, 30.0, make_rng(0, "clip"))).min() > 100
