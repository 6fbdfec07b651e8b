"""Scenes: exact boxes, the same from the same number, turned with their boxes; dense labels."""

from pathlib import Path

import numpy as np
import pytest
from tests.train.pretrain.pretrain_photos import write_photos

from groundsight.train.pretrain.labels import dense_labels
from groundsight.train.pretrain.scenes import Scene, SceneMaker, Thing, kind_names, turned
from groundsight.train.pretrain.settings import PretrainSettings

SETTINGS = PretrainSettings()


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> list[Scene]:
    photos = write_photos(tmp_path_factory.mktemp("scenes"))
    return SceneMaker(photos, PretrainSettings(qualities=(100, 100))).block(0, 40)


def test_a_block_is_made_the_same_twice(tmp_path: Path) -> None:
    photos = write_photos(tmp_path)
    first, again = (SceneMaker(photos, SETTINGS).block(5, 6) for _ in "ab")
    for one, other in zip(first, again, strict=True):
        assert np.array_equal(one.rgb, other.rgb)
        assert one.things == other.things
    other_block = SceneMaker(photos, SETTINGS).block(6, 6)
    pairs = zip(first, other_block, strict=True)
    assert any(not np.array_equal(one.rgb, other.rgb) for one, other in pairs)


def test_the_last_edit_is_where_the_two_pictures_differ(scenes: list[Scene]) -> None:
    edited = [scene for scene in scenes if scene.before is not None]
    assert len(edited) > 10
    for scene in edited:
        assert scene.before is not None
        change = np.abs(scene.rgb.astype(int) - scene.before).max(axis=2)
        x0, y0, x1, y1 = (int(value) for value in scene.things[-1].xyxy_px)
        inside = change[y0:y1, x0:x1]
        assert inside.max() > 20
        change[max(y0 - 16, 0) : y1 + 16, max(x0 - 16, 0) : x1 + 16] = 0  # JPEG spreads a block
        assert change.max() <= 12


def test_things_are_known_kinds_on_the_picture_and_apart(scenes: list[Scene]) -> None:
    names = kind_names(SETTINGS)
    assert {thing.name for scene in scenes for thing in scene.things} <= set(names)
    assert any(not scene.things for scene in scenes)
    for scene in scenes:
        cover = np.zeros((128, 128), dtype=int)
        for thing in scene.things:
            x0, y0, x1, y1 = (int(value) for value in thing.xyxy_px)
            assert 0 <= x0 < x1 <= 128
            assert 0 <= y0 < y1 <= 128
            cover[y0:y1, x0:x1] += 1
        assert cover.max(initial=0) <= 1


def test_boxes_turn_with_the_picture() -> None:
    rgb = np.zeros((128, 128, 3), dtype=np.uint8)
    rgb[20:40, 50:90] = 255
    scene = Scene(rgb=rgb, things=(Thing("local blur", (50.0, 20.0, 90.0, 40.0)),), before=rgb)
    rng, seen = np.random.default_rng(0), set()
    for _ in range(60):
        now = turned(scene, rng)
        x0, y0, x1, y1 = (int(value) for value in now.things[0].xyxy_px)
        assert now.rgb[y0:y1, x0:x1].min() == 255
        assert now.rgb.astype(bool).sum() == 3 * (x1 - x0) * (y1 - y0)
        assert now.before is not None
        assert np.array_equal(now.before, now.rgb)
        seen.add(now.things[0].xyxy_px)
    assert len(seen) == 8


def test_labels_by_hand() -> None:
    # 64 pixels, two tokens a side: the thing fills the upper right token and none of the others.
    thing = Thing("b", (32.0, 0.0, 64.0, 32.0))
    small = Thing("a", (2.0, 34.0, 14.0, 46.0))  # wholly inside one patch of the lower left
    scene = Scene(rgb=np.zeros((64, 64, 3), dtype=np.uint8), things=(thing, small))
    labels = dense_labels([scene], ["a", "b"], cells=2)
    assert labels.token_kinds.tolist() == [[0, 2, 1, 0]]
    # Patches run token by token, each token's four in reading order.
    assert labels.patch_kinds.tolist() == [[0] * 4 + [2] * 4 + [1, 0, 0, 0] + [0] * 4]
    assert labels.boxes[0, 1].tolist() == [0.5, 0.0, 1.0, 0.5]
    assert labels.boxes[0, 0].tolist() == [0.0] * 4


def test_a_cell_is_told_of_what_covers_most_of_it() -> None:
    things = (Thing("a", (0.0, 0.0, 32.0, 12.0)), Thing("b", (0.0, 12.0, 32.0, 32.0)))
    scene = Scene(rgb=np.zeros((32, 32, 3), dtype=np.uint8), things=things)
    for order in (things, things[::-1]):
        labels = dense_labels([Scene(rgb=scene.rgb, things=order)], ["a", "b"], cells=1)
        assert labels.token_kinds.tolist() == [[2]]
