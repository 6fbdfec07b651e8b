"""reports.jsonl: a line means done; torn lines, changed files and other engines."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.detect.toy_engine import ToyEngine
from tests.detect.ugly_pictures import make_picture

from groundsight.core.errors import UsageError
from groundsight.core.report import EngineInfo, Problem, Report
from groundsight.detect.examiner import OutputError
from groundsight.detect.ledger import LEDGER, Existing, Ledger, read_reports
from groundsight.detect.one import detect_picture
from groundsight.vision.images import Limits

TOY = ToyEngine()


def fill(folder: Path, paths: list[Path], existing: Existing = "refuse") -> None:
    with Ledger.open(folder, existing=existing) as ledger:
        left = ledger.pending([str(path) for path in paths], Limits())
        ledger.settle(TOY.info)
        for path in left:
            ledger.append(detect_picture(path, TOY))


def held(folder: Path) -> list[str]:
    return [Path(report.image.path).name for report in read_reports(folder / LEDGER)]


def pending(folder: Path, paths: list[Path]) -> list[str]:
    with Ledger.open(folder, existing="resume") as ledger:
        left = ledger.pending([str(path) for path in paths], Limits())
        ledger.settle(TOY.info)
        return [Path(path).name for path in left]


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    return [make_picture(tmp_path / f"{k}.png", value=10 * k) for k in range(3)]


def test_what_is_held_is_not_pending(tmp_path: Path, paths: list[Path]) -> None:
    fill(tmp_path / "out", paths[:2])
    assert pending(tmp_path / "out", paths) == ["2.png"]
    assert held(tmp_path / "out") == ["0.png", "1.png"]


def test_a_changed_file_is_examined_again_and_its_old_report_dropped(
    tmp_path: Path, paths: list[Path]
) -> None:
    fill(tmp_path / "out", paths)
    make_picture(paths[1], value=200)
    assert pending(tmp_path / "out", paths) == ["1.png"]
    assert held(tmp_path / "out") == ["0.png", "2.png"]
    fill(tmp_path / "out", paths, "resume")
    assert sorted(held(tmp_path / "out")) == ["0.png", "1.png", "2.png"]


def test_reports_of_files_that_are_not_asked_for_stay(tmp_path: Path, paths: list[Path]) -> None:
    fill(tmp_path / "out", paths[:2])
    fill(tmp_path / "out", paths[2:], "resume")
    assert held(tmp_path / "out") == ["0.png", "1.png", "2.png"]


def test_a_path_given_twice_is_held_once_and_pending_once(
    tmp_path: Path, paths: list[Path]
) -> None:
    fill(tmp_path / "out", [paths[0]])
    assert pending(tmp_path / "out", [paths[0], paths[0]]) == ["0.png"]


@pytest.mark.parametrize("torn", [1, 40, 300])
def test_a_torn_last_line_is_cut_off_and_done_again(
    tmp_path: Path, paths: list[Path], torn: int
) -> None:
    fill(tmp_path / "out", paths)
    ledger = tmp_path / "out" / LEDGER
    whole = ledger.read_bytes()
    ledger.write_bytes(whole[:-torn])
    assert pending(tmp_path / "out", paths) == ["2.png"]
    assert ledger.read_bytes() == b"".join(whole.splitlines(keepends=True)[:2])


@settings(max_examples=25, deadline=None)
@given(st.floats(0, 1))
def test_a_run_killed_at_any_byte_goes_on_with_nothing_lost_or_doubled(share: float) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        paths = [make_picture(folder / f"{k}.png", size=(4, 4), value=k) for k in range(3)]
        fill(folder / "out", paths)
        ledger = folder / "out" / LEDGER
        whole = ledger.read_bytes()
        ledger.write_bytes(whole[: round(share * len(whole))])
        fill(folder / "out", paths, "resume")
        assert held(folder / "out") == ["0.png", "1.png", "2.png"]


def test_a_file_of_one_torn_line_is_empty(tmp_path: Path, paths: list[Path]) -> None:
    fill(tmp_path / "out", paths[:1])
    ledger = tmp_path / "out" / LEDGER
    ledger.write_bytes(ledger.read_bytes()[:-9])
    fill(tmp_path / "out", paths)  # "refuse" sees nothing to refuse
    assert held(tmp_path / "out") == ["0.png", "1.png", "2.png"]


@pytest.mark.parametrize("code", ["worker_died", "timed_out", "engine_failed", "out_of_memory"])
def test_a_fault_of_the_run_is_tried_again(tmp_path: Path, paths: list[Path], code: str) -> None:
    report = detect_picture(paths[0], TOY)
    faulty = report.model_copy(update={"problems": (Problem(code=code, message="x"),)})
    with Ledger.open(tmp_path / "out") as ledger:
        ledger.append(faulty)
    fill(tmp_path / "out", paths[:1], "resume")
    (kept,) = read_reports(tmp_path / "out" / LEDGER)
    assert kept.problems == ()


def test_a_damaged_picture_is_held_and_counted_as_failed(tmp_path: Path) -> None:
    path = tmp_path / "text.jpg"
    path.write_bytes(b"no picture")
    fill(tmp_path / "out", [path])
    with Ledger.open(tmp_path / "out", existing="resume") as ledger:
        assert ledger.pending([str(path)], Limits()) == []
        assert ledger.num_failed_held == 1


def test_a_missing_picture_is_looked_for_again(tmp_path: Path) -> None:
    fill(tmp_path / "out", [tmp_path / "late.png"])
    make_picture(tmp_path / "late.png")
    fill(tmp_path / "out", [tmp_path / "late.png"], "resume")
    (report,) = read_reports(tmp_path / "out" / LEDGER)
    assert report.p_fake is not None


@pytest.mark.parametrize(
    "other",
    [
        EngineInfo(name="toy", version="2"),
        EngineInfo(name="toy", version="1", weights_sha256="ab" * 32),
        EngineInfo(name="toy", version="1", settings={"slow": "1"}),
    ],
)
def test_another_engine_is_refused(tmp_path: Path, paths: list[Path], other: EngineInfo) -> None:
    fill(tmp_path / "out", paths)
    with Ledger.open(tmp_path / "out", existing="resume") as ledger:
        ledger.pending([str(path) for path in paths], Limits())
        with pytest.raises(UsageError, match=r"was written by engine toy 1.*--overwrite"):
            ledger.settle(other)


def test_reports_that_are_there_are_not_overwritten_unasked(
    tmp_path: Path, paths: list[Path]
) -> None:
    fill(tmp_path / "out", paths)
    with pytest.raises(UsageError, match="--resume"):
        Ledger.open(tmp_path / "out")
    fill(tmp_path / "out", paths[:1], "replace")
    assert held(tmp_path / "out") == ["0.png"]


def test_two_runs_do_not_write_to_one_folder(tmp_path: Path, paths: list[Path]) -> None:
    with (
        Ledger.open(tmp_path / "out"),
        pytest.raises(UsageError, match="another run"),
    ):
        Ledger.open(tmp_path / "out", existing="resume")
    fill(tmp_path / "out", paths, "resume")  # the lock went with the first


def test_a_line_that_is_no_report_is_told_with_its_number(
    tmp_path: Path, paths: list[Path]
) -> None:
    fill(tmp_path / "out", paths[:1])
    with (tmp_path / "out" / LEDGER).open("a") as file:
        file.write('{"schema": "groundsight.report/9"}\n')
    with pytest.raises(UsageError, match="line 2 is not a report"):
        Ledger.open(tmp_path / "out", existing="resume")


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match=r"cannot write to .*file"):
        Ledger.open(tmp_path / "file" / "out")


def test_a_line_is_on_disk_when_append_returns(tmp_path: Path, paths: list[Path]) -> None:
    with Ledger.open(tmp_path / "out") as ledger:
        report = detect_picture(paths[0], TOY)
        ledger.append(report)
        assert list(read_reports(ledger.path)) == [report]
        assert Report.model_validate_json(ledger.path.read_bytes()) == report
