"""The matched files hold the very pixels that the signal expert's figures are taken on."""

import csv
from pathlib import Path

import numpy as np
from benchmarks.matched_pictures import main
from PIL import Image
from tests.prepare.picture_files import scene

from groundsight.experts.signal.views import protocol_view


def test_a_split_is_written_as_the_expert_sees_it(tmp_path: Path) -> None:
    (tmp_path / "fake").mkdir()
    scene(1).save(tmp_path / "fake" / "a.png")
    scene(2).save(tmp_path / "b.jpg", quality=95)
    manifest = tmp_path / "manifest.csv"
    manifest.write_text(
        "path,split,label,generator\nfake/a.png,unseen,fake,flux\nb.jpg,fit,real,\n", "utf-8"
    )
    assert main([str(manifest), str(tmp_path / "out")]) == 0
    with (tmp_path / "out" / "unseen.csv").open(encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert (row["path"], row["label"], row["generator"]) == ("fake__a.png", "fake", "flux")
    with Image.open(tmp_path / "out" / row["path"]) as written:
        expected = protocol_view(scene(1), "fake/a.png")
        assert np.array_equal(np.asarray(written), np.asarray(expected))
