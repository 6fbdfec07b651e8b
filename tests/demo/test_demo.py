"""`groundsight demo`: the sample photographs, or one's own."""

import sys
from pathlib import Path

import pytest
from PIL import Image
from tests.detect.ugly_pictures import make_picture

from groundsight.cli.app import main
from groundsight.core.errors import UsageError
from groundsight.demo import outline, photos
from groundsight.demo.check import check_demo
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


def test_own_photographs_stand_beside_the_samples(tmp_path: Path) -> None:
    own = make_picture(tmp_path / "in" / "x.png", size=(300, 200))
    found = photos.all_photos((tmp_path / "in",))
    assert found[-1] == str(own)
    assert len(found) == len(photos.find_photos()) + 1


def test_own_photographs_do_without_the_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photos, "PHOTOS", {("no_such_package", "data"): ("x.png",)})
    own = make_picture(tmp_path / "x.png")
    assert photos.all_photos((own,)) == (str(own),)
    with pytest.raises(UsageError, match="pip install scikit-image scikit-learn"):
        photos.all_photos()


def test_another_content_is_another_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photos, "PHOTOS", {})
    first, second = (make_picture(tmp_path / f"{v}.png", value=v) for v in (10, 20))
    assert photos.photos_digest((first,)) != photos.photos_digest((second,))


def demo(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["demo", *arguments])
    return int(str(ended.value.code))


def test_detection_alone_needs_no_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("groundsight.engines.builtin.engine")
    monkeypatch.setattr(photos, "PHOTOS", {})
    make_picture(tmp_path / "in" / "x.png", size=(300, 200))
    arguments = ["--photos", str(tmp_path / "in"), "--out", str(tmp_path / "out")]
    for told in ("1 photographs", "done before"):
        assert demo(*arguments, "--until", "detect") == 0
        assert told in capsys.readouterr().out
    reports = tmp_path / "out" / "1-detect" / "reports"
    assert len(list(read_reports(reports / LEDGER))) == 1
    assert (reports / "report.html").exists()
    assert demo(*arguments, "--until", "detect", "--overwrite") == 0
    assert "done before" not in capsys.readouterr().out


def test_what_a_late_stage_needs_is_asked_for_before_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(outline, "NEEDED", ("no_such_package",))
    assert demo("--out", str(tmp_path)) == 2
    assert "pip install 'groundsight[demo]'" in capsys.readouterr().err
    assert not (tmp_path / "1-detect").exists()


def test_user_mistakes_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "else" / "1-detect").mkdir(parents=True)
    (tmp_path / "else" / "1-detect" / "mine.txt").touch()
    for arguments, told in (
        (("--until", "nowhere"), "unknown stage 'nowhere'"),
        (("--until", "os:path"), "unknown stage 'os:path'"),
        (("--size", "huge"), "huge"),
        (("--until", "detect", "--out", str(tmp_path / "file")), "a file is there"),
        (("--until", "detect", "--out", str(tmp_path / "else")), "holds something else"),
        (("--overwrite", "--out", str(tmp_path / "else")), "holds something else"),
        (("--until", "detect", "--photos", str(tmp_path / "no"), "--out", str(tmp_path)), "no"),
    ):
        assert demo(*arguments) == 2
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 1
        assert lines[0].startswith("error: ") and told in lines[0]


def test_two_demos_do_not_share_a_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from groundsight.data.run_folder import alone

    with alone(tmp_path):
        assert demo("--until", "detect", "--out", str(tmp_path)) == 2
    assert "another run" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("task", ["grounded_detection", "multi_image_grounding"])
def test_every_stage_of_a_tenth_reads_what_the_one_before_wrote(
    tmp_path: Path, task: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a toy of random weights, which learns nothing: the rise of the rewards is not asked."""
    from groundsight.models.nano import save_nano
    from groundsight.models.nano_size import TOY

    base = save_nano(tmp_path / "toy", "qwen3_vl", size=TOY)
    out = tmp_path / "demo"
    arguments = ["--task", task, "--size", "tenth", "--base", str(base), "--out", str(out)]
    assert demo(*arguments) == 0
    rise = ("SFT earns no more", "GRPO earns no more", "the reward fell")
    assert [fault for fault in check_demo(out) if not fault.startswith(rise)] == []
    capsys.readouterr()
    assert demo(*arguments) == 0
    assert capsys.readouterr().out.count("done before") == 9
