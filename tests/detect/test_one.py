"""One picture → one report, whatever the file or the engine does."""

import os
from hashlib import sha256
from pathlib import Path

import pytest
from tests.detect.toy_engine import RAISES, ToyEngine
from tests.detect.ugly_pictures import make_picture, make_ugly_folder

from groundsight.core.errors import UnknownNameError
from groundsight.core.types import Verdict
from groundsight.detect.one import detect_picture, is_failed
from groundsight.vision.images import Limits, open_picture, printable_path


def test_a_report_says_which_picture_and_what_the_engine_said(tmp_path: Path) -> None:
    path = make_picture(tmp_path / "grey.png", size=(40, 30), value=204)
    report = detect_picture(path, ToyEngine())
    assert report.image.model_dump() == {
        "path": str(path),
        "sha256": sha256(path.read_bytes()).hexdigest(),
        "width": 40,
        "height": 30,
        "format": "png",
    }
    assert report.verdict is Verdict.AI_GENERATED
    assert report.p_fake == pytest.approx(0.8)
    assert report.regions[0].xyxy_px == (0, 0, 20, 15)
    assert report.engine.name == "toy"
    assert report.timing_s > 0
    assert not is_failed(report)


def test_an_open_picture_and_its_file_get_the_same_report(tmp_path: Path) -> None:
    path = make_picture(tmp_path / "grey.png")
    of_file = detect_picture(path, "tests.detect.toy_engine:make_toy")
    of_open = detect_picture(open_picture(path), ToyEngine())
    assert of_file.model_copy(update={"timing_s": 0}) == of_open.model_copy(update={"timing_s": 0})


def test_every_kind_of_bad_input_ends_as_a_report(tmp_path: Path) -> None:
    engine = ToyEngine()
    for name, code in make_ugly_folder(tmp_path).items():
        report = detect_picture(tmp_path / name, engine)
        assert [p.code for p in report.problems] == ([code] if code else []), name
        if code in (None, "animated"):
            assert report.p_fake is not None
        else:
            assert (report.verdict, report.p_fake) == (Verdict.INCONCLUSIVE, None)
            assert is_failed(report)
            assert report.image.width is None
        assert "\n" not in report.to_json_line()


def test_a_rotated_picture_is_reported_upright(tmp_path: Path) -> None:
    make_ugly_folder(tmp_path)
    report = detect_picture(tmp_path / "rotated.jpg", ToyEngine())
    assert (report.image.width, report.image.height) == (48, 64)


def test_a_folder_and_a_missing_file_are_problems(tmp_path: Path) -> None:
    codes = [
        detect_picture(path, ToyEngine()).problems[0].code
        for path in (tmp_path, tmp_path / "missing.jpg", "nul\0byte.jpg")
    ]
    assert codes == ["not_a_file", "not_found", "unreadable"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_a_problem(tmp_path: Path) -> None:
    path = make_picture(tmp_path / "secret.png")
    path.chmod(0)
    assert detect_picture(path, ToyEngine()).problems[0].code == "unreadable"


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="no file that opens but not reads")
def test_a_file_that_opens_but_cannot_be_read_is_a_problem() -> None:
    report = detect_picture("/proc/self/mem", ToyEngine())
    assert report.problems[0].code in ("unreadable", "empty_file")


def test_what_is_too_large_is_refused_before_decoding(tmp_path: Path) -> None:
    path = make_picture(tmp_path / "grey.png", size=(100, 100))
    for limits, code in (
        (Limits(max_pixels=9_999), "too_many_pixels"),
        (Limits(max_bytes=10), "too_many_bytes"),
    ):
        report = detect_picture(path, ToyEngine(), limits=limits)
        assert report.problems[0].code == code


def test_an_engine_that_fails_is_a_problem_of_that_picture(tmp_path: Path) -> None:
    report = detect_picture(make_picture(tmp_path / "x.png", size=(RAISES, 8)), ToyEngine())
    (problem,) = report.problems
    assert (problem.code, problem.message) == (
        "engine_failed",
        "RuntimeError: toy failure of two lines",
    )
    assert (report.image.width, report.p_fake) == (RAISES, None)  # read, but not examined
    assert is_failed(report)


def test_an_unknown_engine_is_the_callers_mistake(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="builtin"):
        detect_picture(make_picture(tmp_path / "x.png"), "biultin")


def test_the_public_face_works_whatever_was_imported_before() -> None:
    import groundsight.detect  # sets the attribute `groundsight.detect` to the package

    assert groundsight.detect_picture is detect_picture
    assert set(groundsight.__all__) == set(dir(groundsight))
    for name in groundsight.__all__:
        assert getattr(groundsight, name) is not None


def test_the_path_in_a_report_is_printable(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/\xff.png"
    report = detect_picture(os.fsdecode(path), ToyEngine())
    assert report.image.path == printable_path(os.fsdecode(path)) == f"{tmp_path}/\\xff.png"
