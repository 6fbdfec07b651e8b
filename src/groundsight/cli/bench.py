"""`groundsight bench list|run|compare|attack`: the papers' tables, reproducible, with intervals."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from groundsight.cli import bench_attack
from groundsight.cli import engine_options as given
from groundsight.cli.asking import Format, tell, tell_cost, tell_end, work_through
from groundsight.cli.bench_attack import attack

if TYPE_CHECKING:
    from groundsight.bench.compare import Comparison
    from groundsight.bench.records import RunFile
    from groundsight.engines import EngineOptions

DONE = "answered"
app = typer.Typer(
    name="bench", help="Benchmarks: list, run, compare two runs, attack.", no_args_is_help=True
)
app.command("attack")(attack)

Formats = Annotated[Format, typer.Option(help="table for people, json for programs.")]
app.command("attack")(bench_attack.attack)


@app.command("list")
def list_suites(format: Formats = Format.TABLE) -> None:
    """The benchmarks: what they measure, what lies where, what was published."""
    from groundsight.cli.bench_printing import suite_lines, suite_tree
    from groundsight.cli.printing import print_lines
    from groundsight.suites import SUITES

    for number, name in enumerate(SUITES):
        if format is Format.JSON:
            print_lines(suite_tree(SUITES[name]))
        else:
            print_lines(*([""] if number else []), *suite_lines(SUITES[name]))


@app.command("perturbations")
def list_perturbations() -> None:
    """What can be done to pictures before they are shown: families, and their levels."""
    from groundsight.cli.printing import print_lines
    from groundsight.vision.perturbations import FAMILIES

    print_lines(*(f"{family:<12}{' '.join(names)}" for family, names in FAMILIES.items()))


@app.command("run")
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
    _print_run(record, format)
    if report and record.num_scored:
        _write_report(out)
    tell_cost(record.usage, options)
    left = [f"{n} {code}" for by in record.num_unanswered.values() for code, n in by.items()]
    if left:
        tell(f"not answered: {', '.join(left)}; see {out / 'unanswered.jsonl'}")
    raise typer.Exit(tell_end(left, done=DONE, interrupted=interrupted, stopped=bench.stopped))


@app.command("compare")
def compare(
    first: Annotated[Path, typer.Argument(metavar="A", help="Folder of a run.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="Folder of another.")],
    format: Formats = Format.TABLE,
) -> None:
    """Compare two runs: first what was measured otherwise, then what came out otherwise.

    Only samples that both have scored count; paired tests say whether a difference could be luck.
    """
    from groundsight.bench.compare import compare_runs

    comparison = compare_runs(first, second)
    _print_comparison(comparison, format)


def _print_run(record: "RunFile", format: Format) -> None:
    from groundsight.cli.bench_printing import run_lines
    from groundsight.cli.printing import print_lines

    if format is Format.JSON:
        print_lines(record.model_dump_json(by_alias=True, indent=2))
    else:
        print_lines(*run_lines(record))


def _print_comparison(comparison: "Comparison", format: Format) -> None:
    from groundsight.cli.bench_printing import comparison_lines
    from groundsight.cli.printing import print_lines

    if format is Format.JSON:
        print_lines(comparison.model_dump_json(indent=2))
    else:
        print_lines(*comparison_lines(comparison))


def _write_report(out: Path) -> None:
    from groundsight.bench.report import write_report

    tell(f"open {write_report(out).page}")
