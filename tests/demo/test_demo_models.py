"""The base, and trained weights as a model folder."""

from pathlib import Path

import pytest

from groundsight.core.errors import UsageError
from groundsight.demo import models
from groundsight.models.nano import save_nano
from groundsight.models.nano_size import TOY
from groundsight.models.shipped import FAMILY


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_nano(tmp_path_factory.mktemp("toy") / "toy", FAMILY, size=TOY)


def test_a_base_of_ones_own_is_copied(toy: Path, tmp_path: Path) -> None:
    assert models.put_base(tmp_path / "base", base=toy, seed=0) == str(toy)
    assert (tmp_path / "base" / "model.safetensors").read_bytes() == (
        toy / "model.safetensors"
    ).read_bytes()
    assert not (tmp_path / "base.partial").exists()


def test_without_a_shipped_base_weights_are_random(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "shipped_base", lambda: None)
    assert models.put_base(tmp_path / "base", base=None, seed=0) == "random weights"
    assert (tmp_path / "base" / "config.json").exists()


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no model folder: it has no config\.json"):
        models.put_base(tmp_path / "base", base=tmp_path, seed=0)


def test_whole_weights_are_taken_as_they_are(toy: Path, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "old.txt").touch()
    (toy / "training_args.bin").touch()
    models.put_model(toy, tmp_path / "model", say=lambda _: None)
    assert (tmp_path / "model" / "config.json").exists()
    assert not (tmp_path / "model" / "old.txt").exists()
    assert not (tmp_path / "model" / "training_args.bin").exists()
