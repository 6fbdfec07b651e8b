"""Making many pictures: worker processes, one manifest line a unit of work, resume after any end.

    run_units(maker, num_units, Path("out"), settings={...}, workers=4, resume=True)

A unit is made from its number alone, so that any subset can be made again and gives the same bytes.
Its line is written after its pictures, in the order of the numbers: what a killed run left is a
prefix, and a resumed run goes on behind it. A line whose pictures are not there any more ends the
prefix.
"""

import json
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import IO, Any, Protocol

from groundsight.core.errors import UsageError
from groundsight.core.interrupts import without_ctrl_c
from groundsight.core.types import Sample
from groundsight.data.run_folder import check_settings, lock, told

MANIFEST = "manifest.jsonl"
PICTURES = "pictures"
_CHUNK = 8
_IN_FLIGHT = 3  # chunks a worker: enough to keep it busy, few enough to hold in memory
_PER_FOLDER = 1000


@dataclass(frozen=True, kw_only=True)
class NewPicture:
    """An encoded picture that waits to be written.

    Args:
        number: of the picture in the run; gives its place.
        suffix: of the file, with the dot.
        data: the file's bytes.
    """

    number: int
    suffix: str
    data: bytes = field(repr=False)

    @property
    def path(self) -> str:
        """Relative to the run's folder; says nothing of the label."""
        return f"{PICTURES}/{self.number // _PER_FOLDER:04d}/{self.number:07d}{self.suffix}"


@dataclass(frozen=True, kw_only=True)
class Made:
    """What one unit gives.

    Args:
        samples: with picture paths relative to the folder.
        pictures: their files.
        record: every parameter, for the manifest.
        faults: what could not be used on the way: (path, code, message).
    """

    samples: tuple[Sample, ...]
    pictures: tuple[NewPicture, ...] = ()
    record: dict[str, Any] = field(default_factory=dict)
    faults: tuple[tuple[str, str, str], ...] = ()


class Maker(Protocol):
    """Makes units from their numbers; travels to worker processes."""

    def make(self, unit: int) -> Made:
        """Make one unit; the same number gives the same result."""
        ...


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a manifest, read back."""

    unit: int
    samples: tuple[Sample, ...]
    record: dict[str, Any]
    files: tuple[dict[str, Any], ...]
    faults: tuple[tuple[str, str, str], ...]


def run_units(
    maker: Maker,
    num_units: int,
    folder: Path,
    *,
    settings: dict[str, Any],
    workers: int = 1,
    resume: bool = False,
    on_done: Callable[[int], None] = lambda _: None,
) -> int:
    """Make units 0 to `num_units` - 1 and write their pictures and manifest lines.

    Args:
        maker: makes them.
        num_units: how many in all.
        folder: is made where it is not there.
        settings: of the run; a resumed run must have the same.
        workers: processes; 1 works in this one.
        resume: go on where an earlier run stopped.
        on_done: is told how many units were finished since the last call.

    Returns:
        How many units were there already.

    Raises:
        UsageError: a run is there and `resume` is not set, or it had other settings or more units;
            the folder cannot be written, another run writes there, or a worker died.
    """
    if workers < 1:
        raise UsageError(f"workers must be 1 or more, got {workers}")
    with told(folder), _open_manifest(folder) as manifest:
        _check_settings(folder, manifest, settings, resume)
        start = _cut_to_prefix(folder, manifest)
        if start > num_units:
            raise UsageError(
                f"{folder} holds {start} units already, more than the {num_units} asked for: ask "
                "for as many or more, or name another --out"
            )
        on_done(start)
        for count in _write_all(maker, range(start, num_units), folder, manifest, workers):
            on_done(count)
    return start


def read_manifest(folder: Path) -> Iterator[Line]:
    """The lines of a run's manifest, in the order of the units.

    Raises:
        UsageError: it cannot be read.
    """
    with told(folder), (folder / MANIFEST).open("rb") as lines:
        for line in lines:
            yield _parse(line)


def make_one(maker: Maker, unit: int, folder: Path) -> bytes:
    """Make a unit, write its pictures, return its manifest line."""
    made = maker.make(unit)
    files = []
    for picture in made.pictures:
        write_file(folder / picture.path, picture.data)
        digest = sha256(picture.data).hexdigest()
        files.append({"path": picture.path, "num_bytes": len(picture.data), "sha256": digest})
    tree = {
        "unit": unit,
        "samples": [sample.model_dump(mode="json") for sample in made.samples],
        "record": made.record,
        "files": files,
        "faults": [list(fault) for fault in made.faults],
    }
    return json.dumps(tree, ensure_ascii=True).encode() + b"\n"


def write_file(path: Path, data: bytes) -> None:
    """Write a whole file or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    fresh.write_bytes(data)
    fresh.replace(path)


def _write_all(
    maker: Maker, units: range, folder: Path, manifest: IO[bytes], workers: int
) -> Iterator[int]:
    if workers == 1 or len(units) <= 1:
        for unit in units:
            _append(manifest, [make_one(maker, unit, folder)])
            yield 1
        return
    for lines in _in_processes(maker, units, folder, workers):
        _append(manifest, lines)
        yield len(lines)


def _in_processes(maker: Maker, units: range, folder: Path, workers: int) -> Iterator[list[bytes]]:
    """Chunks of lines, in order; at most a few chunks a worker are under way."""
    chunks = [units[i : i + _CHUNK] for i in range(0, len(units), _CHUNK)]
    # Spawned: a fork would copy whatever threads and locks the caller has.
    pool = ProcessPoolExecutor(
        min(workers, len(chunks)), get_context("spawn"), _start_worker, (maker, folder)
    )
    flying: deque[Future[list[bytes]]] = deque()
    try:
        for chunk in chunks:
            with without_ctrl_c():  # the workers start with the first chunks
                flying.append(pool.submit(_make_chunk, chunk))
            if len(flying) >= _IN_FLIGHT * workers:
                yield flying.popleft().result()
        while flying:
            yield flying.popleft().result()
    except BrokenProcessPool:
        raise UsageError(
            "a worker process ended, perhaps for want of memory: go on with --resume and fewer "
            "--workers"
        ) from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_worker: list[tuple[Maker, Path]] = []  # of this process; set once when it starts


def _start_worker(maker: Maker, folder: Path) -> None:
    _worker[:] = [(maker, folder)]
    # Ctrl-C reaches the whole group; the parent tells of it and ends the workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A parent that is killed outright leaves its workers waiting for ever."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _make_chunk(units: range) -> list[bytes]:
    maker, folder = _worker[0]
    return [make_one(maker, unit, folder) for unit in units]


def _append(manifest: IO[bytes], lines: list[bytes]) -> None:
    manifest.seek(0, os.SEEK_END)
    manifest.write(b"".join(lines))
    manifest.flush()
    os.fsync(manifest.fileno())


def _cut_to_prefix(folder: Path, manifest: IO[bytes]) -> int:
    """Cut the manifest behind its last good line; returns how many units are left."""
    manifest.seek(0)
    count = end = 0
    for line in manifest:
        if not line.endswith(b"\n") or not _is_whole(line, count, folder):
            break
        count += 1
        end += len(line)
    manifest.truncate(end)
    return count


def _is_whole(line: bytes, unit: int, folder: Path) -> bool:
    with suppress(UsageError, OSError):
        read = _parse(line)
        sizes = [(folder / file["path"]).stat().st_size for file in read.files]
        return read.unit == unit and sizes == [file["num_bytes"] for file in read.files]
    return False


def _parse(line: bytes) -> Line:
    try:
        tree = json.loads(line)
        return Line(
            unit=int(tree["unit"]),
            samples=tuple(Sample.model_validate(sample) for sample in tree["samples"]),
            record=dict(tree["record"]),
            files=tuple({**file, "path": str(file["path"])} for file in tree["files"]),
            faults=tuple((str(p), str(c), str(m)) for p, c, m in tree["faults"]),
        )
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise UsageError(f"a line of {MANIFEST} is not one of this version") from error


def _check_settings(
    folder: Path, manifest: IO[bytes], settings: dict[str, Any], resume: bool
) -> None:
    holds = manifest.seek(0, os.SEEK_END) > 0
    if holds and not resume:
        raise UsageError(
            f"{folder} holds a run already: add --resume to go on with it, or name another --out"
        )
    check_settings(folder, settings, holds=holds)


@contextmanager
def _open_manifest(folder: Path) -> Iterator[IO[bytes]]:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / MANIFEST
    path.touch()
    with path.open("r+b") as manifest:
        lock(manifest, folder)
        yield manifest
