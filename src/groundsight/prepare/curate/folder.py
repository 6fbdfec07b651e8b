"""The folder of a curation: every answered question on the disk before the next, exactly once.

| file | holds |
|---|---|
| `answers.jsonl` | questions with all answers, as `groundsight rehearse` reads them |
| `kept.jsonl` | the RL set: samples with their pass rates |
| `questions.jsonl` | every question's pass rate, and what became of it |
| `settings.json` | how the questions were asked; a resumed run must have the same |
| `curate.json`, `pass_rates.png` | the counts |
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import Field

from groundsight.core.errors import UsageError
from groundsight.core.types import Value
from groundsight.data.record_lines import read_record_lines
from groundsight.data.run_folder import check_settings, lock, told
from groundsight.data.samples.writer import mend_tail
from groundsight.rewards.recorded import RecordedGroup

ANSWERS_FILE = "answers.jsonl"
KEPT_FILE = "kept.jsonl"
QUESTIONS_FILE = "questions.jsonl"
REPORT_FILE = "curate.json"
PLOT_FILE = "pass_rates.png"


class Answered(RecordedGroup):
    """A question with its answers. `rehearse` reads the sample and the completions."""

    num_cut_off: int = 0
    "Completions that ended at their length."
    usage: dict[str, int] = Field(default_factory=dict)
    "Tokens and retries by name, where the engine tells."


class AnswerFolder:
    """A folder that is open for one run.

    Args:
        folder: is made where it is not there.
        settings: JSON values that must be the same in a resumed run.
        resume: whether it may hold answers already.

    Raises:
        UsageError: it holds answers and `resume` is not set, or answers to other settings; another
            run writes there; it cannot be written.
    """

    def __init__(self, folder: Path, settings: dict[str, Any], *, resume: bool) -> None:
        self.folder = folder
        with told(folder):
            folder.mkdir(parents=True, exist_ok=True)
            self._file = (folder / ANSWERS_FILE).open("ab")
            try:
                self._begin(settings, resume=resume)
            except BaseException:
                self._file.close()
                raise

    def write(self, answered: Answered) -> None:
        """Write one question's answers; they are on the disk when this returns.

        Raises:
            UsageError: they cannot be written.
        """
        line = answered.model_dump_json(exclude_defaults=True).encode() + b"\n"
        with told(self.folder):
            self._file.write(line)
            self._file.flush()
            os.fsync(self._file.fileno())

    def answered(self) -> Iterator[Answered]:
        """What is held, one question at a time.

        Raises:
            UsageError: a line that this version did not write.
        """
        path = self.folder / ANSWERS_FILE
        otherwise = "is no answer of this version: name another --out"
        with told(path):
            yield from read_record_lines(path, Answered, otherwise=otherwise)

    def write_lines(self, name: str, values: Iterable[Value]) -> None:
        """Write a file of JSON Lines anew.

        Raises:
            UsageError: it cannot be written.
        """
        path = self.folder / name
        fresh = path.with_name(f"{name}.partial")
        with told(path):
            with fresh.open("wb") as file:
                for value in values:
                    file.write(value.model_dump_json(exclude_none=True).encode() + b"\n")
            fresh.replace(path)

    def close(self) -> None:
        """Close the file, and with it release the lock."""
        self._file.close()

    def _begin(self, settings: dict[str, Any], *, resume: bool) -> None:
        lock(self._file, self.folder)
        path = self.folder / ANSWERS_FILE
        holds = path.stat().st_size > 0
        if holds and not resume:
            raise UsageError(
                f"{path} holds answers already: add --resume to go on with them, or name another "
                "--out"
            )
        check_settings(self.folder, settings, holds=holds)
        mend_tail(path)
