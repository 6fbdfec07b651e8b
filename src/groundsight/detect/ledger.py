"""`reports.jsonl`: the finished reports of a folder, a line each, safe against every kind of end.

    with Ledger.open(folder, existing="resume") as ledger:
        pending = ledger.pending(paths)     # what it does not hold yet
        ledger.settle(engine.info)          # drops what no longer holds
        ledger.append(report)               # on disk when this returns

A line is appended and fsynced after everything else of its picture is written, so a line means
done. A line that `kill -9` or a full disk tore is cut off at the next opening.
"""

import contextlib
import errno
import io
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Literal

from groundsight.core.errors import PictureError, UsageError
from groundsight.core.report import EngineInfo, Report
from groundsight.data.record_lines import read_record_lines
from groundsight.detect.artefacts import OVERLAYS, THUMBNAILS, remove_artefacts
from groundsight.detect.examiner import OutputError
from groundsight.detect.one import RUN_FAULTS, is_failed
from groundsight.vision.images import Limits, printable_path, read_picture_bytes

LEDGER = "reports.jsonl"
Existing = Literal["refuse", "resume", "replace"]
_Key = tuple[str, str | None]


def read_reports(path: Path) -> Iterator[Report]:
    """The reports of a JSON Lines file, one at a time.

    Raises:
        UsageError: a line that is no report of this version.
    """
    otherwise = (
        "is not a report that this version reads; name another --out folder, or --overwrite this "
        "one"
    )
    yield from read_record_lines(path, Report, otherwise=otherwise)


class Ledger:
    """The finished reports of one output folder; made by `Ledger.open`."""

    def __init__(self, folder: Path, file: io.FileIO) -> None:
        self.folder = folder
        self._file = file
        self._held: Counter[_Key] = Counter()
        self._stale: Counter[_Key] = Counter()
        self._failed: set[_Key] = set()
        self._engines: list[EngineInfo] = []
        self._num_before = 0
        self.num_failed_held = 0
        "Held reports, among the paths asked for, of pictures that cannot be read."

    @classmethod
    def open(cls, folder: Path, *, existing: Existing = "refuse") -> "Ledger":
        """Make the folder and open its ledger for this process alone.

        Args:
            folder: is made where it is not there.
            existing: what to do with reports that are there already.

        Raises:
            UsageError: reports are there and `existing` is "refuse"; another run writes there.
            OutputError: the folder cannot be made or written.
        """
        with _output_errors(folder):
            for part in (OVERLAYS, THUMBNAILS):
                (folder / part).mkdir(parents=True, exist_ok=True)
            ledger = cls(folder, (folder / LEDGER).open("ab", buffering=0))
        try:
            ledger._lock()
            ledger._take_stock(existing)
        except BaseException:
            ledger.close()
            raise
        return ledger

    @property
    def path(self) -> Path:
        """Of the JSON Lines file."""
        return self.folder / LEDGER

    def pending(self, paths: Iterable[str], limits: Limits) -> list[str]:
        """The paths whose reports are not held, or whose files changed since.

        Reads and hashes each file that is held by name.
        """
        names = {path for path, _ in self._held}
        unclaimed = self._held.copy()
        todo, given = [], set()
        for path in paths:
            name = printable_path(path)
            given.add(name)
            key = (name, _hash(path, limits) if name in names else None)
            if key[1] is not None and unclaimed[key] > 0:
                unclaimed[key] -= 1
                self.num_failed_held += key in self._failed
            else:
                todo.append(path)
        # What was held of a file under another content is stale; files not asked for now stay.
        self._stale = Counter({k: n for k, n in unclaimed.items() if n > 0 and k[0] in given})
        return todo

    def settle(self, engine: EngineInfo) -> None:
        """Check that the held reports come from this engine, and drop the stale ones.

        Raises:
            UsageError: another engine, version or setting wrote what is held.
        """
        for held in self._engines:
            if held != engine:
                raise UsageError(
                    f"{self.path} was written by engine {_words(held)}, now it is "
                    f"{_words(engine)}: name another --out folder, or --overwrite this one"
                )
        if self._stale:
            self._drop_stale()
        self._num_before = _count_lines(self.path)

    def append(self, report: Report) -> None:
        """Write one report; it is on disk when this returns.

        Raises:
            OutputError: it could not be written, and nothing of it is left in the file.
        """
        with _output_errors(self.path):
            end = self._file.seek(0, os.SEEK_END)
            try:
                left = _line(report)
                while left:  # a disk that fills up takes a part and refuses the rest
                    left = left[self._file.write(left) :]
                os.fsync(self._file.fileno())
            except OSError:
                self._cut(end)
                raise

    def count_appended(self) -> int:
        """How many reports were appended since `settle`, by what is in the file."""
        return _count_lines(self.path) - self._num_before

    def close(self) -> None:
        """Close the file, and with it release the lock."""
        with contextlib.suppress(OSError):  # a full disk again; `append` has told of it
            self._file.close()

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _lock(self) -> None:
        try:
            import fcntl
        except ModuleNotFoundError:  # Windows
            return
        try:
            fcntl.flock(self._file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):  # not: a disk without locks
                raise UsageError(f"another run is writing to {self.folder}") from error

    def _take_stock(self, existing: Existing) -> None:
        """Learn what is held, after cutting off a torn last line."""
        self._cut(_end_of_last_line(self.path))
        if self.path.stat().st_size == 0:
            return
        if existing == "refuse":
            raise UsageError(
                f"{self.path} holds reports already: add --resume to go on with them, "
                "--overwrite to begin anew, or name another --out folder"
            )
        if existing == "replace":
            self._replace()
            return
        for report in read_reports(self.path):
            self._held[_key(report)] += 1
            if is_failed(report):
                self._failed.add(_key(report))
            if report.engine not in self._engines:
                self._engines.append(report.engine)

    def _replace(self) -> None:
        with contextlib.suppress(UsageError):  # lines of another version: their drawings stay
            for report in read_reports(self.path):
                remove_artefacts(self.folder, report)
        self._cut(0)

    def _drop_stale(self) -> None:
        """Rewrite the file without the stale lines, in one step."""
        fresh = self.path.with_suffix(".new")
        left = self._stale.copy()
        with _output_errors(fresh):
            with fresh.open("wb") as file:
                for report in read_reports(self.path):
                    if left[_key(report)] > 0:
                        left[_key(report)] -= 1
                        remove_artefacts(self.folder, report)
                    else:
                        file.write(_line(report))
                file.flush()
                os.fsync(file.fileno())
            self.close()
            fresh.replace(self.path)
            self._file = self.path.open("ab", buffering=0)
        self._lock()

    def _cut(self, end: int) -> None:
        with contextlib.suppress(OSError):
            os.truncate(self.path, end)


def _line(report: Report) -> bytes:
    return report.to_json_line().encode("utf-8", "backslashreplace") + b"\n"


def _key(report: Report) -> _Key:
    """What makes a held report count: path and content; a fault of the run is worth a retry."""
    codes = {problem.code for problem in report.problems}
    retry = not RUN_FAULTS.isdisjoint(codes)
    return report.image.path, None if retry else report.image.sha256


def _hash(path: str, limits: Limits) -> str | None:
    try:
        return sha256(read_picture_bytes(path, limits)).hexdigest()
    except (PictureError, MemoryError, ValueError):
        return None


def _end_of_last_line(path: Path) -> int:
    """Length of the file without what follows its last line break."""
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        while end > 0:
            start = max(0, end - 65536)
            file.seek(start)
            found = file.read(end - start).rfind(b"\n")
            if found >= 0:
                return start + found + 1
            end = start
    return 0


def _count_lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))


def _words(engine: EngineInfo) -> str:
    weights = f", weights {engine.weights_sha256[:12]}" if engine.weights_sha256 else ""
    return f"{engine.name} {engine.version}{weights} {engine.settings or ''}".strip()


@contextlib.contextmanager
def _output_errors(where: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(f"cannot write to {where}: {error.strerror or error}") from error
