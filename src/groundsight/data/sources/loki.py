"""LOKI's annotation files → samples.

    judgments = read_judgments(Path("true_or_false.json"))   # 4,434: every picture asked both ways
    artifacts = read_artifacts(Path("open_ended_vqa.json"))  # 229 fakes with human-drawn regions
    pairs = read_pairs(Path("multi_choice.json"))            # 2,634: which of two is generated

Source: LOKI (arXiv 2410.09732), image modality. The label is in the question's type; "sence" is how
the files spell scene.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Literal

from groundsight.core.errors import UsageError
from groundsight.core.types import ImageRef, Label, Sample, SampleRegion
from groundsight.data.annotations import field, four_numbers, placed_rows, under
from groundsight.data.samples import SampleRow
from groundsight.data.sources.base import Source, row_of

_TYPE = re.compile(
    r"image_tf_image_(?P<is>real|fake)_ask_(?P<asks>real|fake)_(?P<category>\w{1,40})"
)
_PAIR = re.compile(r"image_mc_(?P<asks>real|fake)_from_(?:real|fake)_(?P<category>\w{1,40})")
FILES = ("true_or_false.json", "open_ended_vqa.json", "multi_choice.json")
_ANSWER: dict[tuple[str, str], str] = {
    ("real", "real"): "Yes",
    ("real", "fake"): "No",
    ("fake", "real"): "No",
    ("fake", "fake"): "Yes",
}


def read_judgments(
    path: Path, images_root: Path | None = None, task: str = "forgery_reasoning"
) -> list[Sample]:
    """The real-or-generated questions of `true_or_false.json`.

    Args:
        path: the file.
        images_root: folder that its picture paths are under; None leaves them as they are.
        task: which task asks them.

    Returns:
        Samples with label and question; `extra` has `answer` ("Yes" or "No") and `category`.

    Raises:
        UsageError: a row in another layout, or one whose answer contradicts its type.
    """
    return [_judgment(row, where, images_root, task) for where, row in placed_rows(path)]


def read_artifacts(path: Path, images_root: Path | None = None) -> list[Sample]:
    """The fakes with human-drawn regions of `open_ended_vqa.json` (UTF-16).

    The file's x, y, width, height in pixels become corners in `xyxy_px`.

    Args:
        path: the file.
        images_root: folder that its picture paths are under; None leaves them as they are.

    Returns:
        `grounded_detection` samples of label 1. Their question is the task's own: the file's names
        the label. `extra` has it, and `global`: what is wrong with the whole picture.

    Raises:
        UsageError: a row in another layout.
    """
    return [_artifact(row, where, images_root) for where, row in placed_rows(path)]


def read_pairs(path: Path, images_root: Path | None = None) -> list[Sample]:
    """The questions of `multi_choice.json`: which of two pictures is, or is not, generated.

    Args:
        path: the file.
        images_root: folder that its picture paths are under; None leaves them as they are.

    Returns:
        `multiple_choice` samples; `extra` has `choices`, `answer`, `category` and `asks`.

    Raises:
        UsageError: a row in another layout.
    """
    return [_pair(row, where, images_root) for where, row in placed_rows(path)]


class Loki(Source):
    """LOKI's image modality: any of its three files, or the folder that holds them.

    The type of each row says what it is: a judgment (`task`), a picture with human-drawn regions
    (`grounded_detection`), or a pair to choose from (`multiple_choice`).
    """

    layout: ClassVar[str] = f"a folder with {', '.join(FILES)}, or one of them"
    tasks: ClassVar[tuple[str, ...]] = (
        "forgery_reasoning",
        "grounded_detection",
        "multiple_choice",
    )
    origin: ClassVar[str] = "LOKI (arXiv 2410.09732)"

    task: Literal["forgery_reasoning", "grounded_detection"] = "forgery_reasoning"
    "What asks the judgments."

    def rows(self) -> Iterator[SampleRow]:
        """The rows of the files that are there.

        Raises:
            UsageError: none of them is.
        """
        files = [self.path]
        if self.path.is_dir():
            files = [self.path / name for name in FILES if (self.path / name).is_file()]
        if not files:
            raise UsageError(f"{self.path} holds none of {', '.join(FILES)}")
        for file in files:
            for where, row in placed_rows(file):
                yield row_of(where, self._sample, row, where)

    def _sample(self, row: dict[str, Any], where: str) -> Sample:
        kind = field(row, "question_type", str, where)
        if kind == "image_open_ended_vqa":
            return _artifact(row, where, self.root)
        if kind.startswith("image_mc_"):
            return _pair(row, where, self.root)
        return _judgment(row, where, self.root, self.task)


def _judgment(row: dict[str, Any], where: str, root: Path | None, task: str) -> Sample:
    kind = _TYPE.fullmatch(field(row, "question_type", str, where))
    if kind is None:
        raise UsageError(f"{where}: question_type {row['question_type']!r:.80} is not known")
    answer = field(row, "answer", str, where)
    if answer != _ANSWER[kind["is"], kind["asks"]]:
        raise UsageError(f"{where}: answer {answer!r} contradicts {row['question_type']!r}")
    label: Label = 1 if kind["is"] == "fake" else 0
    return Sample(
        id=f"loki/{field(row, 'id', str, where)}",
        images=(ImageRef(path=under(root, field(row, "image_path", str, where))),),
        task=task,
        question=field(row, "question", str, where).replace("<image>", "").strip(),
        label=label,
        source="LOKI",
        extra={"answer": answer, "category": kind["category"].replace("sence", "scene")},
    )


def _pair(row: dict[str, Any], where: str, root: Path | None) -> Sample:
    kind = _PAIR.fullmatch(field(row, "question_type", str, where))
    if kind is None:
        raise UsageError(f"{where}: question_type {row['question_type']!r:.80} is not known")
    choices, answer = field(row, "choices", list, where), field(row, "answer", str, where)
    images = field(row, "image_path", list, where)
    if len(choices) != len(images) or answer not in "AB"[: len(choices)] or not answer:
        raise UsageError(f"{where}: expected two pictures, two choices and A or B, got {answer!r}")
    return Sample(
        id=f"loki/{field(row, 'id', str, where)}",
        images=tuple(ImageRef(path=under(root, str(image))) for image in images),
        task="multiple_choice",
        question=field(row, "question", str, where).replace("<image>", "").strip(),
        source="LOKI",
        extra={
            "choices": [str(choice) for choice in choices],
            "answer": answer,
            "asks": kind["asks"],
            "category": kind["category"].replace("sence", "scene"),
        },
    )


def _artifact(row: dict[str, Any], where: str, root: Path | None) -> Sample:
    problems = field(row, "problems", dict, where)
    regions = field(problems, "regional", list, where)
    whole = [field(note, "desc", str, where) for note in field(problems, "global", list, where)]
    return Sample(
        id=f"loki/{field(row, 'id', str, where)}",
        images=(ImageRef(path=under(root, field(row, "image_path", str, where))),),
        task="grounded_detection",
        label=1,
        regions=tuple(_region(region, where) for region in regions),
        source="LOKI",
        extra={
            "question": field(row, "question", str, where),
            "global": [note for note in whole if note.strip()],
        },
    )


def _region(region: dict[str, Any], where: str) -> SampleRegion:
    x, y, width, height = four_numbers(region.get("region"), where)
    if width <= 0 or height <= 0:
        raise UsageError(f"{where}: region of width {width} and height {height}")
    return SampleRegion(
        xyxy=(x, y, x + width, y + height), description=field(region, "desc", str, where)
    )
