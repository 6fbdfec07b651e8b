"""Folders of experts: what is saved is what is loaded; where published files are looked for."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tests.experts.official_layouts import drawn_state, resnet_layout
from tests.experts.official_steps import noise
from tests.experts.toy_bright_expert import PATH, BrightExpert, make_trained, plain_picture

from groundsight.core.errors import UnknownNameError, UsageError
from groundsight.experts import (
    EXPERTS,
    build_expert,
    expert_card,
    expert_names,
    load_expert,
    save_expert,
)
from groundsight.experts.base import Expert, to_unit
from groundsight.experts.places import find_backbone, find_folders, find_weights, usual_place


def test_a_saved_expert_is_the_same_expert(tmp_path: Path) -> None:
    expert = make_trained()
    expert.temperature = 2.5
    folder = save_expert(expert, tmp_path / "mine", {"auc": 0.9, "note": "a | b\nc"})
    again = load_expert(folder, device="cpu")
    pictures = [plain_picture(level) for level in (0, 90, 255)]
    np.testing.assert_array_equal(again.score(pictures), expert.score(pictures))
    assert again.temperature == 2.5 and again.settings == expert.settings
    told = json.loads((folder / "expert.json").read_text())
    assert told["schema"] == "groundsight.expert/1" and told["card"]["auc"] == 0.9
    assert told["name"] == PATH
    card = (folder / "README.md").read_text()
    assert "| auc | 0.9 |" in card and "a \\| b c" in card
    assert sorted(p.name for p in folder.iterdir()) == [
        "README.md",
        "expert.json",
        "model.safetensors",
    ]


def test_settings_of_a_folder_can_be_changed_when_it_is_loaded(tmp_path: Path) -> None:
    folder = save_expert(make_trained(), tmp_path)
    assert load_expert(folder, settings={"grid": 2}, device="cpu").settings.grid == 2
    with pytest.raises(UsageError, match=r"settings of bright: grid: .*less than or equal to 8"):
        load_expert(folder, settings={"grid": 99}, device="cpu")
    with pytest.raises(UsageError, match="settings of bright: colour"):
        load_expert(folder, settings={"colour": 1}, device="cpu")


def test_temperature_moves_p_fake_towards_a_half() -> None:
    expert = make_trained()
    expert.temperature = 2.0
    # sigmoid(3 / 2) and sigmoid(-3 / 2), by hand.
    np.testing.assert_allclose(
        expert.probabilities(np.array([3.0, -3.0])), [0.817574, 0.182426], 1e-5
    )
    far = expert.probabilities(np.array([1e6, -1e6]))
    assert far.tolist() == [1.0, 0.0] and far.dtype == np.float32


def test_scores_do_not_hang_on_batches() -> None:
    expert = make_trained()
    pictures = [plain_picture(level, side) for level, side in ((0, 8), (90, 24), (200, 31))]
    together = expert.score(pictures, batch_size=32)
    alone = np.concatenate([expert.score([one], batch_size=1) for one in pictures])
    np.testing.assert_allclose(together, alone, atol=1e-6)
    assert expert.score([]).shape == (0,)


BROKEN = {
    "no json": "{",
    "another schema": json.dumps({"schema": "other/1", "name": "npr"}),
    "unknown key": json.dumps({"schema": "groundsight.expert/1", "name": "npr", "x": 1}),
    "unknown expert": json.dumps({"schema": "groundsight.expert/1", "name": "nbr"}),
    "bad temperature": json.dumps(
        {"schema": "groundsight.expert/1", "name": "npr", "temperature": 0}
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_folder_is_told_in_one_line(kind: str, tmp_path: Path) -> None:
    (tmp_path / "expert.json").write_text(BROKEN[kind])
    with pytest.raises(UsageError) as told:
        load_expert(tmp_path, device="cpu")
    assert "\n" not in str(told.value)


def test_what_is_no_expert_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no folder of an expert: it has no expert\.json"):
        load_expert(tmp_path)
    with pytest.raises(UnknownNameError, match="Did you mean 'npr'"):
        load_expert("nprr")


def test_published_weights_are_found_where_they_belong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROUNDSIGHT_EXPERTS", str(tmp_path))
    card = expert_card("npr")
    assert find_weights(card) is None
    with pytest.raises(UsageError, match=r"no weights of npr on this machine: get NPR\.pth"):
        load_expert("npr")
    place = usual_place(card)
    assert place == tmp_path / "npr" / "NPR.pth"
    place.parent.mkdir()
    save_file(drawn_state(resnet_layout((3, 4), stem=3, head="fc1")), place)
    assert find_weights(card) == place
    assert load_expert("npr", device="cpu").score([plain_picture(9)]).shape == (1,)
    save_expert(make_trained(), tmp_path / "own")
    assert list(find_folders()) == [tmp_path / "own"]


def test_a_tower_is_found_in_the_hubs_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    assert find_backbone("openai/clip") is None
    snapshot = tmp_path / "models--openai--clip" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    assert find_backbone("openai/clip") == snapshot
    assert find_backbone(str(snapshot)) == snapshot


@pytest.mark.parametrize("name", expert_names())
def test_every_card_is_filled_in_and_named_as_its_row(name: str) -> None:
    card = expert_card(name)
    assert card.name == name
    for field in ("title", "paper", "official_code", "official_from", "licence", "input"):
        assert getattr(card, field).strip(), field
    assert issubclass(EXPERTS[name], Expert)


def test_cards_and_names_load_no_torch() -> None:
    program = (
        "import sys; from groundsight.experts import expert_card, expert_names; "
        "cards = [expert_card(name) for name in expert_names()]; "
        "print([m for m in ('torch', 'transformers', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_an_expert_from_outside_goes_by_its_import_path() -> None:
    assert isinstance(build_expert(PATH, device="cpu"), BrightExpert)


def test_packed_pixels_are_the_same_views() -> None:
    pixels = noise(6, 5)[None]
    unit = to_unit(pixels)
    assert unit.dtype == np.float32 and unit.shape == (1, 3, 5, 6)
    np.testing.assert_array_equal(unit[0, 2], pixels[0, :, :, 2].astype(np.float32) / 255)
    assert to_unit(unit) is unit


def test_no_such_device_is_told() -> None:
    if torch.cuda.is_available():
        pytest.skip("there is one")
    with pytest.raises(UsageError, match="no device 'cuda' here"):
        build_expert("npr", device="cuda")
