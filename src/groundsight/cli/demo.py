"""`groundsight demo`: the papers' whole pipeline on this machine, with nothing to download."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from groundsight.cli.asking import EXIT_INTERRUPTED

EXIT_FAULTS = 1


class DemoTask(StrEnum):
    """What the nano model learns."""

    GROUNDED_DETECTION = "grounded_detection"
    MULTI_IMAGE_GROUNDING = "multi_image_grounding"


class Size(StrEnum):
    """How much of everything."""

    FULL = "full"
    TENTH = "tenth"


def demo(
    task: Annotated[
        DemoTask, typer.Option(help="What the model learns: one picture, or several.")
    ] = DemoTask.GROUNDED_DETECTION,
    size: Annotated[
        Size, typer.Option(help="tenth shows that all fits together, and learns little.")
    ] = Size.FULL,
    photos: Annotated[
        list[Path] | None,
        typer.Option(metavar="PATH", help="Real photographs of your own, too; repeatable."),
    ] = None,
    teacher: Annotated[
        str,
        typer.Option(
            metavar="SPEC",
            help="Who writes the replies to learn from: rules:brief, rules, openai:BASE_URL#MODEL.",
        ),
    ] = "rules:brief",
    base: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Model folder to begin with, not the shipped nano base."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Root of every random stream.", min=0)] = 0,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Where to write; an earlier demo goes on.")
    ] = Path("demo"),
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Begin anew: an earlier demo in --out is removed.")
    ] = False,
    until: Annotated[
        str | None,
        typer.Option(
            metavar="STAGE",
            help="Stop after: detect, synth (neither needs torch), base, cold-start, sft, merge, "
            "curate, grpo, bench.",
        ),
    ] = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Afterwards see that every stage fits and that rewards rose, or end 1."
        ),
    ] = False,
    threads: Annotated[
        int,
        typer.Option(
            metavar="N", help="Of torch; the nano model is too small to gain from more.", min=1
        ),
    ] = 1,
) -> None:
    """Detect, synthesize, SFT, merge, rejection sampling, GRPO, bench: small, in minutes.

    Real photographs that ship inside scikit-image and scikit-learn are edited in known places; a
    nano model learns to find the edits. It is a teaching model, and no detector of AI pictures.
    Ctrl-C loses nothing: the same command goes on. Writes report.html, metrics.json and model/.
    """
    _use_threads(threads)
    from groundsight.demo.machine import keep_freed_memory
    from groundsight.demo.outline import remove_demo, run_demo
    from groundsight.demo.settings import DemoSettings

    settings = DemoSettings(
        task=task.value,
        size=size.value,
        photos=tuple(photos or ()),
        teacher=teacher,
        base=base,
        seed=seed,
    )
    keep_freed_memory()
    if overwrite:
        remove_demo(out)
    try:
        run_demo(settings, out, until=until, say=_say)
    except KeyboardInterrupt:
        _say("stopped: what is done is kept; the same command goes on")
        raise typer.Exit(EXIT_INTERRUPTED) from None
    if check:
        raise typer.Exit(_check(out))


def _say(line: str) -> None:
    typer.echo(line.encode("utf-8", "backslashreplace").decode())


def _use_threads(threads: int) -> None:
    """What torch reads when it is imported; nothing has imported it yet."""
    os.environ["OMP_NUM_THREADS"] = str(threads)


def _check(out: Path) -> int:
    from groundsight.demo.check import check_demo

    faults = check_demo(out)
    for fault in faults:
        _say(f"! {fault}")
    _say(f"{len(faults)} faults" if faults else "checked: every stage fits, and rewards rose")
    return EXIT_FAULTS if faults else 0
