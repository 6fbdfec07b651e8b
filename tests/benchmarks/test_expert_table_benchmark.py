"""The table of trained experts beside the builtin one, on a toy set."""

from pathlib import Path

import numpy as np
import pytest
from benchmarks.expert_table import fuse, main, markdown, measure
from tests.experts.toy_bright_expert import PATH
from tests.train.experts.bright_set import make_bright_set, toy_settings

from groundsight.core.json_values import JsonObject
from groundsight.forensics.signal.weights import ARRAYS_FILE, HERE
from groundsight.train.experts.data import DataChoice
from groundsight.train.experts.run import train_expert

pytestmark = pytest.mark.skipif(
    not (HERE / ARRAYS_FILE).exists(), reason="the shipped signal weights are not fitted yet"
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    manifest = make_bright_set(tmp_path_factory.mktemp("set"), 32)
    folder = tmp_path_factory.mktemp("runs") / "bright"
    settings = toy_settings(epochs=4, valid_rate=0.3)
    train_expert(PATH, DataChoice(path=manifest), folder, settings, device="cpu")
    return manifest, folder


@pytest.fixture(scope="module")
def table(trained: tuple[Path, Path]) -> JsonObject:
    return measure(trained[0], [trained[1]], "unseen")


def test_experts_are_measured_on_the_same_pictures(table: JsonObject) -> None:
    builtin, bright = table["experts"]["builtin"], table["experts"]["bright"]
    assert bright["auc"] == [1.0, 1.0, 1.0]
    assert (builtin["num_generated"], builtin["num_real"]) == (8, 8)
    assert bright["num_bytes"] > 0
    assert bright["beside_builtin"] is None  # the builtin one never saw these pictures
    assert table["agreement"][0]["num"] == 16


def test_a_row_for_each_expert_generator_and_source(table: JsonObject) -> None:
    text = markdown(table)
    assert "| bright | 1.000 [1.000, 1.000] |" in text
    assert "| late | 8 |" in text
    assert "| camera | 8 |" in text


def test_fusing_gives_a_blind_expert_no_weight(tmp_path: Path) -> None:
    import json

    told = json.loads((HERE / "fit.json").read_text())["out_of_fold"]
    lines = [
        {"key": f"m/{row['path']}", "part": "held_out", "label": row["label"], "temperature": 1.0}
        | {"logit": 1.0 - 2.0 * row["label"]}
        for row in told
    ]
    (tmp_path / "scores.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    labels = np.array([0, 0, 1, 1])
    logits = {"builtin": np.array([-1.0, 0.5, 0.0, 2.0]), "bad": np.array([3.0, 2.0, 1.0, 0.0])}
    fused = fuse(tmp_path, "bad", "m/", logits, labels)
    assert fused is not None
    assert fused["weights"]["bad"] == 0
    assert fused["auc"] == 0.75
    assert fused["auc_gained"] == [0.0, 0.0, 0.0]


def test_two_folders_of_one_name_are_a_users_mistake(
    trained: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    manifest, folder = trained
    assert main([str(manifest), str(folder), str(folder)]) == 2
    assert "need names of their own" in capsys.readouterr().err
