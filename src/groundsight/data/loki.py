"""LOKI's annotation files → samples.

    judgments = read_judgments(Path("true_or_false.json"))   # 4,434: every picture asked both ways
    artifacts = read_artifacts(Path("open_ended_vqa.json"))  # 229 fakes with human-drawn regions

Source: LOKI (arXiv 2410.09732), image modality. The label is in the question's type; "sence" is how
the files spell scene.
"""

import re
from pathlib import Path
from typing import Any

from groundsight.core.errors import UsageError
from groundsight.core.types import ImageRef, Label, Sample, SampleRegion
from groundsight.data.annotations import field, four_numbers, read_rows, under

_TYPE = re.compile(
    r"image_tf_image_(?P<is>real|fake)_ask_(?P<asks>real|fake)_(?P<category>\w{1,40})"
)
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
    rows = read_rows(path)
    return [
        _judgment(row, f"{path.name}, row {number}", images_root, task)
        for number, row in enumerate(rows, start=1)
    ]


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
    rows = read_rows(path)
    return [
        _artifact(row, f"{path.name}, row {number}", images_root)
        for number, row in enumerate(rows, start=1)
    ]


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
