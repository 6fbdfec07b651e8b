"""What a source is: settings in, rows out, one at a time."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar, ParamSpec

from pydantic import ValidationError

from groundsight.core.config import Config
from groundsight.core.errors import UsageError
from groundsight.core.types import Sample
from groundsight.data.pictures import PictureWalk
from groundsight.data.samples import SampleRow
from groundsight.data.samples.rows import first_fault

P = ParamSpec("P")


class Source(Config):
    """A data set where it lies. Subclasses read one layout; nothing is skipped in silence."""

    layout: ClassVar[str]
    "What `path` is, one phrase."
    tasks: ClassVar[tuple[str, ...]]
    "The tasks that its samples may have."
    origin: ClassVar[str]
    "Paper or page that describes the layout."

    path: Path
    "The folder or file."
    pictures: Path | None = None
    "Folder that picture paths start from; None: where the annotations lie."

    def rows(self) -> Iterator[SampleRow]:
        """Every row: a sample, a fault, or left out with a reason.

        Raises:
            UsageError: the data set as a whole cannot be read.
        """
        raise NotImplementedError

    def samples(self) -> Iterator[Sample]:
        """The samples, as a stream; what is left out on purpose is passed by.

        Raises:
            UsageError: a row that should be a sample and is none.
        """
        for row in self.rows():
            if row.fault:
                raise UsageError(f"{row.where}: {row.fault}")
            if row.sample is not None:
                yield row.sample

    @property
    def root(self) -> Path:
        """Where picture paths start from."""
        if self.pictures is not None:
            return self.pictures
        return self.path if self.path.is_dir() else self.path.parent


def row_of(where: str, make: Callable[P, Sample], *args: P.args, **kwargs: P.kwargs) -> SampleRow:
    """The row that a maker's sample, or its complaint, comes to."""
    try:
        return SampleRow(where, sample=make(*args, **kwargs))
    except UsageError as error:
        return SampleRow(where, fault=str(error).removeprefix(f"{where}: "))
    except ValidationError as error:
        return SampleRow(where, fault=first_fault(error))


def walk(top: Path) -> Iterator[tuple[str, tuple[str, ...], bool]]:
    """Files under a folder: path, its parts below the folder, whether it has a picture's name.

    Raises:
        UsageError: no folder.
    """
    if not top.is_dir():
        raise UsageError(f"{top} is a file: this layout is read from a folder")
    start = os.fspath(top)
    for path, is_picture in PictureWalk().files(start):
        yield path, Path(os.path.relpath(path, start)).parts, is_picture


def not_a_picture(where: str) -> SampleRow:
    """The row of a file that a folder holds beside its pictures."""
    suffix = os.path.splitext(where)[1].lower()[:12]
    return SampleRow(where, left_out=f"no picture by its name ({suffix or 'no suffix'})")


def named_files(path: Path, suffixes: tuple[str, ...]) -> list[Path]:
    """The file itself, or those under a folder with one of the suffixes, sorted.

    Raises:
        UsageError: there is none.
    """
    if path.is_file():
        found = [path] if path.suffix.lower() in suffixes else []
    else:
        every = (file for file in path.rglob("*") if file.suffix.lower() in suffixes)
        found = sorted(file for file in every if file.is_file())
    if not found:
        raise UsageError(f"{path}: expected {' or '.join(suffixes)} here, found none")
    return found
