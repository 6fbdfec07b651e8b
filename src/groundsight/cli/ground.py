"""`groundsight ground --image A --image B "instruction"`: which picture, and where in it."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from groundsight.cli import engine_options as given
from groundsight.core.errors import UsageError

if TYPE_CHECKING:
    from groundsight.engines import EngineOptions
    from groundsight.ground.grounding import Grounding
    from groundsight.ground.job import Found

EXIT_NO_ANSWER = 3


class Format(StrEnum):
    """How the answer is printed."""

    TEXT = "text"
    JSON = "json"


@given.takes_options(*given.LOADING, "max_new_tokens", *given.CALLING)
def ground(
    instruction: Annotated[
        str, typer.Argument(help="What to find; it may speak of image 1, image 2 and so on.")
    ],
    image: Annotated[
        list[str],
        typer.Option("--image", "-i", metavar="PATH", help="A picture; name one after another."),
    ],
    engine: Annotated[
        str, typer.Option(help="Who is asked: hf:MODEL_OR_DIR, openai:BASE_URL#MODEL, replay:FILE.")
    ] = "builtin",
    format: Annotated[
        Format, typer.Option(help="text for people, json: one object.")
    ] = Format.TEXT,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Also write grounding.json and sheet.png here."),
    ] = None,
    *,
    options: "EngineOptions",
) -> None:
    """Find, across pictures, the region that an instruction means.

    Boxes are in pixels of the picture that they lie in, after EXIF rotation. Exit status: 0 one box
    or nothing to find; 2 a mistake in the command; 3 no answer: a picture that cannot be read, no
    box, several boxes, or a box in a picture that is not there.
    """
    from groundsight.ground.job import ground_pictures, load_grounder

    model = load_grounder(engine, options)
    try:
        found = ground_pictures(image, instruction, model, max_new_tokens=options.max_new_tokens)
    finally:
        model.close()
    if out is not None:
        _write(out, found)
    _print(found.grounding, format)
    raise typer.Exit(0 if found.grounding.is_answered else EXIT_NO_ANSWER)


def _write(folder: Path, found: "Found") -> None:
    from groundsight.ground.sheet import draw_grounding

    try:
        folder.mkdir(parents=True, exist_ok=True)
        text = found.grounding.model_dump_json(by_alias=True, indent=2) + "\n"
        (folder / "grounding.json").write_text(text, encoding="utf-8")
        draw_grounding(found).save(folder / "sheet.png", "PNG", compress_level=1)
    except OSError as error:
        raise UsageError(f"cannot write to {folder}: {error.strerror or error}") from error
    print(f"open {folder / 'sheet.png'}", file=sys.stderr)


def _print(grounding: "Grounding", format: Format) -> None:
    from groundsight.cli.printing import print_lines

    if format is Format.JSON:
        print_lines(grounding.model_dump_json(by_alias=True, indent=2))
        return
    print_lines(*_lines(grounding))


def _lines(grounding: "Grounding") -> list[str]:
    from groundsight.ground.sheet import answer_words, region_words
    from groundsight.vision.drawing import plain_text

    lines = [] if grounding.regions else [answer_words(grounding)]
    for region in grounding.regions:
        path = plain_text(grounding.images[region.image_index].path, most=4000)
        lines.append(f"{region_words(region)}  {path}")
        if region.description:
            lines.append(f"  {plain_text(region.description)}")
    lines += [f"  problem     {plain_text(p.message)}" for p in grounding.problems]
    if grounding.think:
        lines.append(f"  because     {plain_text(grounding.think, most=1000)}")
    return lines
