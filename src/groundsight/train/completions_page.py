"""What a model wrote in training, drawn on the pictures: one page with overlays.

    write_completions(folder, shown)      # folder/completions.html, folder/completions/*.jpg

The page holds its pictures, so that it can be sent on. Replies are hostile text: they are escaped,
and no script may run.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from groundsight.core.errors import PictureError, UsageError
from groundsight.detect.page import data_uri
from groundsight.replies.place import AnswerRegion
from groundsight.rewards.base import Attempt
from groundsight.rewards.rubric import RubricScore
from groundsight.vision.drawing import Mark, Tone, draw_overlay, plain_text
from groundsight.vision.images import open_picture

PAGE, FOLDER = "completions.html", "completions"
MOST_CHARACTERS = 4000
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;"
    "color:#1f2937;background:#fff}article{border-top:1px solid #cbd5e1;padding:1rem 0}"
    "pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f1f5f9;padding:.8rem;"
    "border-radius:.4rem}img{max-width:100%;height:auto}td,th{text-align:left;padding:0 1rem 0 0}"
)


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One completion to show.

    Args:
        attempt: the reply and its question.
        score: what it earned.
        step: optimizer step at which it was sampled.
    """

    attempt: Attempt
    score: RubricScore
    step: int


def choose_shown(
    attempts: Sequence[Attempt], scores: Sequence[RubricScore], *, step: int, most: int = 8
) -> list[Shown]:
    """The best and the worst completion of each question, as many as are wanted."""
    by_question: dict[str, list[Shown]] = {}
    for attempt, score in zip(attempts, scores, strict=True):
        shown = Shown(attempt=attempt, score=score, step=step)
        by_question.setdefault(attempt.sample.id, []).append(shown)
    chosen = []
    for group in by_question.values():
        ranked = sorted(group, key=lambda one: one.score.total or 0.0, reverse=True)
        chosen += [ranked[0]] if len(ranked) == 1 else [ranked[0], ranked[-1]]
    return chosen[:most]


def write_completions(folder: Path, shown: Sequence[Shown], *, title: str) -> Path:
    """Write the page and its pictures.

    Args:
        folder: of the run.
        shown: in the order of the page.
        title: of the page.

    Returns:
        The page.
    """
    (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    articles = [_article(folder, number, one) for number, one in enumerate(shown)]
    page = folder / PAGE
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    page.write_text(
        "<!doctype html><html lang=en><meta charset=utf-8>"
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style><h1>{escape(title)}</h1>"
        f"{''.join(articles) or '<p>No completions yet.</p>'}</html>\n",
        encoding="utf-8",
        errors="backslashreplace",
    )
    return page


def _article(folder: Path, number: int, shown: Shown) -> str:
    attempt, score = shown.attempt, shown.score
    total = "not scored" if score.total is None else f"{score.total:.2f}"
    parts = "".join(
        f"<tr><th>{escape(name)}<td>{'–' if part is None else f'{part:.2f}'}"
        for name, part in score.parts.items()
    )
    text = attempt.reply.text
    cut = text[:MOST_CHARACTERS] + ("…" if len(text) > MOST_CHARACTERS else "")
    pictures = "".join(
        f'<p><img src="{data_uri(jpeg)}" alt="picture {i + 1} with the answered and true boxes">'
        for i, jpeg in enumerate(_draw(folder / FOLDER, number, shown))
    )
    return (
        f"<article><h2>{escape(plain_text(attempt.sample.id))}: reward {total}</h2>"
        f"<p>step {shown.step}<table>{parts}</table>{pictures}<pre>{escape(cut)}</pre></article>"
    )


def _draw(folder: Path, number: int, shown: Shown) -> list[bytes]:
    """Each picture of the question with its boxes, as JPEG; those that cannot be read are out."""
    drawn = []
    for index, image in enumerate(shown.attempt.sample.images):
        try:
            rgb = open_picture(image.path).rgb
        except PictureError:
            continue
        marks = _marks("answer", _answered(shown.attempt), index)
        marks += _marks("truth", _true(shown.attempt), index)
        total = "not scored" if shown.score.total is None else f"{shown.score.total:.2f}"
        overlay = draw_overlay(
            rgb,
            marks,
            title=f"reward {total}",
            subtitle=_said(shown.attempt),
            tone=_tone(shown),
            max_side_px=900,
        )
        path = folder / f"{number:03d}_{index + 1}.jpg"
        overlay.save(path, quality=85)
        drawn.append(path.read_bytes())
    return drawn


def _marks(word: str, regions: Sequence[AnswerRegion], index: int) -> list[Mark]:
    return [
        Mark(xyxy_px=region.xyxy_px, caption=f"{word}: {region.description}".rstrip(": "))
        for region in regions
        if region.image_index == index
    ]


def _answered(attempt: Attempt) -> Sequence[AnswerRegion]:
    try:
        return attempt.regions
    except UsageError:
        return ()


def _true(attempt: Attempt) -> Sequence[AnswerRegion]:
    try:
        return attempt.question.gold.regions
    except UsageError:
        return ()


def _said(attempt: Attempt) -> str:
    verdict = attempt.reply.verdict
    return attempt.sample.id if verdict is None else f"{attempt.sample.id}: {verdict}"


def _tone(shown: Shown) -> Tone:
    gold_pays = shown.score.total is not None and shown.score.total > 0
    return "calm" if gold_pays else "unsure"
