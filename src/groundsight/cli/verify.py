"""`groundsight verify BUNDLE`: is it whole, and does a run say today what it said then?"""

import json as json_module
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from groundsight.core.errors import UsageError

if TYPE_CHECKING:
    from groundsight.detect.verify import Finding, Verification

EXIT_DIFFERS = 3


class Format(StrEnum):
    """How the outcome is printed."""

    TEXT = "text"
    JSON = "json"


def verify(
    bundle: Annotated[Path, typer.Argument(help="Folder or .zip that detect --bundle wrote.")],
    picture: Annotated[
        list[str] | None,
        typer.Option(
            "--picture",
            "-p",
            metavar="PATH",
            help="The pictures, or their folder, where the bundle does not hold them.",
        ),
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option(help="Who is asked again; needed where the bundle is not of builtin."),
    ] = None,
    adapter: Annotated[
        str | None, typer.Option(help="LoRA adapter, where the run had one (hf).")
    ] = None,
    expert: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME|DIR", help="Who gave second opinions, where the run had such; repeatable."
        ),
    ] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda, cuda:1, mps (hf).")] = None,
    tolerance: Annotated[
        float | None, typer.Option(help="Numbers that differ by no more are the same [1e-4].")
    ] = None,
    format: Annotated[Format, typer.Option(help="text for people, json: one object.")] = (
        Format.TEXT
    ),
) -> None:
    """Check a case bundle's files, run its pictures again and tell everything that differs.

    Exit status: 0 the same; 2 a mistake in the command, or a bundle that is refused; 3 something
    differs.
    """
    from groundsight.cli.printing import print_lines
    from groundsight.detect.verify import TOLERANCE, Verify, verify_bundle

    if tolerance is not None and not 0 <= tolerance < 1:
        raise UsageError(f"--tolerance must be from 0 to below 1, got {tolerance:g}")
    found = verify_bundle(
        bundle,
        Verify(
            pictures=tuple(picture or ()),
            engine=engine,
            adapter=adapter,
            experts=tuple(expert or ()),
            device=device,
            tolerance=TOLERANCE if tolerance is None else tolerance,
        ),
    )
    if format is Format.JSON:
        print_lines(found.model_dump_json(indent=2))
    else:
        print_lines(*_lines(found))
    raise typer.Exit(0 if found.is_same else EXIT_DIFFERS)


def _lines(found: "Verification") -> list[str]:
    from groundsight.vision.drawing import plain_text

    lines = [_line(finding) for finding in found.findings]
    words = "the same" if found.is_same else f"{len(found.findings)} differences"
    lines.append(
        f"{plain_text(found.bundle, most=4000)}: {words}; {found.num_compared} of "
        f"{found.num_cases} pictures examined again; manifest SHA-256 {found.manifest_sha256}"
    )
    return lines


def _line(finding: "Finding") -> str:
    from groundsight.vision.drawing import plain_text

    case = f"{plain_text(finding.case)}: " if finding.case is not None else ""
    was, now = (
        plain_text(json_module.dumps(value, ensure_ascii=False), most=200)
        for value in (finding.was, finding.now)
    )
    return f"{finding.stage:<8}{case}{plain_text(finding.place)}: {was} in the bundle, {now} now"
