import numpy as np
import pytest
from PIL import Image

from groundsight.core.seeds import make_rng
from groundsight.experts.signal.views import (
    PROTOCOL_QUALITY,
    augmented_view,
    bounded,
    coded,
    final_codec,
    protocol_view,
    travelled,
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
    possible = {data(coded(PICTURE, "jpeg", quality)) for quality in range(low, high + 1)}
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


def test_pictures_within_the_bound_stay_as_they_are() -> None:
    assert bounded(PICTURE) is PICTURE
    assert bounded(picture(2048, 512)).size == (1024, 256)
