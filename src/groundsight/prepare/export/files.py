"""Files of an export: rows as they come, and a folder that is there whole or not at all."""

import contextlib
import json
import os
import shutil
from pathlib import Path
from types import TracebackType
from typing import Any

from groundsight.core.errors import MissingExtraError, UsageError
from groundsight.data.row_groups import RowGroups
from groundsight.prepare.export.base import Row

MARK = ".groundsight-export"
_ROWS_A_GROUP = 1000
# Pictures in rows make groups smaller, so that a reader need not hold gigabytes.
_BYTES_A_GROUP = 64 << 20


class JsonLinesFile:
    """One JSON object a line, in ASCII: some trainers read files in the machine's own encoding."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="ascii", newline="\n")

    def write(self, row: Row) -> None:
        """Write one row."""
        self._file.write(json.dumps(row, separators=(", ", ": ")) + "\n")

    def close(self) -> None:
        """Close the file with everything on the disk."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()


class ParquetFile:
    """Rows in groups.

    Args:
        path: of the file.
        schema: a pyarrow schema.
    """

    def __init__(self, path: Path, schema: Any) -> None:
        self._groups = RowGroups(path, schema, most_rows=_ROWS_A_GROUP, most_bytes=_BYTES_A_GROUP)

    def write(self, row: Row) -> None:
        """Write one row."""
        pictures = row.get("images") or ()
        num_bytes = sum(len(picture.get("bytes") or b"") for picture in pictures)
        self._groups.write(row, num_bytes=num_bytes)

    def close(self) -> None:
        """Write what is left and close."""
        self._groups.close()


def arrow_module(feature: str) -> Any:
    """pyarrow, imported when it is asked for.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import pyarrow
    except ImportError as error:
        raise MissingExtraError(feature, "ray") from error
    return pyarrow


class ExportFolder:
    """A folder that is written beside its place and moved there when it is whole.

    Use it as a context; leave it without `publish`, and nothing stays.

    Args:
        path: where it will be; nothing may be there but an empty folder.

    Raises:
        UsageError: something is there, or cannot be written.
    """

    def __init__(self, path: Path) -> None:
        whole = Path(os.path.abspath(path))
        self.finally_at = whole
        self.path = whole.with_name(f"{whole.name}.partial")
        try:
            self._begin()
        except OSError as error:
            raise UsageError(f"cannot write {path}: {error.strerror or error}") from error

    def _begin(self) -> None:
        there = self.finally_at
        if there.exists() and not (there.is_dir() and not any(there.iterdir())):
            raise UsageError(f"{there} is there already: remove it, or choose another --out")
        if self.path.exists() and not (self.path / MARK).exists():
            raise UsageError(f"{self.path} is in the way and not of ours: move it")
        shutil.rmtree(self.path, ignore_errors=True)  # what a killed export left
        self.path.mkdir(parents=True)
        (self.path / MARK).touch()

    def publish(self) -> None:
        """Move the folder to its place."""
        (self.path / MARK).unlink()
        if self.finally_at.exists():
            self.finally_at.rmdir()
        self.path.rename(self.finally_at)

    def __enter__(self) -> "ExportFolder":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        with contextlib.suppress(OSError):
            if (self.path / MARK).exists():
                shutil.rmtree(self.path)
