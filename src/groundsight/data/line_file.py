"""A file of lines that is appended to: whole lines stay when the run that writes it is killed.

with LineFile(Path("scores.jsonl"), sync_s=1.0) as file:
file.write(b'{"id": "a"}')
"""

import contextlib
import os
from pathlib import Path
from time import monotonic
from types import TracebackType

_ROWS_A_SYNC = 256
_BYTES_A_SYNC = 1 << 20


class LineFile:
    """Lines are held back for a while, then written and synced together.

    Args:
        path: that is written.
        finally_at: where it is moved to when it is whole, so that it is begun anew; None: it is
            appended to and stays.
        sync_s: at the first line that comes this many seconds after the last sync, sync; None: by
            the number of lines and bytes alone.

    Raises:
        OSError: it cannot be opened; so does every method that writes.
    """

    def __init__(
        self, path: Path, finally_at: Path | None = None, *, sync_s: float | None = None
    ) -> None:
        self._file = path.open("ab" if finally_at is None else "wb", buffering=0)
        self._path, self._finally_at, self._sync_s = path, finally_at, sync_s
        self._waiting: list[bytes] = []
        self._num_bytes = 0
        self._synced_at = monotonic()

    def fileno(self) -> int:
        """Of the open file, for a lock."""
        return self._file.fileno()

    def write(self, line: bytes) -> None:
        """Add a line.

        Args:
            line: without its line break.
        """
        self._waiting.append(line + b"\n")
        self._num_bytes += len(line) + 1
        if (
            len(self._waiting) >= _ROWS_A_SYNC
            or self._num_bytes >= _BYTES_A_SYNC
            or (self._sync_s is not None and monotonic() - self._synced_at >= self._sync_s)
        ):
            self.flush()

    def flush(self) -> None:
        """Have every line on the disk; of those that do not fit, nothing stays."""
        left = b"".join(self._waiting)
        self._waiting, self._num_bytes = [], 0
        end = self._file.seek(0, os.SEEK_END)
        try:
            while left:  # a disk that fills up takes a part and refuses the rest
                left = left[self._file.write(left) :]
            os.fsync(self._file.fileno())
        except OSError:
            with contextlib.suppress(OSError):
                os.truncate(self._path, end)
            raise
        self._synced_at = monotonic()

    def close(self) -> None:
        """Write what is left, and move the file to its place."""
        if self._file.closed:
            return
        try:
            self.flush()
        finally:
            self._file.close()
        if self._finally_at is not None:
            os.replace(self._path, self._finally_at)

    def abandon(self) -> None:
        """After a fault: what is appended to keeps its lines, what was begun anew goes."""
        if self._finally_at is None:
            self.close()  # what was written stays: it can be resumed
        else:
            self._file.close()
            self._path.unlink(missing_ok=True)

    def __enter__(self) -> "LineFile":
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
            self.abandon()
