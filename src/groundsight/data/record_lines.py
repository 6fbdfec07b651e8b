"""Files of records, a line of JSON each, as runs keep what they found."""

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from groundsight.core.errors import UsageError

R = TypeVar("R", bound=BaseModel)


def read_record_lines(path: Path, kind: type[R], *, otherwise: str) -> Iterator[R]:
    """The records of a file, one at a time.

    Args:
        path: of the file.
        kind: of its records.
        otherwise: what is said of a line that is none, after its place.

    Raises:
        OSError: the file cannot be read.
        UsageError: a line that is none.
    """
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            yield parse_record(line, kind, f"{path} line {number} {otherwise}")


def parse_record(line: bytes, kind: type[R], otherwise: str) -> R:
    """One record.

    Raises:
        UsageError: it is none; the text is `otherwise`.
    """
    try:
        return kind.model_validate_json(line)
    except ValidationError as error:
        raise UsageError(otherwise) from error
