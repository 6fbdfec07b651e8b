"""MIG-Bench's annotation file → samples.

    samples = read_mig_bench(Path("MIG_data.json"), images_root=Path("data"))   # 4,295, ten tasks

Source: MIG-Bench of Migician (arXiv 2501.05767). Boxes are fractions of the asked picture. Which
picture that is, the file says only in words; `_asked_image` reads them.

Seven of the 4,295 boxes have swapped corners or reach beyond the picture. They are put in order and
cut here [choice]; `extra["answer"]` keeps every box as the file has it, for official figures.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from groundsight.core.errors import UsageError
from groundsight.core.types import XYXY, ImageRef, Sample, SampleRegion
from groundsight.data.annotations import field, four_numbers, placed_rows, under
from groundsight.data.samples import SampleRow
from groundsight.data.sources.base import Source, row_of
from groundsight.replies.image_mentions import find_mentions

QUESTION_FRAME = "xyxy_model:qwen2_vl"
"The questions write boxes in Qwen2-VL's way, 0 to 1000."
# Tasks whose questions name no picture by number, and the picture that they mean: `region` asks in
# the source image, which comes first; `diff` has the same box in both, taken in the second
# [choice].
_IMPLIED = {"region": 0, "diff": 1}


def read_mig_bench(path: Path, images_root: Path | None = None) -> list[Sample]:
    """The questions of `MIG_data.json`.

    Args:
        path: the file.
        images_root: folder that its picture paths are under; None leaves them as they are.

    Returns:
        `multi_image_grounding` samples, one region each, in `xyxy_unit`. `extra` has `task` (one of
        ten), `answer` as it came, `need_format`, `additional_info`, `question_frame`, and
        `asked_image` (from 0) where the question's task fixes it without naming it.

    Raises:
        UsageError: a row in another layout.
    """
    return [
        _sample(row, number, where, images_root)
        for number, (where, row) in enumerate(placed_rows(path))
    ]


class MIGBench(Source):
    """MIG-Bench: `MIG_data.json`, or the folder that holds it."""

    layout: ClassVar[str] = "MIG_data.json, or the folder that holds it"
    tasks: ClassVar[tuple[str, ...]] = ("multi_image_grounding",)
    origin: ClassVar[str] = "MIG-Bench of Migician (arXiv 2501.05767)"

    def rows(self) -> Iterator[SampleRow]:
        """A row for every question."""
        file = self.path / "MIG_data.json" if self.path.is_dir() else self.path
        for number, (where, row) in enumerate(placed_rows(file)):
            yield row_of(where, _sample, row, number, where, self.root)


def _sample(row: dict[str, Any], number: int, where: str, root: Path | None) -> Sample:
    task = field(row, "task", str, where)
    question = field(row, "question", str, where)
    images = field(row, "images", list, where)
    info = field(row, "additional_info", str, where)
    box = four_numbers(row.get("answer"), where)
    index = _asked_image(task, question, info, len(images), where)
    extra = {
        "task": task,
        "answer": list(box),
        "need_format": field(row, "need_format", bool, where),
        "additional_info": info,
        "question_frame": QUESTION_FRAME,
    }
    if task in _IMPLIED:
        extra["asked_image"] = index
    return Sample(
        id=f"mig_bench/{task}/{number:04d}",
        images=tuple(ImageRef(path=under(root, str(image))) for image in images),
        task="multi_image_grounding",
        question=question.strip(),
        regions=(SampleRegion(image_index=index, xyxy=_mended(box), frame="xyxy_unit"),),
        source="MIG-Bench",
        extra=extra,
    )


def _asked_image(task: str, question: str, info: str, num_images: int, where: str) -> int:
    """The picture that holds the answer, from 0.

    `group_grounding` leaves it to be found and says it in the additional information; the other
    tasks name it last in the question.
    """
    if task in _IMPLIED:
        return _IMPLIED[task]
    named = find_mentions(info if task == "group_grounding" else question)
    if not named or not 0 <= named[-1].image_index < num_images:
        raise UsageError(f"{where}: cannot tell which of {num_images} pictures is asked about")
    return named[-1].image_index


def _mended(box: XYXY) -> XYXY:
    xa, ya, xb, yb = (min(max(value, 0.0), 1.0) for value in box)
    return min(xa, xb), min(ya, yb), max(xa, xb), max(ya, yb)
