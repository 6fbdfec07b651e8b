"""What a tower sees: edits against untouched crops, told from checkpoints of either stage."""

from pathlib import Path

import numpy as np
import pytest
from tests.train.pretrain.pretrain_photos import write_photos

from groundsight.core.errors import UsageError
from groundsight.core.seeds import make_rng
from groundsight.synth.edits.bold import BOLD
from groundsight.train.pretrain.run import pretrain
from groundsight.train.pretrain.scenes import SceneMaker
from groundsight.train.pretrain.settings import PretrainSettings
from groundsight.train.pretrain.sight import look

TINY = PretrainSettings(
    size_px=64, block_steps=2, batch_size=4, dense_steps=2, text_steps=2, warm_up=1, edits=BOLD
)


def test_a_single_edit_changes_its_box_and_nothing_else(tmp_path: Path) -> None:
    maker = SceneMaker(write_photos(tmp_path), TINY)
    for name in BOLD:
        scene = maker.single(make_rng(0, "single"), name)
        assert len(scene.things) == 1
        x0, y0, x1, y1 = scene.things[0].xyxy_px
        assert 0 <= x0 < x1 <= 64 and 0 <= y0 < y1 <= 64
    assert maker.single(make_rng(0, "single"), None).things == ()


def test_every_edit_has_a_row_from_either_checkpoint(tmp_path: Path) -> None:
    photos = [str(photo.path) for photo in write_photos(tmp_path / "photos")]
    run = tmp_path / "run"
    pretrain(photos, run, TINY, stages=["dense"])
    first = look(run, photos, num=6)
    assert [row.tag for row in first] == ["garbled text", "colour bleeding", "pasted shape"]
    assert all(0 <= row.auc <= 1 and 0 <= row.iou <= 1 and row.num == 6 for row in first)
    pretrain(photos, run, TINY, stages=["text"])
    second = look(run, photos, num=6)
    assert not np.allclose([row.iou for row in first], [row.iou for row in second])


def test_mistakes_are_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no settings\.json"):
        look(tmp_path, [])
    (tmp_path / "settings.json").write_text(TINY.model_dump_json(), "utf-8")
    with pytest.raises(UsageError, match="run that stage"):
        look(tmp_path, [])
