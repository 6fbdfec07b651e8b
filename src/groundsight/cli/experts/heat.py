"""`groundsight experts heat`: where in pictures an expert sees what it says."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from groundsight.core.errors import UsageError

if TYPE_CHECKING:
    from groundsight.experts import Expert

EXIT_SOME_LEFT = 3


def heat(
    pictures: Annotated[
        list[str], typer.Argument(metavar="PATH…", help="Pictures, folders or globs.")
    ],
    expert: Annotated[
        str, typer.Option(metavar="NAME_OR_DIR", help="Row of experts list, or a trained folder.")
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the overlays are written.")],
    weights: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Published weights of the expert.")
    ] = None,
    backbone: Annotated[
        str | None, typer.Option(metavar="DIR", help="Tower of an expert that has one.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="A=B", help="A setting of the expert: grid=3."),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = "auto",
) -> None:
    """Draw over each picture what speaks for generated (orange) and for real (blue).

    Exit status: 0 all were drawn; 2 a mistake in the command; 3 some could not be read.
    """
    from groundsight.cli.asking import tell
    from groundsight.core.config import read_settings
    from groundsight.data.pictures import find_pictures
    from groundsight.experts import load_expert

    paths = find_pictures(pictures).paths
    chosen = read_settings(settings or [])
    loaded = load_expert(expert, weights=weights, backbone=backbone, device=device, settings=chosen)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--out {out}: {error.strerror or error}") from None
    problems = [problem for path in paths if (problem := _draw(loaded, str(path), out)) is not None]
    for problem in problems:
        tell(f"! {problem}")
    tell(f"{len(paths) - len(problems):,} of {len(paths):,} pictures drawn: {out}")
    raise typer.Exit(EXIT_SOME_LEFT if problems else 0)


def _draw(expert: "Expert", path: str, out: Path) -> str | None:
    """Write one overlay; gives what was wrong with the picture, if anything."""
    from PIL import Image

    from groundsight.core.errors import PictureError
    from groundsight.experts.heat import draw_heat, heat_map
    from groundsight.vision.images import open_picture

    try:
        picture = open_picture(path)
    except PictureError as error:
        return f"{path}: {error}"
    image: Any = Image.fromarray(picture.rgb)
    found = heat_map(expert, image)
    drawn = draw_heat(image, found, title=expert.card.title, name=Path(path).name)
    drawn.save(out / overlay_name(path, expert.card.name), compress_level=1)
    return None


def overlay_name(path: str, expert: str) -> str:
    """A file name for the overlay: ASCII, short, the same for the same path, no other's."""
    import re
    from hashlib import sha256

    stem = re.sub(r"[^A-Za-z0-9_-]+", "_", Path(path).stem)[:60].strip("_") or "picture"
    key = sha256(path.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{stem}-{key}.{expert}.png"
