"""The worst mistakes as a page shows them: pictures with the true and the answered regions."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

from groundsight.bench.records import NONE, RunFile, ScoreLine
from groundsight.bench.report.gather import UNREAD, Mistake
from groundsight.bench.report.naming import heading, shown
from groundsight.core.errors import GroundsightError
from groundsight.core.types import SampleRegion, Verdict
from groundsight.data.packed import open_image
from groundsight.vision.boxes import Boxes
from groundsight.vision.drawing import draw_thumbnail, plain_text
from groundsight.vision.frames import PictureSize, convert
from groundsight.vision.images import Picture, decode_picture
from groundsight.vision.perturbations import perturb

TRUE, SAID = "true", "said"
THUMBNAIL_PX = 420
THUMBNAIL_QUALITY = 80
MOST_BOXES = 30
MOST_PICTURES = 8
MOST_CHARACTERS = 4000
_SAID_ALREADY = ("accuracy", "decided", "acc@", "strict_")
"Begins values that follow from the truth and the answer, or from the IoU."
_WORDS = {1: "AI-generated", 0: "real"}


@dataclass(frozen=True)
class Box:
    """A region over a picture, in per cent of its sides.

    Args:
        kind: "true" or "said".
        number: under which its description stands.
    """

    kind: str
    number: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, kw_only=True)
class PictureCard:
    """One picture of a sample.

    Args:
        path: as the data set has it.
        jpeg: a thumbnail; None where the picture cannot be read.
        boxes: over it.
        problem: why there is no thumbnail.
    """

    path: str
    jpeg: bytes | None = None
    boxes: tuple[Box, ...] = ()
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class Region:
    """A region's line below the pictures."""

    kind: str
    number: int
    description: str
    image_index: int


@dataclass(frozen=True, kw_only=True)
class MistakeCard:
    """All that is shown of a mistake."""

    id: str
    groups: str
    question: str
    truth: str
    answer: str
    is_read: bool
    values: tuple[tuple[str, str], ...]
    pictures: tuple[PictureCard, ...]
    num_more_pictures: int
    regions: tuple[Region, ...]
    num_more_regions: int
    raw: str
    problems: tuple[str, ...]


def mistake_card(mistake: Mistake, run: RunFile) -> MistakeCard:
    """Draw and word one mistake; what cannot be shown is said.

    Args:
        mistake: of a run.
        run: which; it tells the seed of the perturbation.
    """
    line = mistake.line
    numbered = _numbered(line)
    score = line.score
    return MistakeCard(
        id=plain_text(score.id),
        groups=", ".join(f"{name}: {plain_text(of)}" for name, of in score.groups.items()),
        question=plain_text(line.question or "", most=1000),
        truth="" if score.label is None else _WORDS[score.label],
        answer=_answer(line),
        is_read=score.parsed,
        values=tuple(
            (heading(name), shown(value, name))
            for name, value in score.values.items()
            if value is not None and not name.startswith(_SAID_ALREADY)
        ),
        pictures=tuple(
            _picture_card(line, index, numbered, _seed(run))
            for index in range(min(len(line.images), MOST_PICTURES))
        ),
        num_more_pictures=max(0, len(line.images) - MOST_PICTURES),
        regions=tuple(
            Region(
                kind=kind,
                number=number,
                description=plain_text(region.description, most=400),
                image_index=region.image_index,
            )
            for kind, number, region in numbered
        ),
        num_more_regions=len(line.known) + len(line.said) - len(numbered),
        raw=_cut(line.raw or ""),
        problems=tuple(plain_text(problem.message) for problem in line.problems),
    )


def _numbered(line: ScoreLine) -> list[tuple[str, int, SampleRegion]]:
    """True regions, then those of the answer; each kind counts from 1."""
    kinds: Sequence[tuple[str, tuple[SampleRegion, ...]]] = ((TRUE, line.known), (SAID, line.said))
    return [
        (kind, number, region)
        for kind, regions in kinds
        for number, region in enumerate(regions[:MOST_BOXES], 1)
    ]


def _answer(line: ScoreLine) -> str:
    score = line.score
    if score.verdict is None:
        return "" if score.parsed else UNREAD
    sure = "" if score.p_fake is None else f", p_fake {score.p_fake:.2f}"
    undecided = score.verdict is Verdict.INCONCLUSIVE
    return f"{score.verdict}{sure}{' (decided at 0.5)' if undecided and sure else ''}"


def _picture_card(
    line: ScoreLine,
    index: int,
    numbered: Sequence[tuple[str, int, SampleRegion]],
    seed: int,
) -> PictureCard:
    path = line.images[index]
    try:
        picture = _as_shown(path, line.perturbation, seed)
    except GroundsightError as error:
        return PictureCard(path=plain_text(path), problem=plain_text(str(error)))
    buffer = io.BytesIO()
    draw_thumbnail(picture.rgb, THUMBNAIL_PX).save(buffer, "JPEG", quality=THUMBNAIL_QUALITY)
    size = PictureSize(picture.width, picture.height)
    boxes = tuple(
        _box(kind, number, region, size)
        for kind, number, region in numbered
        if region.image_index == index
    )
    return PictureCard(path=plain_text(path), jpeg=buffer.getvalue(), boxes=boxes)


def _as_shown(path: str, perturbation: str, seed: int) -> Picture:
    picture = open_image(path)
    if perturbation == NONE:
        return picture
    return decode_picture(perturb(picture, perturbation, seed=seed).data, picture.path)


def _box(kind: str, number: int, region: SampleRegion, size: PictureSize) -> Box:
    boxes = Boxes.px([region.xyxy]) if region.frame == "xyxy_px" else Boxes.unit([region.xyxy])
    unit = convert(boxes, "xyxy_unit", size).ordered().clipped(1.0, 1.0)
    x0, y0, x1, y1 = (round(100 * value, 2) for value in unit.xyxy[0].tolist())
    return Box(kind, number, x0, y0, round(x1 - x0, 2), round(y1 - y0, 2))


def _seed(run: RunFile) -> int:
    section = run.fingerprint.get("perturbations")
    seed = section.get("seed") if isinstance(section, dict) else None
    return seed if isinstance(seed, int) else 0


def _cut(text: str) -> str:
    lines = (plain_text(line, most=MOST_CHARACTERS) for line in text[:MOST_CHARACTERS].split("\n"))
    return "\n".join([*lines, "… (cut)"] if len(text) > MOST_CHARACTERS else lines)
