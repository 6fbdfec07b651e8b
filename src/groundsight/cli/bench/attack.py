"""`groundsight bench attack`: accuracy over ε of a detector whose weights the attacker holds."""

from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from groundsight.cli import engine_options as given
from groundsight.cli.asking import (
    EXIT_INTERRUPTED,
    EXIT_SOME_LEFT,
    Format,
    Formats,
    draw_if_possible,
    print_found,
    tell,
    work_through,
)
from groundsight.cli.sample_options import Pictures, Source
from groundsight.core.errors import UsageError

if TYPE_CHECKING:
    from groundsight.bench.attack.records import AttackFile, AttackSettings
    from groundsight.bench.attack.run import AttackRun
    from groundsight.bench.attack.victim import Victim
    from groundsight.core.types import Sample
    from groundsight.engines import EngineOptions


@given.takes_options(*given.LOADING, "max_new_tokens")
def attack(
    data: Annotated[
        Path,
        typer.Argument(metavar="DATA", help="Labelled: samples, a table, or a folder real/fake."),
    ],
    engine: Annotated[
        str,
        typer.Option(metavar="SPEC", help="Who is attacked: expert:NAME_OR_DIR or hf:DIR."),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Gets the lines, figures and plot.")],
    method: Annotated[str, typer.Option(help="fgsm (one step) or pgd.")] = "pgd",
    levels: Annotated[
        str, typer.Option(metavar="N,N,…", help="ε in grey levels of 255, rising.")
    ] = "0,1,2,4,8",
    steps: Annotated[int, typer.Option(help="Of PGD.", min=1)] = 10,
    restarts: Annotated[int, typer.Option(help="Of PGD, from random pixels.", min=0)] = 0,
    codec: Annotated[
        str, typer.Option(help="Of the file that is judged: png, jpeg-QUALITY, webp-QUALITY.")
    ] = "png",
    through_codec: Annotated[
        bool,
        typer.Option(
            "--through-codec/--codec-unknown",
            help="Whether the attacker knows a lossy codec and steps at what the file looks like.",
        ),
    ] = True,
    aim: Annotated[str, typer.Option(help="At a reasoner's verdict, boxes, or both.")] = "verdict",
    num: Annotated[
        int | None, typer.Option(metavar="N", help="The first N samples alone.", min=1)
    ] = None,
    seed: Annotated[int, typer.Option(help="Of random starts.")] = 0,
    source: Source = None,
    pictures: Pictures = None,
    weights: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Published weights of an expert.")
    ] = None,
    backbone: Annotated[
        str | None, typer.Option(metavar="DIR", help="Tower of an expert that has one.")
    ] = None,
    set: Annotated[
        list[str] | None, typer.Option(metavar="A=B", help="A setting of an expert: grid=2.")
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the attacked pictures as they were judged.")
    ] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with what --out holds.")] = False,
    format: Formats = Format.TABLE,
    *,
    options: "EngineOptions",
) -> None:
    """Attack a detector with its own gradient, and judge the files: accuracy over ε.

    FGSM or PGD within ε of every pixel, through the network and all pre-processing. Exit status: 0
    every picture was attacked; 2 a mistake in the command; 3 some could not be opened or asked
    about (they are counted, not scored); 130 after Ctrl-C, with the figures of what was done.
    """
    from groundsight.bench.attack.run import start_attack

    settings = _settings(
        method=method,
        levels=_levels(levels),
        steps=steps,
        restarts=restarts,
        codec=codec,
        through_codec=through_codec,
        aim=aim,
        seed=seed,
    )
    samples = _samples(data, source, pictures, num)
    victim = _victim(engine, options, settings, weights, backbone, set or [])
    run = start_attack(samples, victim, out, settings, resume=resume, keep=keep)
    raise typer.Exit(_work_through(run, out, format))


def _work_through(run: "AttackRun", out: Path, format: Format) -> int:
    from groundsight.bench.attack.plot import save_accuracy
    from groundsight.bench.attack.records import PLOT_FILE

    with run:
        stopped = work_through(run, total=run.num_total, num_done=run.num_done, done="attacked")
        found = run.finish()
    draw_if_possible(lambda: save_accuracy(found, out / PLOT_FILE))
    print_found(found, format, lambda: _table(found))
    if found.num_left:
        tell(f"{found.num_left:,} pictures could not be attacked: see {out / 'attacks.jsonl'}")
    if stopped:
        tell("stopped: what was attacked is kept; the same command with --resume goes on")
        return EXIT_INTERRUPTED
    return EXIT_SOME_LEFT if found.num_left else 0


def _table(found: "AttackFile") -> list[str]:
    lines = [f"{'ε/255':>6}{'accuracy':>10}  {'95% interval':<16}{'real':>6}{'fake':>6}{'IoU':>6}"]
    for one in found.figures:
        low, high = one.interval
        cells = (one.accuracy_real, one.accuracy_fake, one.mean_region_iou)
        told = "".join(f"{'-' if cell is None else format(cell, '.2f'):>6}" for cell in cells)
        lines.append(f"{one.level:>6}{one.accuracy:>10.3f}  {f'{low:.3f} to {high:.3f}':<16}{told}")
    return lines


def _settings(**values: Any) -> "AttackSettings":
    from groundsight.bench.attack.records import AttackSettings
    from groundsight.core.config import validate_config

    return validate_config(AttackSettings, values, where="bench attack")


def _levels(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--levels reads whole grey levels: 0,1,2,4,8; got {text!r}") from None


def _samples(
    data: Path, source: str | None, pictures: Path | None, num: int | None
) -> Callable[[], Iterable["Sample"]]:
    from groundsight.data.sources import load_source
    from groundsight.train.experts.data import guess_source

    loaded = load_source(source or guess_source(data), data, pictures=pictures)
    return lambda: islice(loaded.samples(), num)


def _victim(
    engine: str,
    options: "EngineOptions",
    settings: "AttackSettings",
    weights: Path | None,
    backbone: str | None,
    changed: list[str],
) -> "Victim":
    kind, _, name = engine.partition(":")
    if kind == "expert" and name:
        from groundsight.bench.attack.victim import ExpertVictim
        from groundsight.core.config import read_settings
        from groundsight.experts import load_expert

        return ExpertVictim(
            load_expert(
                name,
                weights=weights,
                backbone=backbone,
                device=options.device,
                settings=read_settings(changed),
            )
        )
    if kind == "hf" and name:
        from groundsight.bench.attack.reasoner import ReasonerVictim
        from groundsight.engines.hf.model import load_chosen

        loaded = load_chosen(name, options)
        return ReasonerVictim(loaded, aim=settings.aim, max_new_tokens=options.max_new_tokens)
    raise UsageError(
        f"--engine {engine}: a gradient is needed, which expert:NAME_OR_DIR and hf:DIR have"
    )
