"""MMIU: 52 tasks over several pictures, multiple choice.

Parquet as the hub stores it: `task`, `visual_input_component`, `source`, `options`
("A: … B: …"), `question`, `context` (which repeats the options), `input_image_path` (paths below
the folder that the archives unpack to), `output` ("B"). Or VLMEvalKit's table.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from groundsight.core.errors import UsageError
from groundsight.core.types import Sample
from groundsight.data.annotations import under
from groundsight.data.samples import SampleRow
from groundsight.data.sources.base import Source
from groundsight.data.sources.choices import choice_sample, question_rows, split_options
from groundsight.data.tables import TableRow

IMAGES = "input_image_path"


class MMIU(Source):
    """MMIU's Parquet file, or VLMEvalKit's table of it. `extra["category"]` is the task."""

    layout: ClassVar[str] = "all.parquet or a folder of such, or MMIU.tsv"
    tasks: ClassVar[tuple[str, ...]] = ("multiple_choice",)
    origin: ClassVar[str] = "MMIU (arXiv 2408.02718), the hub's FanqingM/MMIU-Benchmark"

    def rows(self) -> Iterator[SampleRow]:
        """A row for every question."""
        return question_rows(self, "MMIU", (IMAGES,), self._sample)

    def _sample(self, row: TableRow, file: Path, where: str) -> Sample:
        cells = row.cells
        paths = cells.get(IMAGES)
        if not isinstance(paths, list):
            raise UsageError(f"{where}: {IMAGES} should be a list of paths")
        options = str(cells.get("options") or "")
        return choice_sample(
            name=f"mmiu/{cells.get('task')}/{file.stem}/{row.number}",
            images=[_whole(path, self.root) for path in paths],
            question=_question(cells, options),
            choices=split_options(options, where),
            answer=cells.get("output"),
            where=where,
            split="test",
            source="MMIU",
            extra={
                "category": cells.get("task"),
                "input": cells.get("visual_input_component"),
                "from": cells.get("source"),
            },
        )


def _whole(path: Any, root: Path) -> str:
    text = str(path or "")
    return text if "::" in text else under(root, text)


def _question(cells: dict[str, Any], options: str) -> str:
    """Context and question; the options at the context's end are the choices already."""
    context = str(cells.get("context") or "").strip()
    listed = " ".join(options.split())
    spaced = " ".join(context.split())
    if listed and spaced.endswith(listed):
        context = spaced.removesuffix(listed).strip()
    return "\n".join(text for text in (context, str(cells.get("question") or "")) if text)
