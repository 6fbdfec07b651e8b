"""`groundsight experts train`: a folder that loads, with a card that says what was measured."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.experts.toy_bright_expert import PATH
from tests.train.experts.bright_set import make_bright_set, toy_settings
from typer.testing import CliRunner

from groundsight.cli.experts import app
from groundsight.core.errors import UsageError
from groundsight.experts import load_expert
from groundsight.experts.calibration import sigmoid
from groundsight.train.experts.data import DataChoice
from groundsight.train.experts.recalibrate import recalibrate
from groundsight.train.experts.run import SCORES_FILE, Trained, train_expert
from groundsight.train.experts.state import CHECKPOINT_FILE

SETTINGS = toy_settings(valid_rate=0.4)


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bright_set(tmp_path_factory.mktemp("set"), 64)


@pytest.fixture(scope="module")
def trained(manifest: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    out = tmp_path_factory.mktemp("runs") / "bright"
    return train_expert(PATH, DataChoice(path=manifest), out, SETTINGS, device="cpu")


def test_the_folder_loads_and_tells_bright_from_dark(trained: Trained) -> None:
    expert = load_expert(trained.folder, device="cpu")
    dark, bright = expert.score([Image.new("RGB", (40, 40), (level,) * 3) for level in (60, 190)])
    assert dark < 0.5 < bright
    assert expert.temperature == trained.card["calibration"]["temperature"] != 1.0


def test_the_card_says_data_settings_and_figures(trained: Trained) -> None:
    card = trained.card
    figures = card["figures"]["unseen"]
    assert figures["auc"][0] == 1.0
    assert figures["by_generator"] == {
        "late": {
            "num": 16,
            "hit_rate": [1.0, 1.0, 1.0],
            "balanced_accuracy": [1.0, 1.0, 1.0],
            "auc": [1.0, 1.0, 1.0],
        }
    }
    assert figures["by_photo_source"]["camera"]["num"] == 16
    assert len(card["data"]["sha256"]) == 64
    assert card["training"]["settings"]["epochs"] == 4
    assert "no proof" in (trained.folder / "README.md").read_text()
    assert not (trained.folder / CHECKPOINT_FILE).exists()


def test_scores_are_those_of_the_expert(trained: Trained, manifest: Path) -> None:
    lines = (trained.folder / SCORES_FILE).read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert {row["part"] for row in rows} == {"held_out", "unseen"}
    assert sum(row["part"] == "unseen" for row in rows) == 32
    p_fake = sigmoid(np.array([row["logit"] / row["temperature"] for row in rows]))
    assert ((p_fake > 0.5) == [row["label"] == 1 for row in rows]).all()


def test_a_finished_run_is_told_again_and_not_done_again(trained: Trained, manifest: Path) -> None:
    before = os.stat(trained.folder / "model.safetensors").st_mtime_ns
    again = train_expert(PATH, DataChoice(path=manifest), trained.folder, SETTINGS, resume=True)
    assert again.card == trained.card
    assert os.stat(trained.folder / "model.safetensors").st_mtime_ns == before


def test_a_run_goes_on_only_as_it_began(trained: Trained, manifest: Path, tmp_path: Path) -> None:
    choice = DataChoice(path=manifest)
    with pytest.raises(UsageError, match="add --resume"):
        train_expert(PATH, choice, trained.folder, toy_settings())
    other = toy_settings(epochs=9, valid_rate=0.4)
    with pytest.raises(UsageError, match=r"other settings of training\.epochs"):
        train_expert(PATH, choice, trained.folder, other, resume=True)
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="holds no run"):
        train_expert(PATH, choice, tmp_path, toy_settings())


def test_a_new_temperature_moves_no_decision(
    trained: Trained, manifest: Path, tmp_path: Path
) -> None:
    pictures = [Image.new("RGB", (40, 40), (level,) * 3) for level in range(0, 256, 15)]
    before = load_expert(trained.folder, device="cpu").score(pictures)
    fitted = recalibrate(trained.folder, DataChoice(path=manifest, fit_split="unseen"))
    expert = load_expert(trained.folder, device="cpu")
    assert expert.temperature == fitted["temperature"]
    assert ((expert.score(pictures) > 0.5) == (before > 0.5)).all()
    card = json.loads((trained.folder / "expert.json").read_text())["card"]
    assert card["calibration"]["num"] == 32
    assert card["figures"] == json.loads(json.dumps(trained.card["figures"]))


def test_the_command_trains_and_tells(manifest: Path, tmp_path: Path) -> None:
    settings = ("epochs=1", "batch=16", "crop_px=16", "learning_rate=0.05")
    flags = [part for one in settings for part in ("--set", one)]
    out = tmp_path / "run"
    said = CliRunner().invoke(
        app,
        ["train", PATH, "--data", str(manifest), "--out", str(out), "--seed", "3", *flags],
        catch_exceptions=False,
    )
    assert said.exit_code == 0
    assert "epoch 1 of 1: loss" in said.stderr
    assert "unseen: AUC " in said.stdout
    assert f"use it with --expert {out}" in said.stdout.replace("\n", "")
    recipe = json.loads((out / "recipe.json").read_text())
    assert recipe["training"]["seed"] == 3


def test_calibrate_and_agree_tell_one_line_of_json(
    trained: Trained, manifest: Path, tmp_path: Path
) -> None:
    run = CliRunner().invoke
    said = run(app, ["calibrate", str(trained.folder), "--data", str(manifest), "--json"])
    assert json.loads(said.stdout)["num"] == 96
    samples = tmp_path / "scored.jsonl"
    rows = [
        {"id": str(i), "images": [{"path": "x.png"}], "task": "forgery_reasoning", "label": i % 2}
        | {"experts": {"a": 0.9, "b": 0.9 if i % 2 else 0.1}}
        for i in range(4)
    ]
    samples.write_text("".join(json.dumps(row) + "\n" for row in rows))
    said = run(app, ["agree", str(samples), "--json"])
    (row,) = json.loads(said.stdout)
    assert (row["num"], row["agree_rate"], row["second_right"]) == (4, 0.5, 2)
    assert "| a, b | 4 | 0.500 |" in run(app, ["agree", str(samples)]).stdout
