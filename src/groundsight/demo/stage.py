"""What a stage of the demo is, and how it is run: once, or on from where it was cut short.

    SFT = Stage(name="sft", folder="4-sft", reads=("base", "cold-start"), work=train, …)
    done = run_stage(SFT, settings, Path("demo"), say)

A stage's folder holds `begun.json` from its first moment and `done.json` from its last. Both say
what it is made from: its own settings and the stages that it reads. A stage whose `done.json` still
fits is not run again; one that was cut short goes on, if its work can; anything else begins anew.
"""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from time import perf_counter
from typing import Any

from pydantic import Field, ValidationError

from groundsight import __version__
from groundsight.core.errors import UsageError
from groundsight.core.types import Value
from groundsight.data.run_folder import told, write_whole
from groundsight.demo.settings import DemoSettings

BEGUN_FILE, DONE_FILE = "begun.json", "done.json"
Say = Callable[[str], None]
Tree = dict[str, Any]


class StageRecord(Value):
    """`begun.json` and `done.json`."""

    stage: str
    sha256: str
    "Of `made_from`."
    made_from: Tree = Field(default_factory=dict)
    "Settings of the stage, digests of the stages that it reads, version of the package."
    seconds: float = 0.0
    "Of work, over all the times that it was begun."
    command: str = ""
    "The command that does the same by hand."
    result: Tree = Field(default_factory=dict)
    "What the stage came to, for people and for later stages."


@dataclass(frozen=True, kw_only=True)
class Work:
    """What a stage's work is given.

    Args:
        settings: of the demo.
        folder: of the stage.
        records: of the stages that it reads, by name.
        folders: theirs.
        resume: the folder holds what an earlier try left.
        say: tells a line.
    """

    settings: DemoSettings
    folder: Path
    records: Mapping[str, StageRecord]
    folders: Mapping[str, Path]
    resume: bool
    say: Say

    def path(self, stage: str, inside: str) -> Path:
        """A file of an earlier stage.

        Raises:
            UsageError: it is not there any more.
        """
        path = self.folders[stage] / inside
        if not path.exists():
            raise UsageError(
                f"{path} is gone: remove {self.folders[stage]}, and the demo makes it again"
            )
        return path


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One step of the pipeline.

    Args:
        name: short, unique.
        title: what is done, for people.
        folder: below the demo's.
        reads: names of earlier stages.
        depends: the settings that its result depends on.
        work: does it, and gives what it came to.
        command: the command that does the same by hand; "" where there is none.
        resumes: whether the work can go on with what an earlier try left.
    """

    name: str
    title: str
    folder: str
    reads: tuple[str, ...] = ()
    depends: Callable[[DemoSettings], Tree]
    work: Callable[[Work], Tree]
    command: Callable[[Work], str]
    resumes: bool = True


def run_stage(
    stage: Stage,
    settings: DemoSettings,
    demo: Path,
    done: Mapping[str, StageRecord],
    folders: Mapping[str, Path],
    say: Say,
) -> StageRecord:
    """Run a stage, unless it is done.

    Args:
        stage: which.
        settings: of the demo.
        demo: folder of all stages.
        done: records of the stages before it, by name.
        folders: theirs.
        say: tells a line.

    Raises:
        UsageError: the user can mend it; what was done is kept.
    """
    folder = demo / stage.folder
    record = _fresh_record(stage, settings, done)
    held = read_record(folder / DONE_FILE)
    if held is not None and held.sha256 == record.sha256:
        say(f"  done before, in {held.seconds:.0f} s")
        return held
    begun = read_record(folder / BEGUN_FILE)
    resume = begun is not None and begun.sha256 == record.sha256 and stage.resumes
    if begun is not None and resume:
        record = record.model_copy(update={"seconds": begun.seconds})
    else:
        make_empty(folder)
    work = Work(
        settings=settings,
        folder=folder,
        records={name: done[name] for name in stage.reads},
        folders={name: folders[name] for name in stage.reads},
        resume=resume,
        say=say,
    )
    if resume:
        say("  going on where it was cut short")
    return _timed(stage, work, record)


def read_record(path: Path) -> StageRecord | None:
    """A record; None where there is none that can be read."""
    try:
        return StageRecord.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def make_empty(folder: Path) -> None:
    """Make a stage's folder, or take away what an earlier one left.

    Raises:
        UsageError: it holds something that no stage has made, or it cannot be written.
    """
    with told(folder):
        folder.mkdir(parents=True, exist_ok=True)
        held = [path for path in folder.iterdir() if path.name not in (BEGUN_FILE, DONE_FILE)]
        known = read_record(folder / BEGUN_FILE) or read_record(folder / DONE_FILE)
        if held and known is None:
            raise UsageError(f"{folder} holds something else than a demo: name another --out")
        # First the mark that nothing here is to be gone on with, in case this is cut short.
        _write(folder / BEGUN_FILE, StageRecord(stage="", sha256=""))
        (folder / DONE_FILE).unlink(missing_ok=True)
        for path in held:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def _timed(stage: Stage, work: Work, record: StageRecord) -> StageRecord:
    before, start = record.seconds, perf_counter()

    def so_far(**more: Any) -> StageRecord:
        seconds = round(before + perf_counter() - start, 6)
        return record.model_copy(update={"seconds": seconds, **more})

    with told(work.folder):
        _write(work.folder / BEGUN_FILE, record)
    try:
        result = stage.work(work)
    except BaseException:
        with told(work.folder):
            _write(work.folder / BEGUN_FILE, so_far())
        raise
    done = so_far(command=stage.command(work), result=result)
    with told(work.folder):
        _write(work.folder / DONE_FILE, done)
    work.say(f"  {done.seconds:.0f} s")
    return done


def _fresh_record(
    stage: Stage, settings: DemoSettings, done: Mapping[str, StageRecord]
) -> StageRecord:
    made_from: Tree = {
        "settings": stage.depends(settings),
        "reads": {name: done[name].sha256 for name in stage.reads},
        "version": __version__,
    }
    made_from = json.loads(json.dumps(made_from))
    text = json.dumps([stage.name, made_from], sort_keys=True)
    digest = sha256(text.encode()).hexdigest()
    return StageRecord(stage=stage.name, sha256=digest, made_from=made_from)


def _write(path: Path, record: StageRecord) -> None:
    write_whole(path, record.model_dump_json(indent=2) + "\n")
