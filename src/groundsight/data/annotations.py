"""Annotation files as rows: JSON in the encodings that benchmarks really use."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from groundsight.core.errors import UsageError
from groundsight.data.json_list import iter_json_list


def iter_rows(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a JSON list, one at a time; UTF-8 or, by its byte order mark, UTF-16.

    Raises:
        UsageError: unreadable, or no list of objects; the text says which file.
    """
    for row in iter_json_list(path):
        if not isinstance(row, dict):
            raise UsageError(f"{path}: expected a JSON list of objects")
        yield row


def placed_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Of `iter_rows`, each with where it stands: file and number, from 1."""
    for number, row in enumerate(iter_rows(path), start=1):
        yield f"{path.name}, row {number}", row


def field(row: dict[str, Any], key: str, kind: type, where: str) -> Any:
    """A field of a row, of the type expected.

    Args:
        row: one object of the file.
        key: the field.
        kind: what it must be.
        where: file and row, for the message.

    Raises:
        UsageError: missing, or another type.
    """
    value = row.get(key)
    if not isinstance(value, kind):
        raise UsageError(f"{where}: {key!r} should be a {kind.__name__}, got {value!r:.60}")
    return value


def four_numbers(value: Any, where: str) -> tuple[float, float, float, float]:
    """Four finite numbers.

    Raises:
        UsageError: anything else.
    """
    numbers = value if isinstance(value, list) else []
    good = [float(n) for n in numbers if type(n) in (int, float) and abs(n) < 1e9]
    if len(numbers) != 4 or len(good) != 4:
        raise UsageError(f"{where}: expected four numbers, got {value!r:.80}")
    return good[0], good[1], good[2], good[3]


def under(root: Path | None, path: str) -> str:
    """A picture's path, below a folder where one is given."""
    return path if root is None else str(root / path)
