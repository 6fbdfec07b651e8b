"""Many pictures: workers, crashes, time limits, resuming; the same reports however many work."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.command_line import ENVIRONMENT
from tests.detect.toy_engine import DIES, HANGS
from tests.detect.ugly_pictures import make_picture, make_ugly_folder

from groundsight.core.cores import num_cores
from groundsight.core.errors import UsageError
from groundsight.core.report import Report
from groundsight.data.pictures import find_pictures
from groundsight.detect.artefacts import overlay_path, thumbnail_path
from groundsight.detect.job import Job, detect_pictures, start_run
from groundsight.detect.ledger import LEDGER, read_reports
from groundsight.detect.one import is_failed
from groundsight.detect.pool import Pool
from groundsight.detect.worker import ONE_THREAD

TOY = "tests.detect.toy_engine:make_toy"


def run(folder: Path, job: Job) -> list[Report]:
    return list(detect_pictures(find_pictures([folder]).paths, job))


def without_timing(reports: list[Report]) -> list[Report]:
    return [report.model_copy(update={"timing_s": 0.0}) for report in reports]


def test_a_folder_of_bad_input_is_done_to_the_end_by_one_and_by_two_workers(
    tmp_path: Path,
) -> None:
    expected = make_ugly_folder(tmp_path / "in")
    make_picture(tmp_path / "in" / "zz" / "last.png")
    alone = run(tmp_path / "in", Job(engine=TOY, num_workers=1, out=tmp_path / "out1"))
    assert len(alone) == len(expected) + 1
    assert alone[-1].problems == ()
    codes = sorted(problem.code for report in alone for problem in report.problems)
    assert codes == sorted(code for code in expected.values() if code)
    together = run(tmp_path / "in", Job(engine=TOY, num_workers=2, out=tmp_path / "out2"))
    assert without_timing(together) == without_timing(alone)  # in the same order, too
    for folder, reports in ((tmp_path / "out1", alone), (tmp_path / "out2", together)):
        assert list(read_reports(folder / LEDGER)) == reports
        for report in reports:
            drawn = report.image.width is not None
            assert overlay_path(folder, report).exists() == drawn
            assert thumbnail_path(folder, report).exists() == drawn
        assert (folder / "report.html").stat().st_size > 10_000


def test_a_crash_and_a_hang_cost_one_picture_each(tmp_path: Path) -> None:
    for name, width in (("a", 50), ("b", DIES), ("c", 50), ("d", HANGS), ("e", 50), ("f", 50)):
        make_picture(tmp_path / "in" / f"{name}.png", size=(width, 8))
    job = Job(engine=TOY, num_workers=2, time_limit_s=1.0, out=tmp_path / "out")
    reports = run(tmp_path / "in", job)
    codes = [[problem.code for problem in report.problems] for report in reports]
    assert codes == [[], ["worker_died"], [], ["timed_out"], [], []]
    assert "SIGSEGV" in reports[1].problems[0].message
    assert "limit of 1 s" in reports[3].problems[0].message
    assert [is_failed(report) for report in reports] == [bool(code) for code in codes]


def test_a_run_goes_on_where_it_was_left(tmp_path: Path) -> None:
    for k in range(4):
        make_picture(tmp_path / "in" / f"{k}.png", value=k)
    paths = find_pictures([tmp_path / "in"]).paths
    job = Job(engine=TOY, num_workers=1, out=tmp_path / "out", existing="resume")
    with start_run(paths, job) as first:
        for report in first:
            if report.image.path.endswith("1.png"):
                break
    with start_run(paths, job) as second:
        assert second.num_held == 2
        names = [Path(report.image.path).name for report in second]
    assert names == ["2.png", "3.png"]
    with start_run(paths, job) as third:
        assert (third.num_held, list(third)) == (4, [])
    assert len(list(read_reports(tmp_path / "out" / LEDGER))) == 4


def test_nothing_is_written_without_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_picture(tmp_path / "x.png")
    monkeypatch.chdir(tmp_path)
    assert len(run(Path("."), Job(engine=TOY, num_workers=1))) == 1
    assert os.listdir(tmp_path) == ["x.png"]


def test_without_drawings_the_reports_are_all_there_is(tmp_path: Path) -> None:
    make_picture(tmp_path / "in" / "x.png")
    for number in (1, 2):
        out = tmp_path / f"out{number}"
        job = Job(engine=TOY, num_workers=number, out=out, draws=False)
        assert len(run(tmp_path / "in", job)) == 1
        written = sorted(path.name for path in out.rglob("*") if path.is_file())
        assert written == [LEDGER]


@pytest.mark.parametrize(
    ("job", "words"),
    [
        (Job(engine=TOY, num_workers=0), "--workers must be at least 1"),
        (Job(engine=TOY, time_limit_s=0.0), "--time-limit"),
        (Job(engine=TOY, time_limit_s=float("nan")), "--time-limit"),
        (Job(engine="biultin"), "Did you mean 'builtin'"),
        (Job(engine="biultin", num_workers=2), "Did you mean 'builtin'"),
        (
            Job(engine="tests.detect.toy_engine:make_broken", num_workers=2),
            "could not be started.*exit status 7",
        ),
    ],
)
def test_a_users_mistake_is_told_before_anything_is_done(
    tmp_path: Path, job: Job, words: str
) -> None:
    paths = [str(make_picture(tmp_path / f"{k}.png")) for k in range(2)]
    with pytest.raises(UsageError, match=words):
        start_run(paths, job)


def test_an_output_that_fails_in_a_worker_ends_the_run_with_a_sentence(tmp_path: Path) -> None:
    from groundsight.detect.examiner import OutputError, Setup

    paths = [str(make_picture(tmp_path / f"{k}.png")) for k in range(2)]
    with (
        Pool(Setup(engine=TOY, out=tmp_path / "gone"), num_workers=1) as pool,
        pytest.raises(OutputError, match=r"cannot write to .*gone"),
    ):
        list(pool.map(paths))


def test_paths_are_drawn_only_as_far_ahead_as_the_window(tmp_path: Path) -> None:
    from groundsight.detect.examiner import Setup
    from groundsight.detect.pool import WINDOW_PER_WORKER

    path = str(make_picture(tmp_path / "x.png"))
    drawn = 0

    def endless() -> Iterator[str]:
        nonlocal drawn
        while True:
            drawn += 1
            yield path

    with Pool(Setup(engine=TOY), num_workers=1) as pool:
        reports = pool.map(endless())
        for _ in range(5):
            next(reports)
        assert drawn <= 5 + WINDOW_PER_WORKER + 1


def test_workers_leave_the_environment_as_it_was(tmp_path: Path) -> None:
    from groundsight.detect.examiner import Setup

    before = dict(os.environ)
    with Pool(Setup(engine=TOY), num_workers=1) as pool:
        assert pool.info.name == "toy"
    assert dict(os.environ) == before
    assert set(ONE_THREAD.values()) == {"1"}


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc")
def test_even_the_first_worker_starts_deaf_to_ctrl_c() -> None:
    # In a fresh process: only there the first worker brings Python's resource tracker along.
    program = (
        "from groundsight.detect.examiner import Setup\n"
        "from groundsight.detect.pool import Pool\n"
        "if __name__ == '__main__':\n"
        f"    with Pool(Setup(engine={TOY!r}), num_workers=2) as pool:\n"
        "        for worker in pool._workers:\n"
        "            print(open(f'/proc/{worker.process.pid}/status').read())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    blocked = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("SigBlk")]
    assert len(blocked) == 2
    assert all(int(mask, 16) >> (signal.SIGINT - 1) & 1 for mask in blocked)


@pytest.mark.parametrize("num_workers", [None, 2])
def test_a_crash_among_two_pictures_costs_one(tmp_path: Path, num_workers: int | None) -> None:
    for name, width in (("a", DIES), ("b", 50)):
        make_picture(tmp_path / f"{name}.png", size=(width, 8))
    crashed, fine = run(tmp_path, Job(engine=TOY, num_workers=num_workers))
    assert crashed.problems[0].code == "worker_died"
    assert fine.problems == ()


def test_there_is_at_least_one_core() -> None:
    assert 1 <= num_cores() <= (os.cpu_count() or 1)
