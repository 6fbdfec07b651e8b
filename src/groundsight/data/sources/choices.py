"""What BLINK and MMIU share: lettered options in text, letters in brackets, VLMEvalKit's TSV."""

import re
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from string import ascii_uppercase
from typing import Any

from groundsight.core.errors import UsageError
from groundsight.core.types import ImageRef, Sample
from groundsight.data.annotations import under
from groundsight.data.packed import Packed, base64_pictures
from groundsight.data.samples import SampleRow
from groundsight.data.separated import iter_records
from groundsight.data.sources.base import Source, named_files, row_of
from groundsight.data.tables import TableRow, iter_table

_LETTER = re.compile(r"\(?([A-Z])\)?")
HIDDEN = ("", "hidden", "none", "null")
"What test sets say for an answer that they keep to themselves."
# A cell shorter than any picture names another row's picture instead.
_LONGEST_INDEX = 64


def letter_of(answer: Any, num_choices: int, where: str) -> str | None:
    """The letter of "(B)" or "B"; None where a test set hides it.

    Raises:
        UsageError: anything else, or the letter of no choice.
    """
    said = "" if answer is None else str(answer).strip()
    if said.lower() in HIDDEN:
        return None
    found = _LETTER.fullmatch(said)
    if found is None or ascii_uppercase.index(found[1]) >= num_choices:
        raise UsageError(f"{where}: answer should be the letter of a choice, got {said!r:.40}")
    return found[1]


def split_options(text: str, where: str) -> list[str]:
    """The options of "A: yes B: no", on lines of their own or on one.

    Raises:
        UsageError: it does not begin with A, or has none.
    """
    starts: list[tuple[int, int]] = []
    at = 0
    for letter in ascii_uppercase:
        found = re.compile(rf"(?:^|\s)\(?{letter}\s?[:.)]\s?").search(text, at)
        if found is None or (not starts and text[: found.start()].strip()):
            break
        starts.append((found.start(), found.end()))
        at = found.end()
    if not starts:
        raise UsageError(f"{where}: expected options like 'A: … B: …', got {text!r:.60}")
    ends = [start for start, _ in starts[1:]] + [len(text)]
    return [text[begin:end].strip() for (_, begin), end in zip(starts, ends, strict=True)]


def choice_sample(
    *,
    name: str,
    images: list[str],
    question: str,
    choices: list[str],
    answer: Any,
    where: str,
    split: str | None,
    source: str,
    extra: dict[str, Any],
) -> Sample:
    """A multiple-choice sample; without `extra["answer"]` where the answer is hidden.

    Raises:
        UsageError: no pictures, no choices, or an answer that is none of them.
    """
    if not images or not all(images):
        raise UsageError(f"{where}: no pictures")
    if not choices or len(choices) > len(ascii_uppercase):
        raise UsageError(f"{where}: expected 1 to 26 choices, got {len(choices)}")
    letter = letter_of(answer, len(choices), where)
    known = {} if letter is None else {"answer": letter}
    return Sample(
        id=name,
        images=tuple(ImageRef(path=path) for path in images),
        task="multiple_choice",
        question=question.strip(),
        split=split,
        source=source,
        extra={"choices": choices, **known, **extra},
    )


def question_rows(
    source: Source,
    name: str,
    images: Collection[str],
    sample: Callable[[TableRow, Path, str], Sample],
) -> Iterator[SampleRow]:
    """A row for every question of Parquet files and VLMEvalKit tables.

    Args:
        source: where they lie.
        name: of the benchmark.
        images: columns of pictures in Parquet.
        sample: of a row of Parquet, its file, and where it stands.
    """
    for file in named_files(source.path, (".parquet", ".tsv")):
        if file.suffix.lower() == ".tsv":
            yield from _tsv_rows(file, source.root, name)
            continue
        for row in iter_table(file, images):
            where = f"{file.name}, row {row.number}"
            yield row_of(where, sample, row, file, where)


def _tsv_rows(path: Path, root: Path, source: str) -> Iterator[SampleRow]:
    """The rows of a VLMEvalKit table: index, question, A, B, …, answer, image.

    Pictures are Base64 in `image` (one, or a list), the index of the row that has them, or paths in
    `image_path`.
    """
    cells: dict[str, tuple[int, int]] = {}
    for record in iter_records(path):
        found = len(base64_pictures(record.fields.get("image", "")))
        cells[record.fields.get("index", "")] = (record.offset, found)
        where = f"{path.name}, row {record.number}"
        images = _tsv_images(record.fields, path, root, cells)
        name = f"{source.lower()}/{path.stem}/{record.fields.get('index')}"
        yield row_of(where, _tsv_sample, record.fields, images, name, source, where)


def _tsv_sample(
    fields: dict[str, str], images: list[str], name: str, source: str, where: str
) -> Sample:
    known = ("index", "image", "image_path", "question", "answer", "split", *ascii_uppercase)
    return choice_sample(
        name=name,
        images=images,
        question=fields.get("question", ""),
        choices=[fields[letter] for letter in ascii_uppercase if fields.get(letter)],
        answer=fields.get("answer"),
        where=where,
        split=fields.get("split") or None,
        source=source,
        extra={key: value for key, value in fields.items() if value and key not in known},
    )


def _tsv_images(
    fields: dict[str, str], path: Path, root: Path, cells: dict[str, tuple[int, int]]
) -> list[str]:
    cell = fields.get("image", "")
    index = cell.strip() if 0 < len(cell) <= _LONGEST_INDEX else fields.get("index", "")
    offset, count = cells.get(index, (0, 0))
    if count:
        return [str(Packed(str(path), offset, "image", i)) for i in range(count)]
    named = re.findall(r"[^\[\]'\",]{1,1000}", fields.get("image_path", ""))
    return [under(root, name.strip()) for name in named if name.strip()]
