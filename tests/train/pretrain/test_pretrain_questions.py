"""Short questions: every answer is true of its pictures."""

from pathlib import Path

import numpy as np
import pytest
from tests.train.pretrain.pretrain_photos import write_photos

from groundsight.replies.dialect import Dialect
from groundsight.replies.place import place
from groundsight.replies.reply import parse_reply
from groundsight.train.pretrain.questions import NOTHING_THERE, NOWHERE, Exchange, Questioner
from groundsight.train.pretrain.scenes import SceneMaker, kind_names
from groundsight.train.pretrain.settings import PretrainSettings
from groundsight.vision.frames import PictureSize

SETTINGS = PretrainSettings()
DIALECT = Dialect.of("qwen3_vl")
SIZE = PictureSize(128, 128)


@pytest.fixture(scope="module")
def exchanges(tmp_path_factory: pytest.TempPathFactory) -> list[Exchange]:
    scenes = SceneMaker(write_photos(tmp_path_factory.mktemp("asked")), SETTINGS).block(0, 250)
    asker, rng = Questioner(SETTINGS, kind_names(SETTINGS), DIALECT), np.random.default_rng(0)
    return [asker.ask(scene, rng) for scene in scenes]


def test_every_box_of_an_answer_is_that_of_a_thing_in_the_picture(
    exchanges: list[Exchange],
) -> None:
    num = 0
    for exchange in exchanges:
        written = parse_reply(exchange.reply).regions
        sizes = [SIZE] * len(exchange.scenes)
        placed = place(written, sizes, DIALECT)
        assert not [p for p in placed.problems if p.code != "no_image_index"]
        for region in placed.regions:
            things = exchange.scenes[region.image_index].things
            far = [np.abs(np.subtract(region.xyxy_px, thing.xyxy_px)).max() for thing in things]
            assert min(far) < 0.2
            num += 1
    assert num > 80


def test_there_are_lists_of_none_one_and_several(exchanges: list[Exchange]) -> None:
    lists = [e for e in exchanges if e.reply.startswith("- ") or e.reply == NOTHING_THERE]
    assert {min(len(e.scenes[0].things), 2) for e in lists} == {0, 1, 2}
    for exchange in lists:
        lines = [line for line in exchange.reply.splitlines() if line.startswith("- ")]
        assert len(lines) == len(exchange.scenes[0].things)
        assert all(": " in line for line in lines)


def test_what_is_asked_for_in_vain_is_not_there(exchanges: list[Exchange]) -> None:
    vain = [e for e in exchanges if e.reply == NOWHERE]
    assert vain
    for exchange in vain:
        question = exchange.messages[0]["content"][-1]["text"]
        assert not any(thing.name in question for thing in exchange.scenes[0].things)


def test_questions_across_pictures_name_the_picture(exchanges: list[Exchange]) -> None:
    several = [e for e in exchanges if len(e.scenes) > 1]
    assert {len(e.scenes) for e in several} == {2, 3}
    assert len(several) > 10
    for exchange in several:
        assert "Image " in exchange.reply
        images = [p for p in exchange.messages[0]["content"] if p["type"] == "image"]
        assert len(images) == len(exchange.scenes)


def test_what_is_common_is_the_only_thing_in_all_and_what_differs_in_one_alone(
    exchanges: list[Exchange],
) -> None:
    asked = {"share": 0, "all of these": 0, "differs": 0, "something more": 0}
    for exchange in exchanges:
        text = " ".join(p.get("text", "") for p in exchange.messages[0]["content"])
        found = [words for words in asked if words in text]
        if not found:
            continue
        asked[found[0]] += 1
        name, _, place_told = exchange.reply.partition(", ")
        at = int(place_told.removeprefix("Image ").partition(":")[0]) - 1
        names = [{thing.name for thing in scene.things} for scene in exchange.scenes]
        assert name in names[at]
        if found[0] in ("share", "all of these"):
            assert set.intersection(*names) == {name}
        else:
            counts = [len(scene.things) for scene in exchange.scenes]
            assert counts[at] == max(counts) and counts.count(max(counts)) == 1
    assert all(asked.values())


def test_no_answer_holds_a_verdict_or_a_report(exchanges: list[Exchange], tmp_path: Path) -> None:
    del tmp_path
    for exchange in exchanges:
        said = f"{exchange.messages} {exchange.reply}"
        assert "<" not in exchange.reply
        for word in ("verdict", "fake", "AI-generated"):
            assert word not in said
