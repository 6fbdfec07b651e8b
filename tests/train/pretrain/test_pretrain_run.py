"""Photographs in, a base out: it learns, resumes where it was cut short, and loads as any model."""

import json
from pathlib import Path

import pytest
import torch
from PIL import Image
from tests.train.pretrain.pretrain_photos import write_photos

from groundsight.core.errors import UsageError
from groundsight.data.run_folder import alone
from groundsight.models.load import load_model
from groundsight.train.pretrain.run import pretrain
from groundsight.train.pretrain.settings import PretrainSettings
from groundsight.train.pretrain.stage import pace

TINY = PretrainSettings(
    size_px=64, block_steps=2, batch_size=4, dense_steps=4, text_steps=2, warm_up=1
)


def photos(folder: Path) -> list[str]:
    write_photos(folder)
    return [str(path) for path in sorted(folder.glob("*.png"))]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pretrained")
    pretrain(photos(folder / "photos"), folder / "run", TINY)
    return folder


def test_both_stages_tell_their_losses(made: Path) -> None:
    lines = [json.loads(line) for line in (made / "run/log.jsonl").read_text().splitlines()]
    assert [(line["stage"], line["step"]) for line in lines] == [
        ("dense", 2),
        ("dense", 4),
        ("text", 2),
    ]
    assert all(line["token"] > 0 for line in lines[:2])
    assert lines[2]["text"] > 0


def test_a_run_that_was_cut_short_ends_at_the_same_weights(made: Path) -> None:
    found = photos(made / "photos")
    # Level to the end, so that a run of two steps is the first half of one of four.
    whole = TINY.model_copy(update={"cool_down": 0.01})
    for name, steps in (("one", (4,)), ("two", (2, 4))):
        for last in steps:
            settings = whole.model_copy(update={"dense_steps": last})
            pretrain(found, made / name, settings, stages=["dense"])
    one, two = (torch.load(made / name / "dense.pt", weights_only=True) for name in ("one", "two"))
    for key, value in one["tower"].items():
        assert torch.equal(value, two["tower"][key]), key


def test_the_base_is_a_model_folder_with_a_card(made: Path) -> None:
    base = made / "run/base"
    loaded = load_model(str(base), device="cpu")
    assert loaded.family.name == "qwen3_vl"
    seen = loaded.processor.image_processor([Image.new("RGB", (64, 64))], return_tensors="pt")
    assert seen["image_grid_thw"].tolist() == [[1, 4, 4]]
    assert (base / "model.safetensors").stat().st_size < 25e6
    card = (base / "README.md").read_text(encoding="utf-8")
    assert "no detector of AI-generated pictures" in card
    assert "garbled text" in card


@pytest.mark.slow  # two processes that import torch
def test_two_processes_take_the_step_of_one(tmp_path: Path) -> None:
    found = photos(tmp_path / "photos")
    settings = TINY.model_copy(update={"dense_steps": 2})
    pretrain(found, tmp_path / "two", settings, stages=["dense"], processes=2)
    held = torch.load(tmp_path / "two/dense.pt", weights_only=True)
    assert held["step"] == 2
    assert all(bool(torch.isfinite(value).all()) for value in held["tower"].values())


def test_two_runs_do_not_share_a_folder(tmp_path: Path) -> None:
    with alone(tmp_path), pytest.raises(UsageError, match="another run"):
        pretrain([], tmp_path, TINY)


def test_the_learning_rate_rises_stays_and_falls() -> None:
    settings = PretrainSettings(warm_up=10, cool_down=0.5)
    assert pace(0, 100, settings) == pytest.approx(0.1)
    assert pace(9, 100, settings) == 1.0
    assert pace(49, 100, settings) == 1.0
    assert pace(75, 100, settings) == pytest.approx(0.5)
    assert pace(99, 100, settings) == pytest.approx(0.02)
