from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from groundsight.core.errors import UsageError
from groundsight.core.seeds import make_rng
from groundsight.synth.shapes import OBJECTS, draw_scene, render_scene, write_shapes
from groundsight.tasks import TASKS


def test_odd_pictures_are_fake_and_their_boxes_hold_the_odd_shape(tmp_path: Path) -> None:
    samples = write_shapes(tmp_path, 12, seed=4, max_odd=2)
    assert [sample.label for sample in samples] == [0, 1] * 6
    for sample in samples:
        assert bool(sample.regions) == bool(sample.label)
        rgb = np.asarray(Image.open(tmp_path / sample.images[0].path)).astype(int)
        ground = rgb[0, 0]
        for region in sample.regions:
            x0, y0, x1, y1 = map(int, region.xyxy)
            inside = np.abs(rgb[y0:y1, x0:x1] - ground).sum(-1) > 60
            assert inside.mean() > 0.35  # a triangle or diamond fills half of its box
            assert inside.any(0)[[0, -1]].all() or inside.any(0).mean() > 0.85


def test_same_seed_same_bytes_whatever_the_count(tmp_path: Path) -> None:
    write_shapes(tmp_path / "a", 3, seed=1)
    write_shapes(tmp_path / "b", 5, seed=1)
    write_shapes(tmp_path / "c", 3, seed=2)
    for name in ("000000.png", "000002.png"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
        assert (tmp_path / "a" / name).read_bytes() != (tmp_path / "c" / name).read_bytes()


@pytest.mark.parametrize("kind", ["odd_one_out", "difference"])
def test_gold_replies_read_back(tmp_path: Path, kind: str) -> None:
    for sample in write_shapes(tmp_path, 6, kind=kind):  # type: ignore[arg-type]
        task = TASKS[sample.task]
        answer = task.parse(task.gold_reply(sample), sample)
        read = [value for region in answer.regions for value in region.xyxy_px]
        told = [value for region in sample.regions for value in region.xyxy]
        assert read == pytest.approx(told)


def test_the_two_pictures_differ_only_in_one_shape(tmp_path: Path) -> None:
    sample = write_shapes(tmp_path, 3, kind="difference")[2]
    first, second = (
        np.asarray(Image.open(tmp_path / image.path)).astype(int) for image in sample.images
    )
    first, second = (rgb - rgb[0, 0] for rgb in (first, second))
    x0, y0, x1, y1 = map(int, sample.regions[0].xyxy)
    assert sample.regions[0].image_index == 1
    change = np.abs(first - second).sum(-1) > 120
    assert change[y0:y1, x0:x1].sum() == change.sum() > 20


def test_shapes_do_not_touch() -> None:
    for seed in range(30):
        scene = draw_scene(make_rng(seed), side_px=112, num_odd=1)
        boxes = [shape.xyxy_px for shape in scene.shapes]
        for i, a in enumerate(boxes):
            assert min(a) >= 0 and max(a) <= 112
            for b in boxes[:i]:
                assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
        assert render_scene(scene, make_rng(seed), side_px=64).size == (64, 64)


def test_a_board_of_four_holds_three_or_four_shapes(tmp_path: Path) -> None:
    samples = write_shapes(tmp_path, 8, grid=2, grey=True)
    assert all(len(sample.regions) == sample.label for sample in samples)
    for seed in range(20):
        assert len(draw_scene(make_rng(seed), side_px=112, num_odd=1, grid=2).shapes) == 3


def test_grey_scenes_have_colour_only_where_they_are_odd() -> None:
    for seed in range(20):
        scene = draw_scene(make_rng(seed), side_px=112, num_odd=1, grey=True)
        assert [shape.colour != "grey" for shape in scene.shapes] == [
            index in scene.odd for index in range(len(scene.shapes))
        ]
        assert {shape.form for shape in scene.shapes[1:]} == {"circle"}


@pytest.mark.parametrize(("num", "max_odd"), [(0, 1), (3, 0), (3, 4)])
def test_impossible_sets_are_refused(tmp_path: Path, num: int, max_odd: int) -> None:
    with pytest.raises(UsageError):
        write_shapes(tmp_path, num, max_odd=max_odd)
    with pytest.raises(UsageError):
        write_shapes(tmp_path, 3, grid=2, max_odd=2)
    with pytest.raises(UsageError):
        draw_scene(make_rng(0), side_px=50, num_odd=2, num_shapes=4)


def test_a_board_of_two_by_two_holds_three_shapes_whatever_the_label(tmp_path: Path) -> None:
    samples = write_shapes(tmp_path, 6, grid=2, grey=True)
    assert {len(sample.extra[OBJECTS]) for sample in samples} == {3}


def test_the_regions_are_among_the_objects(tmp_path: Path) -> None:
    for sample in write_shapes(tmp_path, 6, grid=3, max_odd=3):
        places = [tuple(thing["xyxy_px"]) for thing in sample.extra[OBJECTS]]
        assert all(tuple(region.xyxy) in places for region in sample.regions)
