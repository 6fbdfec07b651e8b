import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from groundsight.core.errors import UnknownNameError
from groundsight.core.seeds import make_rng
from groundsight.core.types import ImageRef, Sample, SampleRegion
from groundsight.vision import perturbations
from groundsight.vision.boxes import Boxes
from groundsight.vision.codecs import Codec, encode
from groundsight.vision.frames import PictureSize
from groundsight.vision.images import Picture, decode_picture
from groundsight.vision.perturbations import (
    FAMILIES,
    PERTURBATIONS,
    Placement,
    chosen_perturbations,
    move_sample,
    perturb,
    steps,
)


def picture_of(rgb: npt.NDArray[np.uint8]) -> Picture:
    return decode_picture(encode(rgb, Codec(format="png")))


def textured(width: int, height: int) -> npt.NDArray[np.uint8]:
    """Coarse grain: it survives a codec."""
    small = make_rng(0, "texture").integers(0, 256, (height // 8 + 1, width // 8 + 1, 3))
    image = Image.fromarray(small.astype(np.uint8)).resize((width, height))
    return np.asarray(image)


def with_square(box: tuple[int, int, int, int], size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """A white square on black."""
    rgb = np.zeros((size[1], size[0], 3), dtype=np.uint8)
    rgb[box[1] : box[3], box[0] : box[2]] = 255
    return rgb


PICTURE = picture_of(textured(320, 200))


def seen(name: str, picture: Picture = PICTURE, seed: int = 0) -> Picture:
    return decode_picture(perturb(picture, name, seed=seed).data)


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_the_file_is_what_it_says_and_the_same_every_time(name: str) -> None:
    again = perturb(PICTURE, name)
    assert again.data == perturb(PICTURE, name).data
    picture = decode_picture(again.data)
    assert (picture.width, picture.height) == tuple(again.size)
    assert picture.format == PERTURBATIONS[name].saved.format
    assert again.suffix == PERTURBATIONS[name].saved.suffix
    assert again.placement.original == (320, 200)


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("jpeg-75", (320, 200)),
        ("webp-50", (320, 200)),
        ("resize-0.25", (80, 50)),
        ("enlarge-1.5", (480, 300)),
        ("crop-0.75", (240, 150)),
        ("blur-1", (320, 200)),
        ("noise-5", (320, 200)),
        ("darken-0.5", (320, 200)),
        ("social-feed", (320, 200)),
    ],
)
def test_sizes(name: str, size: tuple[int, int]) -> None:
    assert perturb(PICTURE, name).size == size


def test_uploads_bound_the_longest_side() -> None:
    large = picture_of(textured(2400, 300))
    sides = {name: perturb(large, name).size for name in FAMILIES["social"]}
    assert sides["social-network"] == (2048, 256)
    assert sides["social-messenger"] == (1600, 200)
    assert sides["social-feed"] == sides["social-reshared"] == (1080, 135)
    assert max(sides["social-captured"]) <= 1600


def mean_change(name: str) -> float:
    return float(np.abs(seen(name).rgb.astype(float) - PICTURE.rgb).mean())


@pytest.mark.parametrize("family", ["jpeg", "webp", "blur", "noise", "darken", "brighten"])
def test_each_level_changes_more_than_the_one_before(family: str) -> None:
    changes = [mean_change(name) for name in FAMILIES[family]]
    assert changes == sorted(changes)
    assert 0 < changes[0] < changes[-1]
    assert [PERTURBATIONS[name].severity for name in FAMILIES[family]] == list(
        range(1, len(changes) + 1)
    )


def test_pixel_changes_are_as_strong_as_they_say() -> None:
    grey = picture_of(np.full((200, 200, 3), 100, dtype=np.uint8))
    assert (seen("darken-0.5", grey).rgb == 50).all()
    assert (seen("brighten-2", grey).rgb == 200).all()
    noisy = seen("noise-5", grey).rgb.astype(float)
    assert noisy.mean() == pytest.approx(100, abs=0.1)
    assert noisy.std() == pytest.approx(math.sqrt(25 + 1 / 12), abs=0.1)
    dot = np.zeros((101, 101, 3), dtype=np.uint8)
    dot[50, :] = 255  # a line: its blurred profile is the Gaussian itself
    profile = seen("blur-3", picture_of(dot)).rgb[:, 50, 0].astype(float)
    spread = math.sqrt((profile * (np.arange(101) - 50) ** 2).sum() / profile.sum())
    assert spread == pytest.approx(3, abs=0.25)


def test_jpeg_is_of_the_quality_asked_for() -> None:
    expected = encode(PICTURE.rgb, Codec(format="jpeg", quality=75, subsampling="4:2:0"))
    assert perturb(PICTURE, "jpeg-75").data == expected


@pytest.mark.parametrize("name", ["crop-0.5", "noise-5", "screenshot-png"])
def test_what_is_drawn_hangs_on_seed_and_picture_alone(name: str) -> None:
    other = picture_of(np.ascontiguousarray(textured(320, 200)[::-1]))
    one, reseeded = perturb(PICTURE, name), perturb(PICTURE, name, seed=1)
    assert one.data != reseeded.data
    places = {perturb(PICTURE, name, seed=seed).placement for seed in range(5)}
    if name != "noise-5":
        assert len(places) > 1
        assert perturb(other, name).placement != one.placement
    renamed = decode_picture(PICTURE.data, path="elsewhere.png")
    assert perturb(renamed, name).data == one.data


@pytest.mark.parametrize("name", PERTURBATIONS)
@pytest.mark.parametrize("seed", [0, 1])
def test_boxes_move_with_their_pixels(name: str, seed: int) -> None:
    box = (160, 120, 240, 200)
    again = perturb(picture_of(with_square(box, (400, 320))), name, seed=seed)
    bright = decode_picture(again.data).rgb.mean(axis=2)
    rows, columns = np.nonzero(bright > bright.max() / 2)
    found = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    moved = again.placement.boxes(Boxes.px([box])).clipped(*again.size)
    assert found == pytest.approx(moved.xyxy[0].tolist(), abs=2.0)


def test_a_placement_worked_by_hand() -> None:
    placed = Placement.of(PictureSize(400, 300)).cropped((100, 0, 400, 300)).resized((150, 150))
    assert placed.window == (100, 0, 400, 300)
    assert placed.boxes(Boxes.px([[200, 100, 300, 200]])).xyxy.tolist() == [[50, 50, 100, 100]]
    assert placed.boxes(Boxes.unit([[0.25, 0, 1, 1]])).xyxy.tolist() == [[0, 0, 150, 150]]
    rates = placed.visible_rates(Boxes.px([[0, 0, 200, 300], [0, 0, 90, 90], [150, 9, 150, 20]]))
    assert rates.tolist() == [0.5, 0.0, 0.0]
    again = placed.cropped((75, 0, 150, 75))
    assert again.window == (250, 0, 400, 150)
    assert not again.is_whole
    assert Placement.of(PictureSize(400, 300)).resized((40, 30)).is_whole


@given(
    st.tuples(st.integers(0, 90), st.integers(0, 90), st.integers(1, 10), st.integers(1, 10)),
    st.lists(st.integers(0, 2**31), min_size=1, max_size=4),
)
@settings(max_examples=50)
def test_moving_step_by_step_is_moving_at_once(
    place: tuple[int, int, int, int], seeds: list[int]
) -> None:
    """A box's corners, as shares of the window, are its corners as shares of the new picture."""
    placed = Placement.of(PictureSize(100, 100))
    for seed in seeds:
        rng = np.random.default_rng(seed)
        rates = rng.random(3)
        placed = placed.cropped(
            steps.crop_window(placed.size, 0.5 + rates[0] / 2, rates[1], rates[2])
        )
        placed = placed.resized((int(rng.integers(20, 200)), int(rng.integers(20, 200))))
    x, y, width, height = place
    moved = placed.boxes(Boxes.px([[x, y, x + width, y + height]])).xyxy[0]
    x0, y0, x1, y1 = placed.window
    by_hand = (np.array([x, y, x + width, y + height]) - [x0, y0, x0, y0]) / (
        [x1 - x0, y1 - y0] * 2
    )
    assert moved.tolist() == pytest.approx((by_hand * ([*placed.size] * 2)).tolist(), abs=1e-6)


def region(*xyxy: float, image_index: int = 0, frame: str = "xyxy_px") -> SampleRegion:
    return SampleRegion.model_validate(
        {"image_index": image_index, "xyxy": xyxy, "frame": frame, "description": "six fingers"}
    )


def test_a_sample_stays_true() -> None:
    sample = Sample(
        id="a",
        images=(ImageRef(path="a.png", width=400, height=300), ImageRef(path="b.png")),
        task="grounded_detection",
        label=1,
        regions=(
            region(200, 100, 300, 200),
            region(0.5, 0.5, 1, 1, frame="xyxy_unit"),
            region(0, 0, 150, 300),  # a third of it stays in view
            region(50, 0, 250, 300),  # three quarters
            region(1, 2, 3, 4, image_index=1),
        ),
        tags=("hands",),
    )
    placed = Placement.of(PictureSize(400, 300)).cropped((100, 0, 400, 300)).resized((150, 150))
    moved = move_sample(sample, {0: placed}, paths={0: "a2.png"})
    assert moved.num_lost == 1
    assert [one.xyxy for one in moved.sample.regions] == [
        (50, 50, 100, 100),
        (50, 75, 150, 150),
        (0, 0, 75, 150),
        (1, 2, 3, 4),
    ]
    assert {one.frame for one in moved.sample.regions} == {"xyxy_px"}
    assert moved.sample.images == (
        ImageRef(path="a2.png", width=150, height=150),
        ImageRef(path="b.png"),
    )
    assert (moved.sample.id, moved.sample.label, moved.sample.tags) == ("a", 1, ("hands",))


def test_regions_over_the_edge_are_not_lost_where_nothing_was_cut() -> None:
    sample = Sample(
        id="a", images=(ImageRef(path="a.png"),), task="t", regions=(region(-50, 0, 20, 30),)
    )
    moved = move_sample(sample, {0: Placement.of(PictureSize(40, 40)).resized((20, 20))})
    assert moved.num_lost == 0
    assert moved.sample.regions[0].xyxy == (-25, 0, 10, 15)


def test_names_of_rows_families_and_all() -> None:
    assert chosen_perturbations(["blur-1", "crop", "blur-1", "crop-0.5"]) == (
        "blur-1",
        "crop-0.9",
        "crop-0.75",
        "crop-0.5",
    )
    assert chosen_perturbations(["all"]) == tuple(PERTURBATIONS)
    assert chosen_perturbations([]) == ()
    with pytest.raises(UnknownNameError, match="Did you mean 'jpeg-75'"):
        chosen_perturbations(["jpg-75"])
    assert [name for names in FAMILIES.values() for name in names] == list(PERTURBATIONS)


def test_the_table_in_words_is_the_table() -> None:
    rows = [line.split("|") for line in str(perturbations.__doc__).splitlines() if line[:2] == "| "]
    told = {row[1].strip(): tuple(row[2].split()) for row in rows[1:]}
    known = {
        family: tuple(name.removeprefix(f"{family}-") for name in names)
        for family, names in FAMILIES.items()
    }
    assert told == known


@pytest.mark.parametrize("size", [(1, 1), (1, 900), (700, 3), (17_000, 2)])
@pytest.mark.parametrize("family", FAMILIES)
def test_odd_pictures_pass(size: tuple[int, int], family: str) -> None:
    picture = picture_of(np.zeros((size[1], size[0], 3), dtype=np.uint8))
    for name in FAMILIES[family][-1:]:
        again = perturb(picture, name)
        assert decode_picture(again.data).width == again.size.width
        assert np.isfinite(again.placement.boxes(Boxes.px([[0, 0, *size]])).xyxy).all()


def test_enlarging_stops_where_pictures_get_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("groundsight.vision.perturbations.table.MAX_PIXELS", 320 * 200 * 2)
    width, height = perturb(PICTURE, "enlarge-2").size
    assert width * height == pytest.approx(320 * 200 * 2, rel=0.01)
    monkeypatch.setattr("groundsight.vision.perturbations.table.MAX_PIXELS", 100)
    assert perturb(PICTURE, "enlarge-2").size == (320, 200)
    assert perturb(PICTURE, "resize-0.5").size == (160, 100)


def test_scaling_rounds_and_keeps_sixteen_pixels() -> None:
    assert steps.scaled(Image.new("RGB", (101, 40)), 0.5).size == (50, 20)
    assert steps.scaled(Image.new("RGB", (101, 20)), 0.5).size == (50, 16)
    image = Image.new("RGB", (320, 240))
    assert steps.bounded(image, 320) is image
    assert steps.bounded(image, 160).size == (160, 120)


def test_noise_is_cut_at_white() -> None:
    white = Image.new("RGB", (50, 50), (255, 255, 255))
    noisy = np.asarray(steps.with_noise(white, 30.0, make_rng(0, "clip")))
    assert noisy.min() > 100
    assert noisy.max() == 255
