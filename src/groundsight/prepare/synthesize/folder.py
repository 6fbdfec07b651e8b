"""The folder of a synthesis: every judged sample on the disk before the next, each exactly once.

| file | holds |
|---|---|
| `kept.jsonl` | samples with the reply to learn; what SFT trains on |
| `rejected.jsonl` | samples none of whose replies passed, with every reply and its reason |
| `unscored.jsonl` | samples that no filter has seen, and why; begun anew by each run |
| `settings.json` | of the run and its teacher; a resumed run must have the same |
| `funnel.json`, `funnel.png` | the counts |

A line is appended and fsynced, and a torn last line is cut off at the next opening, so a killed run
loses at most the batch that the teacher had in hand, and doubles nothing.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from groundsight.core.errors import UsageError
from groundsight.core.types import Sample, Value
from groundsight.data.record_lines import read_record_lines
from groundsight.data.run_folder import check_settings, lock, told
from groundsight.data.samples import SampleWriter, read_samples
from groundsight.data.samples.writer import mend_tail
from groundsight.prepare.synthesize.outcome import Kept, Outcome, Rejected, Unscored

V = TypeVar("V", bound=Value)

KEPT_FILE = "kept.jsonl"
REJECTED_FILE = "rejected.jsonl"
UNSCORED_FILE = "unscored.jsonl"
FUNNEL_FILE = "funnel.json"
PLOT_FILE = "funnel.png"


class SynthesisFolder:
    """A folder that is open for one run; made by `SynthesisFolder.open`."""

    def __init__(self, folder: Path, rejected: BinaryIO) -> None:
        self.folder = folder
        self._rejected = rejected
        self._unscored: BinaryIO | None = None
        self._kept: SampleWriter | None = None

    @classmethod
    def open(cls, folder: Path, settings: dict[str, Any], *, resume: bool) -> "SynthesisFolder":
        """Make the folder, or open it again.

        Args:
            folder: is made where it is not there.
            settings: JSON values that must be the same in a resumed run.
            resume: whether it may hold a run already.

        Raises:
            UsageError: it holds a run and `resume` is not set, or one of other settings; another
                run writes there; it cannot be written.
        """
        with told(folder):
            folder.mkdir(parents=True, exist_ok=True)
            opened = cls(folder, (folder / REJECTED_FILE).open("ab"))
            try:
                opened._begin(settings, resume=resume)
            except BaseException:
                opened.close()
                raise
        return opened

    def write(self, outcome: Outcome) -> None:
        """Write what became of a sample; it is on the disk when this returns.

        Raises:
            UsageError: it cannot be written, e.g. the disk is full.
        """
        if isinstance(outcome, Kept):
            assert self._kept is not None
            self._kept.write(outcome.sample)
            self._kept.flush()
            return
        file = self._rejected if isinstance(outcome, Rejected) else self._unscored
        assert file is not None
        with told(self.folder):
            file.write(outcome.model_dump_json().encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def kept(self) -> Iterator[Sample]:
        """The samples of kept.jsonl, in its order, paths made whole."""
        path = self.folder / KEPT_FILE
        return read_samples(path) if path.exists() else iter(())

    def rejected(self) -> Iterator[Rejected]:
        """The lines of rejected.jsonl."""
        return _read_lines(self.folder / REJECTED_FILE, Rejected)

    def unscored(self) -> Iterator[Unscored]:
        """The lines of unscored.jsonl."""
        return _read_lines(self.folder / UNSCORED_FILE, Unscored)

    def close(self, *fault: Any) -> None:
        """Close the files, and with them release the lock.

        Args:
            fault: what `__exit__` is given; after one nothing more is written.
        """
        if self._kept is not None:
            self._kept.__exit__(*(fault or (None, None, None)))
        for file in (self._rejected, self._unscored):
            if file is not None:
                file.close()

    def __enter__(self) -> "SynthesisFolder":
        return self

    def __exit__(self, *fault: Any) -> None:
        self.close(*fault)

    def _begin(self, settings: dict[str, Any], *, resume: bool) -> None:
        lock(self._rejected, self.folder)
        kept = self.folder / KEPT_FILE
        holds = any(p.exists() and p.stat().st_size for p in (kept, self.folder / REJECTED_FILE))
        if holds and not resume:
            raise UsageError(
                f"{self.folder} holds a synthesis already: add --resume to go on with it, or name "
                "another --out"
            )
        check_settings(self.folder, settings, holds=holds)
        mend_tail(self.folder / REJECTED_FILE)
        self._kept = SampleWriter(kept, mode="resume")
        # What was not scored is all tried again, so its list begins anew.
        self._unscored = (self.folder / UNSCORED_FILE).open("wb")


def _read_lines(path: Path, kind: type[V]) -> Iterator[V]:
    if not path.exists():
        return
    otherwise = "is not one of this version: name another --out"
    with told(path):
        yield from read_record_lines(path, kind, otherwise=otherwise)
