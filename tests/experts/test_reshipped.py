import numpy as np
import pytest
from PIL import Image

from groundsight.core.seeds import make_rng
from groundsight.experts.signal.reshipped import PROTOCOL, VIEWS
from groundsight.experts.signal.views import protocol_view


def textured(width: int, height: int) -> Image.Image:
    rgb = make_rng(0, "texture").integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(rgb).resize((width, height), Image.Resampling.BICUBIC)


PICTURE = textured(320, 200)


def pixels(image: Image.Image) -> list[int]:
    return np.asarray(image).ravel().tolist()


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_depends_on_picture_and_key_only(name: str) -> None:
    one, again = (VIEWS[name](PICTURE, "a.png") for _ in range(2))
    assert one.mode == "RGB"
    assert pixels(one) == pixels(again)
    assert PICTURE.size == (320, 200)


@pytest.mark.parametrize(
    ("name", "size"),
    [
        (PROTOCOL, (320, 200)),
        ("original", (320, 200)),
        ("jpeg-60-75", (320, 200)),
        ("webp-80", (320, 200)),
        ("longest-512", (320, 200)),
        ("resize-0.5", (160, 100)),
        ("resize-0.75", (240, 150)),
        ("blur-1", (320, 200)),
        ("noise-5", (320, 200)),
        ("crop-centre-75", (240, 150)),
        ("crop-random-75", (240, 150)),
    ],
)
def test_sizes(name: str, size: tuple[int, int]) -> None:
    assert VIEWS[name](PICTURE, "a.png").size == size


@pytest.mark.parametrize("name", [name for name in VIEWS if name != "original"])
def test_no_view_but_the_original_passes_pixels_through(name: str) -> None:
    assert not np.array_equal(np.asarray(VIEWS[name](PICTURE, "a.png")), np.asarray(PICTURE))
    assert max(VIEWS[name](textured(1600, 700), "b.png").size) <= 1024


def test_the_protocol_view_is_the_protocol() -> None:
    assert pixels(VIEWS[PROTOCOL](PICTURE, "k")) == pixels(protocol_view(PICTURE, "k"))
    assert pixels(VIEWS["original"](PICTURE, "k")) == pixels(PICTURE)


def test_the_longest_side_is_bounded() -> None:
    assert VIEWS["longest-512"](textured(1024, 400), "k").size == (512, 200)


def test_strengths_are_ordered() -> None:
    flat = Image.new("RGB", (256, 256), (128, 128, 128))
    spread = {name: np.asarray(VIEWS[name](flat, "k")).std() for name in ("noise-3", "noise-5")}
    assert 1 < spread["noise-3"] < spread["noise-5"] < 6

    def detail(name: str) -> float:
        grey = np.asarray(VIEWS[name](PICTURE, "k").convert("L"), dtype=np.float64)
        return float(np.abs(np.diff(grey, axis=1)).mean())

    assert detail("blur-1") < 0.7 * detail(PROTOCOL)
    loss = {
        name: np.abs(np.asarray(VIEWS[name](PICTURE, "k")) * 1.0 - np.asarray(PICTURE)).mean()
        for name in (PROTOCOL, "jpeg-60-75")
    }
    assert loss[PROTOCOL] < loss["jpeg-60-75"]


def test_screenshots_differ_in_the_last_codec_only() -> None:
    jpeg, webp = (VIEWS[f"screenshot-{codec}-75"](PICTURE, "k") for codec in ("jpeg", "webp"))
    assert jpeg.size == webp.size != PICTURE.size
    assert len({VIEWS["screenshot-jpeg-75"](PICTURE, str(i)).size for i in range(6)}) > 3


def test_a_central_crop_is_central_and_random_ones_move() -> None:
    ramp = np.zeros((200, 400, 3), dtype=np.uint8)
    ramp[..., 0] = np.linspace(0, 255, 400)
    image = Image.fromarray(ramp)

    def middle(name: str, key: str) -> float:
        return float(np.asarray(VIEWS[name](image, key))[..., 0].mean())

    assert middle("crop-centre-75", "k") == pytest.approx(127.5, abs=3)
    seen = {round(middle("crop-random-75", str(i))) for i in range(8)}
    assert len(seen) > 3
    assert all(127.5 - 35 <= value <= 127.5 + 35 for value in seen)


def test_pictures_of_one_pixel_pass() -> None:
    for view in VIEWS.values():
        assert min(view(Image.new("RGB", (1, 1)), "k").size) >= 1
