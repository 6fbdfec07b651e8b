"""Held-out questions with true and answered regions, chosen evenly from the best to the worst."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from groundsight.bench.records import NONE, ScoreLine, read_scores
from groundsight.core.errors import PictureError
from groundsight.core.types import SampleRegion
from groundsight.demo.page.embedding import jpeg_uri
from groundsight.vision.drawing import plain_text
from groundsight.vision.images import open_picture

NUM_SHOWN = 8
_MOST_TEXT = 1200


@dataclass(frozen=True, kw_only=True)
class ShownBox:
    """A box over a picture, in its pixels."""

    x: float
    y: float
    width: float
    height: float
    is_true: bool


@dataclass(frozen=True, kw_only=True)
class ShownPicture:
    """One picture of a question, small enough for the page."""

    uri: str
    width: int
    height: int
    boxes: tuple[ShownBox, ...]


@dataclass(frozen=True, kw_only=True)
class Exhibit:
    """One question.

    Args:
        question: what was asked, where the sample says.
        truth: in words.
        answers: model → what it said, in words.
        pictures: with the boxes of the last model.
        reply: what that one wrote.
    """

    question: str
    truth: str
    answers: dict[str, str]
    pictures: tuple[ShownPicture, ...]
    reply: str


def exhibits(bench: Path, models: Sequence[str]) -> list[Exhibit]:
    """Choose and draw.

    Args:
        bench: folder of the bench runs, one a model.
        models: names of the runs; boxes are those of the last.
    """
    lines = {
        name: {line.score.id: line for line in read_scores(bench / name, perturbation=NONE)}
        for name in models
    }
    shown = []
    for chosen in choose(list(lines[models[-1]].values())):
        said = {name: lines[name][chosen.score.id] for name in models}
        exhibit = _exhibit(chosen, said)
        if exhibit is not None:
            shown.append(exhibit)
    return shown


def choose(lines: Sequence[ScoreLine], num: int = NUM_SHOWN) -> list[ScoreLine]:
    """Evenly over the ranks: three of four with something to find, the rest without."""
    placed = [line for line in lines if line.known]
    others = [line for line in lines if not line.known]
    num_others = min(len(others), num // 4)
    return [*_spread(placed, num - num_others), *_spread(others, num_others)]


def _spread(lines: Sequence[ScoreLine], num: int) -> list[ScoreLine]:
    ranked = sorted(lines, key=lambda line: (-_worth(line), line.score.id))
    if num >= len(ranked):
        return ranked
    if num < 2:
        return ranked[:num]
    return [ranked[round(at * (len(ranked) - 1) / (num - 1))] for at in range(num)]


def _worth(line: ScoreLine) -> float:
    values = line.score.values
    return values.get("iou") or values.get("accuracy") or 0.0


def _exhibit(line: ScoreLine, said: dict[str, ScoreLine]) -> Exhibit | None:
    pictures = []
    for index, path in enumerate(line.images):
        try:
            picture = open_picture(path)
        except PictureError:
            return None
        pictures.append(
            ShownPicture(
                uri=jpeg_uri(picture.rgb),
                width=picture.width,
                height=picture.height,
                boxes=(*_boxes(line.known, index, True), *_boxes(line.said, index, False)),
            )
        )
    return Exhibit(
        question=plain_text(line.question or "", most=300),
        truth=_truth(line),
        answers={name: _answer(one) for name, one in said.items()},
        pictures=tuple(pictures),
        reply=(line.raw or "")[:_MOST_TEXT],
    )


def _boxes(regions: Sequence[SampleRegion], index: int, is_true: bool) -> list[ShownBox]:
    boxes = []
    for region in regions:
        if region.image_index == index:
            x0, y0, x1, y1 = region.xyxy
            boxes.append(ShownBox(x=x0, y=y0, width=x1 - x0, height=y1 - y0, is_true=is_true))
    return boxes


def _truth(line: ScoreLine) -> str:
    where = f"{len(line.known)} region{'s' if len(line.known) > 1 else ''}"
    if line.score.label is None:
        return where if line.known else "nothing to find"
    return f"edited, {where}" if line.score.label else "not edited"


def _answer(line: ScoreLine) -> str:
    iou = line.score.values.get("iou")
    placed = f", IoU {iou:.2f}" if iou is not None and line.known else ""
    if line.score.label is None:
        said = f"{len(line.said)} box{'es' if len(line.said) != 1 else ''}"
        return f"{said}{placed}" if line.score.parsed else "cannot be read"
    verdict = line.score.verdict
    return f"{verdict}{placed}" if verdict else f"no verdict{placed}"
