"""MGrounding-630k: conversations whose answers hold boxes, several questions on the same pictures.

A row has `id`, `type` ("gg_train"), `images` and `conversations`: turns `{from, value}` of human
and gpt. An answer is like "It's in the third image. <|box_start|>(316,58),(764,999)<|box_end|>".

Each question and its answer is one sample [choice]: in the published rows a question names what it
asks for and does not lean on the one before. Boxes are Qwen2-VL's, 0 to 1000 of their picture.

Which picture a box lies in [choice]: what the answer says; else, where there are as many boxes as
pictures, one in each, in order; else the picture that the question names last; else, of one
picture, that one. Where none of these tells it, the row is a fault. Answers without a box (region
captions, `_gg_reg_40k.json`) are no grounding questions: they are left out and counted.
"""

import re
from collections.abc import Iterator
from typing import Any, ClassVar

from groundsight.core.errors import UsageError
from groundsight.core.types import ImageRef, Sample, SampleRegion
from groundsight.data.annotations import field, placed_rows, under
from groundsight.data.samples import SampleRow
from groundsight.data.sources.base import Source, named_files, row_of
from groundsight.data.sources.mig_bench import QUESTION_FRAME
from groundsight.replies.image_mentions import find_mentions
from groundsight.replies.regions import ReplyRegion, scan_regions
from groundsight.replies.sections import Layout

_REFERENCE = re.compile(r"<\|object_ref_(?:start|end)\|>")
_PER_MILLE = 1000.0


class MGrounding(Source):
    """MGrounding-630k as the hub stores it: one JSON file, or a folder of the tasks' files."""

    layout: ClassVar[str] = "MGrounding-630k.json or one task's file; or a folder of such"
    tasks: ClassVar[tuple[str, ...]] = ("multi_image_grounding",)
    origin: ClassVar[str] = "MGrounding-630k of Migician (arXiv 2501.05767), its data card"

    def rows(self) -> Iterator[SampleRow]:
        """A row for every question; read one conversation at a time."""
        for file in named_files(self.path, (".json",)):
            for where, row in placed_rows(file):
                yield from self._rows_of(row, where)

    def _rows_of(self, row: dict[str, Any], where: str) -> Iterator[SampleRow]:
        try:
            turns = field(row, "conversations", list, where)
            if len(turns) % 2 or not turns:
                raise UsageError(f"{where}: expected questions and answers in turn")
            texts = [_said(turn, i, where) for i, turn in enumerate(turns)]
        except UsageError as error:
            yield SampleRow(where, fault=str(error).removeprefix(f"{where}: "))
            return
        for turn in range(len(texts) // 2):
            question, answer = texts[2 * turn], texts[2 * turn + 1]
            place = f"{where}, question {turn + 1}"
            boxes = scan_regions(answer, Layout((), ())).regions
            if not boxes:
                yield SampleRow(place, left_out="an answer without a box")
                continue
            yield row_of(place, self._sample, row, question, boxes, turn, place)

    def _sample(
        self,
        row: dict[str, Any],
        question: str,
        boxes: tuple[ReplyRegion, ...],
        turn: int,
        where: str,
    ) -> Sample:
        images = field(row, "images", list, where)
        indices = _pictures_of(boxes, question, len(images), where)
        kind = row.get("type")
        return Sample(
            id=f"mgrounding/{kind}/{row.get('id')}/{turn}",
            images=tuple(ImageRef(path=under(self.root, str(image))) for image in images),
            task="multi_image_grounding",
            question=question,
            regions=tuple(
                _region(box, index, where) for box, index in zip(boxes, indices, strict=True)
            ),
            split="train",
            source="MGrounding-630k",
            extra={"task": kind, "question_frame": QUESTION_FRAME},
        )


def _said(turn: Any, number: int, where: str) -> str:
    speaker = ("human", "gpt")[number % 2]
    if not isinstance(turn, dict) or turn.get("from") != speaker:
        raise UsageError(f"{where}: turn {number + 1} should be from {speaker}")
    text = field(turn, "value", str, where)
    return _REFERENCE.sub("", text.replace("<image>", "")).strip()


def _pictures_of(
    boxes: tuple[ReplyRegion, ...], question: str, num_images: int, where: str
) -> list[int]:
    said = [box.image_index for box in boxes]
    named = [mention.image_index for mention in find_mentions(question)]
    if None in said:
        if said == [None] * num_images:
            said = list(range(num_images))
        elif said == [None] * len(said) and (named or num_images == 1):
            said = [named[-1] if named else 0] * len(said)
    indices = [index for index in said if index is not None and 0 <= index < num_images]
    if len(indices) != len(boxes):
        raise UsageError(f"{where}: cannot tell in which of {num_images} pictures the boxes lie")
    return indices


def _region(box: ReplyRegion, index: int, where: str) -> SampleRegion:
    x0, y0, x1, y1 = (number / _PER_MILLE for number in box.xyxy)
    if not (0 <= x0 < x1 <= 1 and 0 <= y0 < y1 <= 1):
        raise UsageError(f"{where}: no box in 0 to 1000: {box.xyxy}")
    return SampleRegion(image_index=index, xyxy=(x0, y0, x1, y1), frame="xyxy_unit")
