"""Writing samples so that a killed run loses nothing and doubles nothing."""

import contextlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol

from groundsight.core.errors import MissingExtraError, PictureError, UsageError
from groundsight.core.types import ImageRef, Sample
from groundsight.data.line_file import LineFile
from groundsight.data.packed import parse_address, read_image_bytes
from groundsight.data.row_groups import RowGroups
from groundsight.data.samples.parquet import table_row, table_schema

Mode = Literal["new", "resume", "replace"]
_ROWS_A_GROUP = 10_000
# Row groups of packed pictures stay small, so that one picture is read without its neighbours.
_PICTURE_BYTES_A_GROUP = 16 << 20


class SampleWriter:
    """Writes samples to JSON Lines (appended, synced in batches) or Parquet (whole or not at all).

    Use it as a context. Paths of pictures that lie below the file's folder are written relative to
    it, others in full, so that a folder can be moved as a whole.

    Args:
        path: `.jsonl` or `.parquet`.
        mode: what to do where the file is there already. `new` refuses; `replace` writes it anew,
            and the old one stays until the new one is whole; `resume` (JSON Lines only) cuts off a
            last line that was torn and appends.
        embed: put the pictures' bytes into the file (Parquet only).

    Raises:
        UsageError: the file is there, cannot be written, or is of another kind.
        MissingExtraError: Parquet without pyarrow.
    """

    def __init__(self, path: Path, *, mode: Mode = "new", embed: bool = False) -> None:
        self.path = path
        self.num_kept = 0
        "Samples that were in the file before: more than 0 only in mode `resume`."
        self.num_written = 0
        "Samples written by this writer."
        if mode == "new" and path.exists():
            raise UsageError(f"{path} is there already: remove it, or ask for it to be replaced")
        self._folder = os.path.abspath(path.parent)
        self._sink: _Sink = self._open(mode, embed)

    def _open(self, mode: Mode, embed: bool) -> "_Sink":
        suffix = self.path.suffix.lower()
        if suffix == ".parquet":
            if mode == "resume":
                raise UsageError("a Parquet file is written whole: resume with .jsonl, convert it")
            return _ParquetSink(self.path, embed=embed)
        if suffix != ".jsonl":
            raise UsageError(f"samples are written to .jsonl or .parquet, got {self.path}")
        if embed:
            raise UsageError("pictures are put into .parquet only: JSON Lines hold their paths")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if mode == "resume" and self.path.exists():
                self.num_kept = mend_tail(self.path)
            if mode == "replace":
                return _LineSink(_partial(self.path), finally_at=self.path)
            return _LineSink(self.path)
        except OSError as error:
            raise UsageError(f"cannot write {self.path}: {error.strerror}") from error

    def write(self, sample: Sample) -> None:
        """Write one sample. It is on the disk after the next `flush` or the end of the context.

        Raises:
            UsageError: it cannot be written, e.g. the disk is full or a picture cannot be read.
        """
        self._guarded(lambda: self._sink.write(self._stored(sample), sample))
        self.num_written += 1

    def flush(self) -> None:
        """Have everything on the disk that was written so far (JSON Lines; Parquet at the end)."""
        self._guarded(self._sink.flush)

    def close(self) -> None:
        """Write what is left and close."""
        self._guarded(self._sink.close)

    def __enter__(self) -> "SampleWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._sink.abandon()

    def _guarded(self, act: Callable[[], None]) -> None:
        try:
            act()
        except OSError as error:
            raise UsageError(f"cannot write {self.path}: {error.strerror or error}") from error

    def _stored(self, sample: Sample) -> Sample:
        images = tuple(self._stored_image(image) for image in sample.images)
        if all(new is old for new, old in zip(images, sample.images, strict=True)):
            return sample
        return sample.model_copy(update={"images": images})

    def _stored_image(self, image: ImageRef) -> ImageRef:
        if not image.path:
            return image
        whole = os.path.abspath(image.path)
        inside = whole.removeprefix(self._folder + os.sep)
        if inside == image.path:
            return image
        return image.model_copy(update={"path": inside})


class _Sink(Protocol):
    """Where rows go."""

    def write(self, stored: Sample, sample: Sample) -> None: ...

    def flush(self) -> None: ...

    def close(self) -> None: ...

    def abandon(self) -> None: ...


class _LineSink:
    """Samples as lines of a `LineFile`."""

    def __init__(self, path: Path, finally_at: Path | None = None) -> None:
        self._file = LineFile(path, finally_at)

    def write(self, stored: Sample, sample: Sample) -> None:
        self._file.write(stored.model_dump_json(exclude_defaults=True).encode())

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self._file.close()

    def abandon(self) -> None:
        self._file.abandon()


class _ParquetSink:
    """Row groups into a file beside, which becomes the file when it is whole."""

    def __init__(self, path: Path, *, embed: bool) -> None:
        try:
            schema = table_schema()
        except ImportError as error:
            raise MissingExtraError("Parquet", "ray") from error
        self._path, self._partial, self._embed = path, _partial(path), embed
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._groups = RowGroups(
                self._partial, schema, most_rows=_ROWS_A_GROUP, most_bytes=_PICTURE_BYTES_A_GROUP
            )
        except OSError as error:
            raise UsageError(f"cannot write {path}: {error.strerror or error}") from error
        self._closed = False

    def write(self, stored: Sample, sample: Sample) -> None:
        pictures: list[bytes | None] = [None] * len(sample.images)
        if self._embed:
            pictures = [_bytes_of(sample, image) for image in sample.images]
            stored = stored.model_copy(update={"images": tuple(map(_named, stored.images))})
        num_bytes = sum(len(data) for data in pictures if data)
        self._groups.write(table_row(stored, pictures), num_bytes=num_bytes)

    def flush(self) -> None:
        """Nothing is final before the end."""

    def close(self) -> None:
        if self._closed:
            return
        self._groups.close()
        self._closed = True
        with self._partial.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(self._partial, self._path)

    def abandon(self) -> None:
        if not self._closed:
            with contextlib.suppress(OSError):
                self._groups.abandon()
            self._partial.unlink(missing_ok=True)


def _partial(path: Path) -> Path:
    return path.with_name(f"{path.name}.partial")


def _bytes_of(sample: Sample, image: ImageRef) -> bytes:
    try:
        return read_image_bytes(image.path)
    except PictureError as error:
        raise UsageError(f"sample {sample.id}: {image.path} {error}") from error


def _named(image: ImageRef) -> ImageRef:
    """An embedded picture keeps a name for people; what was an address has none."""
    name = "" if parse_address(image.path) else Path(image.path).name
    return image.model_copy(update={"path": name})


def mend_tail(path: Path) -> int:
    """Cut off what a killed run left of a last line.

    Returns:
        Number of lines that stay.
    """
    num_lines, end = 0, 0
    with path.open("rb+") as file:
        last = b""
        for line in file:
            if not line.endswith(b"\n"):
                break
            num_lines, last = num_lines + (1 if line.strip() else 0), line
            end += len(line)
        # A crash of the machine may leave a line's length on the disk without its letters.
        if last.strip() and not _is_json(last):
            num_lines, end = num_lines - 1, end - len(last)
        file.truncate(end)
        os.fsync(file.fileno())
    return num_lines


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True
