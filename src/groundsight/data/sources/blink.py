"""BLINK: fourteen tasks of perception, multiple choice over one to four pictures.

Parquet as the hub stores it, a folder a task: `idx`, `question`, `sub_task`, `image_1` … `image_4`
(structs of bytes and path, null where there are fewer), `choices`, `answer` ("(B)"; "hidden" in
`test`), `prompt`. Or VLMEvalKit's `BLINK.tsv`. Pictures are left where they are packed.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from groundsight.core.types import Sample
from groundsight.data.samples import SampleRow
from groundsight.data.sources.base import Source
from groundsight.data.sources.choices import choice_sample, question_rows
from groundsight.data.sources.labels import SPLITS
from groundsight.data.tables import TableRow

IMAGES = ("image_1", "image_2", "image_3", "image_4")
_SPLIT = re.compile(r"[a-z]+")


class Blink(Source):
    """BLINK's Parquet files, or VLMEvalKit's table of it. `extra["category"]` is the task."""

    layout: ClassVar[str] = "a folder of TASK/{val,test}-*.parquet, one of them, or BLINK.tsv"
    tasks: ClassVar[tuple[str, ...]] = ("multiple_choice",)
    origin: ClassVar[str] = "BLINK (arXiv 2404.12390), the hub's BLINK-Benchmark/BLINK"

    def rows(self) -> Iterator[SampleRow]:
        """A row for every question."""
        return question_rows(self, "BLINK", IMAGES, _sample)


def _sample(row: TableRow, file: Path, where: str) -> Sample:
    cells = row.cells
    name = cells.get("idx") or f"{file.parent.name}/{file.stem}/{row.number}"
    said = _SPLIT.match(file.name)
    return choice_sample(
        name=f"blink/{name}",
        images=[cells[key] for key in IMAGES if cells.get(key) is not None],
        question=str(cells.get("question") or ""),
        choices=[str(choice) for choice in cells.get("choices") or []],
        answer=cells.get("answer"),
        where=where,
        split=SPLITS.get(said[0]) if said else None,
        source="BLINK",
        extra=_extra(cells),
    )


def _extra(cells: dict[str, Any]) -> dict[str, Any]:
    kept = {"category": cells.get("sub_task"), "prompt": cells.get("prompt")}
    return {key: value for key, value in kept.items() if value}
