"""`groundsight demo`: the sample photographs, or one's own."""

import sys
from pathlib import Path

import pytest
from PIL import Image
from tests.detect.ugly_pictures import make_picture

from groundsight.cli.app import main
from groundsight.core.errors import UsageError
from groundsight.demo import photos
from groundsight.detect.ledger import LEDGER, read_reports

pytest.importorskip("skimage", reason="the sample photographs ship inside scikit-image")


def test_the_sample_photographs_are_there_without_a_download() -> None:
    found = photos.find_photos()
    assert len(found) >= 5
    for path in found:
        with Image.open(path) as image:
            assert min(image.size) >= 250
    assert "pooch" not in sys.modules


def test_without_the_packages_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photos, "PHOTOS", {("no_such_package", "data"): ("x.png",)})
    with pytest.raises(UsageError, match="pip install scikit-image scikit-learn"):
        photos.find_photos()


def test_a_second_demo_replaces_the_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("groundsight.engines.builtin.engine")
    make_picture(tmp_path / "in" / "x.png", size=(300, 200))
    for _ in range(2):
        with pytest.raises(SystemExit) as ended:
            main(["demo", "--photos", str(tmp_path / "in"), "--out", str(tmp_path / "out")])
        assert ended.value.code == 0
    assert len(list(read_reports(tmp_path / "out" / LEDGER))) == 1
    assert (tmp_path / "out" / "report.html").exists()
    assert "report.html" in capsys.readouterr().err
