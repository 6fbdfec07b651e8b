"""The folder of a run while it is being written: every line once, whatever ends the run."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from groundsight.bench.fingerprint import Difference, Tree, resume_differences
from groundsight.bench.records import (
    RUN_FILE,
    SCORES_FILE,
    UNANSWERED_FILE,
    RunFile,
    ScoreLine,
    Unanswered,
    read_lines,
    read_run,
)
from groundsight.core.errors import UsageError
from groundsight.data.line_file import LineFile
from groundsight.data.run_folder import lock, told, write_whole
from groundsight.data.samples.writer import mend_tail

SYNC_S = 1.0
"Lines that are worth more than a second of work are not held back."
MOST_TOLD = 3


class BenchFolder:
    """A folder that is open for one run.

    Args:
        folder: is made where it is not there.
        fingerprint: of this run; one that goes on with lines must have theirs.
        resume: whether it may hold lines already.

    Raises:
        UsageError: it holds a run and `resume` is not set, or one with another fingerprint; another
            run writes there; it cannot be written.
    """

    def __init__(self, folder: Path, fingerprint: Tree, *, resume: bool) -> None:
        self.folder = folder
        with told(folder):
            folder.mkdir(parents=True, exist_ok=True)
            self._scores = LineFile(folder / SCORES_FILE, sync_s=SYNC_S)
        try:
            lock(self._scores, folder)
            self._begin(fingerprint, resume=resume)
            partial = folder / f"{UNANSWERED_FILE}.partial"
            with told(folder):
                self._unanswered = LineFile(partial, folder / UNANSWERED_FILE, sync_s=SYNC_S)
        except BaseException:
            self._scores.close()
            raise
        self.num_unanswered: dict[str, Counter[str]] = {}
        "By perturbation and code, of this run."

    def held(self) -> Iterator[ScoreLine]:
        """The lines of earlier runs."""
        return read_lines(self.folder / SCORES_FILE, ScoreLine)

    def write(self, outcome: ScoreLine | Unanswered) -> None:
        """Write an outcome; it is on the disk within a second, or when the folder is closed.

        Raises:
            UsageError: it cannot be written, e.g. the disk is full.
        """
        line = outcome.model_dump_json(exclude_defaults=True).encode()
        with told(self.folder):
            if isinstance(outcome, ScoreLine):
                self._scores.write(line)
                return
            self._unanswered.write(line)
        codes = self.num_unanswered.setdefault(outcome.perturbation, Counter())
        codes[outcome.code] += 1

    def settle(self) -> None:
        """Have every line on the disk and unanswered.jsonl in its place; nothing comes after."""
        with told(self.folder):
            self._scores.flush()
            self._unanswered.close()

    def write_run(self, run: RunFile) -> None:
        """Write run.json in one step."""
        with told(self.folder):
            write_whole(self.folder / RUN_FILE, run.model_dump_json(indent=1) + "\n")

    def close(self) -> None:
        """Let the folder go; what was written stays."""
        with told(self.folder):
            self._unanswered.close()
            self._scores.close()

    def __enter__(self) -> "BenchFolder":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def _begin(self, fingerprint: Tree, *, resume: bool) -> None:
        path = self.folder / SCORES_FILE
        holds = path.stat().st_size > 0
        if not holds:
            return
        if not resume:
            raise UsageError(
                f"{self.folder} holds a run already: add --resume to go on with it, or name "
                "another --out"
            )
        with told(path):
            mend_tail(path)
        others = resume_differences(read_run(self.folder).fingerprint, fingerprint)
        if others:
            raise UsageError(
                f"{self.folder} was begun otherwise: {_words(others)}; name another --out"
            )


def _words(others: list[Difference]) -> str:
    first = "; ".join(
        f"{one.place} was {one.first!r:.60}, is {one.second!r:.60}" for one in others[:MOST_TOLD]
    )
    more = len(others) - MOST_TOLD
    return first + (f" and {more} more" if more > 0 else "")
