"""Stages: done ones are not run again, cut-short ones go on, changed ones begin anew."""

from collections.abc import Callable
from pathlib import Path

import pytest

from groundsight.core.errors import UsageError
from groundsight.demo.settings import DemoSettings
from groundsight.demo.stage import (
    BEGUN_FILE,
    DONE_FILE,
    Stage,
    StageRecord,
    Tree,
    Work,
    read_record,
    run_stage,
)


class Counting:
    """A stage's work that counts its calls, and fails when it is told to."""

    def __init__(self) -> None:
        self.resumed: list[bool] = []
        self.fails: BaseException | None = None

    def __call__(self, work: Work) -> Tree:
        self.resumed.append(work.resume)
        (work.folder / f"call-{len(self.resumed)}").touch()
        if self.fails is not None:
            raise self.fails
        return {"calls": len(self.resumed)}


def make_stage(
    work: Callable[[Work], Tree],
    *,
    name: str = "first",
    reads: tuple[str, ...] = (),
    resumes: bool = True,
) -> Stage:
    return Stage(
        name=name,
        title=name,
        folder=f"1-{name}",
        reads=reads,
        depends=lambda settings: {"seed": settings.seed},
        work=work,
        command=lambda _: "",
        resumes=resumes,
    )


def run(
    stage: Stage, demo: Path, *, seed: int = 0, done: dict[str, StageRecord] | None = None
) -> StageRecord:
    known = done or {}
    folders = {name: demo / f"1-{name}" for name in known}
    return run_stage(stage, DemoSettings(seed=seed), demo, known, folders, lambda _: None)


def test_a_finished_stage_is_not_run_again(tmp_path: Path) -> None:
    work = Counting()
    first, second = run(make_stage(work), tmp_path), run(make_stage(work), tmp_path)
    assert work.resumed == [False]
    assert first == second
    assert read_record(tmp_path / "1-first" / DONE_FILE) == first


def test_other_settings_begin_it_anew(tmp_path: Path) -> None:
    work = Counting()
    run(make_stage(work), tmp_path)
    run(make_stage(work), tmp_path, seed=1)
    assert work.resumed == [False, False]
    assert not (tmp_path / "1-first" / "call-1").exists()


def test_another_earlier_stage_begins_it_anew(tmp_path: Path) -> None:
    early, late = Counting(), Counting()
    for seed in (0, 1):
        record = run(make_stage(early, name="early"), tmp_path, seed=seed)
        run(make_stage(late, name="late", reads=("early",)), tmp_path, done={"early": record})
    assert late.resumed == [False, False]


@pytest.mark.parametrize("fault", [KeyboardInterrupt(), UsageError("disk full")])
def test_a_stage_that_was_cut_short_goes_on(tmp_path: Path, fault: BaseException) -> None:
    work = Counting()
    work.fails = fault
    with pytest.raises(type(fault)):
        run(make_stage(work), tmp_path)
    begun = read_record(tmp_path / "1-first" / BEGUN_FILE)
    assert begun is not None and begun.seconds > 0
    assert not (tmp_path / "1-first" / DONE_FILE).exists()
    work.fails = None
    record = run(make_stage(work), tmp_path)
    assert work.resumed == [False, True]
    assert (tmp_path / "1-first" / "call-1").exists()
    assert record.seconds >= begun.seconds


def test_work_that_cannot_go_on_begins_anew(tmp_path: Path) -> None:
    work = Counting()
    work.fails = KeyboardInterrupt()
    stage = make_stage(work, resumes=False)
    with pytest.raises(KeyboardInterrupt):
        run(stage, tmp_path)
    work.fails = None
    run(stage, tmp_path)
    assert work.resumed == [False, False]
    assert not (tmp_path / "1-first" / "call-1").exists()


def test_what_was_cut_short_with_other_settings_is_not_gone_on_with(tmp_path: Path) -> None:
    work = Counting()
    work.fails = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        run(make_stage(work), tmp_path)
    work.fails = None
    run(make_stage(work), tmp_path, seed=7)
    assert work.resumed == [False, False]


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "1-first").mkdir()
    (tmp_path / "1-first" / "thesis.txt").write_text("years of work")
    with pytest.raises(UsageError, match="holds something else than a demo"):
        run(make_stage(Counting()), tmp_path)
    assert (tmp_path / "1-first" / "thesis.txt").exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"stage": 1}', "\x00"])
def test_a_torn_record_is_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / DONE_FILE
    path.write_text(text)
    assert read_record(path) is None


def test_a_file_of_an_earlier_stage_that_is_gone_is_named(tmp_path: Path) -> None:
    def look(work: Work) -> Tree:
        return {"found": str(work.path("early", "model"))}

    early = run(make_stage(Counting(), name="early"), tmp_path)
    with pytest.raises(UsageError, match=r"is gone: remove .*1-early"):
        run(make_stage(look, name="late", reads=("early",)), tmp_path, done={"early": early})
