"""`groundsight bench run`: a benchmark asked, scored and reported."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from groundsight.cli import engine_options as given
from groundsight.cli.asking import (
    Format,
    Formats,
    print_found,
    tell,
    tell_cost,
    tell_end,
    work_through,
)

if TYPE_CHECKING:
    from groundsight.engines import EngineOptions

DONE = "answered"


@given.takes_options(
    *given.LOADING,
    *("batch_size", "max_new_tokens", "samples", "temperature", "with_evidence", "structured"),
    *given.CALLING,
    *given.PRICES,
)
def run(
    suite: Annotated[
        str,
        typer.Argument(metavar="SUITE", help="A row of `groundsight bench list`, or module:NAME."),
    ],
    data: Annotated[Path, typer.Option(metavar="PATH", help="Its folder or file.")],
    out: Annotated[
        Path,
        typer.Option(metavar="DIR", help="Gets run.json, scores.jsonl, the report and its plots."),
    ],
    pictures: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where picture paths start; default: beside --data."),
    ] = None,
    engine: Annotated[
        str,
        typer.Option(
            metavar="SPEC",
            help="Who answers: builtin, expert:NAME_OR_DIR, hf:MODEL_OR_DIR, "
            "openai:BASE_URL#MODEL, replay:FILE of recorded replies.",
        ),
    ] = "builtin",
    num: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Draw N samples; a larger draw of this seed holds these.", min=1
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(help="Of the draw, of perturbations, and of drawn replies.")
    ] = 0,
    perturb: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Also under this one or this family, e.g. jpeg-75, blur, all; may be repeated "
            "(`groundsight bench perturbations`).",
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(help="Processes, for engines that ask no model; default one a core.", min=1),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on with what --out holds, or only work it out anew."),
    ] = False,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Run what is there where pictures are missing.")
    ] = False,
    set: Annotated[
        list[str] | None,
        typer.Option(metavar="A=B", help="A setting of the suite's source; may be repeated."),
    ] = None,
    report: Annotated[
        bool, typer.Option("--report/--no-report", help="report.html, .md, .tex and the plots.")
    ] = True,
    format: Formats = Format.TABLE,
    *,
    options: "EngineOptions",
) -> None:
    """Run a benchmark: every sample asked and scored once, figures with 95% intervals.

    Works with any engine or expert; under perturbations it gives robustness curves. Exit status: 0
    every sample was answered; 2 a mistake in the command; 3 some were not (they are listed in
    unanswered.jsonl and are no part of the figures); 130 after Ctrl-C, with the figures of what was
    done. --resume goes on, nothing lost or asked twice.
    """
    from groundsight.bench.run import Job, start_bench
    from groundsight.cli.bench.printing import run_lines
    from groundsight.engines import asks_model

    if asks_model(engine) and seed:
        options = options.model_copy(update={"seed": seed})
    job = Job(
        suite=suite,
        data=data,
        out=out,
        pictures=pictures,
        settings=tuple(set or ()),
        engine=engine,
        options=options,
        num=num,
        seed=seed,
        perturbations=tuple(perturb or ()),
        num_workers=workers,
        resume=resume,
        allow_missing=allow_missing,
    )
    with start_bench(job) as bench:
        interrupted = work_through(bench, total=bench.num_total, num_done=bench.num_held, done=DONE)
        record = bench.finish(interrupted=interrupted)
    print_found(record, format, lambda: run_lines(record))
    if report and record.num_scored:
        _write_report(out)
    tell_cost(record.usage, options)
    left = [f"{n} {code}" for by in record.num_unanswered.values() for code, n in by.items()]
    if left:
        tell(f"not answered: {', '.join(left)}; see {out / 'unanswered.jsonl'}")
    raise typer.Exit(tell_end(left, done=DONE, interrupted=interrupted, stopped=bench.stopped))


def _write_report(out: Path) -> None:
    from groundsight.bench.report import write_report

    tell(f"open {write_report(out).page}")
