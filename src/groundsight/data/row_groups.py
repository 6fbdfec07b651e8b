"""A Parquet file that is written row by row, in groups that a reader can hold."""

from pathlib import Path
from typing import Any


class RowGroups:
    """A group is written when it has so many rows, or so many bytes of pictures.

    Args:
        path: of the file.
        schema: of pyarrow.
        most_rows: of a group.
        most_bytes: of a group's pictures.

    Raises:
        OSError: it cannot be opened; so does every method.
    """

    def __init__(self, path: Path, schema: Any, *, most_rows: int, most_bytes: int) -> None:
        from pyarrow import parquet

        self._schema, self._most_rows, self._most_bytes = schema, most_rows, most_bytes
        self._file = parquet.ParquetWriter(path, schema, compression="zstd")
        self._rows: list[dict[str, Any]] = []
        self._num_bytes = 0

    def write(self, row: dict[str, Any], *, num_bytes: int) -> None:
        """Add a row.

        Args:
            row: cells by column.
            num_bytes: of its pictures.
        """
        self._rows.append(row)
        self._num_bytes += num_bytes
        if len(self._rows) >= self._most_rows or self._num_bytes >= self._most_bytes:
            self._write_group()

    def close(self) -> None:
        """Write what is left, and close."""
        self._write_group()
        self._file.close()

    def abandon(self) -> None:
        """Close without what is left."""
        self._file.close()

    def _write_group(self) -> None:
        import pyarrow as arrow

        if self._rows:
            self._file.write_table(arrow.Table.from_pylist(self._rows, schema=self._schema))
            self._rows, self._num_bytes = [], 0
