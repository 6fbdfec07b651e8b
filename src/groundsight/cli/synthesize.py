"""`groundsight synthesize SAMPLES --teacher SPEC --out DIR`: cold-start data from a teacher."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from groundsight.cli import engine_options as given
from groundsight.cli.asking import (
    Format,
    Formats,
    draw_if_possible,
    options_in,
    print_found,
    tell,
    tell_cost,
    tell_end,
    work_through,
)

if TYPE_CHECKING:
    from groundsight.engines import EngineOptions
    from groundsight.prepare.synthesize import Funnel, SynthesisSettings

DONE = "judged"
_limit = options_in("Filters")


@given.takes_options(*given.LOADING, "batch_size", *given.CALLING, *given.PRICES)
def synthesize(
    samples: Annotated[
        Path,
        typer.Argument(metavar="SAMPLES", help="Samples with their truth: .jsonl or .parquet."),
    ],
    teacher: Annotated[
        str,
        typer.Option(
            metavar="SPEC",
            help="Who writes: openai:BASE_URL#MODEL, hf:MODEL_OR_DIR, replay:FILE, or "
            "without a model, for demos: rules, rules:brief.",
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            metavar="DIR",
            help="Gets kept.jsonl, rejected.jsonl, unscored.jsonl, the funnel.",
        ),
    ],
    candidates: Annotated[
        int | None,
        typer.Option(metavar="N", help="Replies a sample, the best is kept; default 1.", min=1),
    ] = None,
    max_samples: Annotated[
        int | None, typer.Option(metavar="N", help="Only the first N samples.", min=1)
    ] = None,
    pictures: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where relative picture paths start; default: SAMPLES'."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with what --out holds; retry the unscored.")
    ] = False,
    format: Formats = Format.TABLE,
    min_iou: Annotated[
        float | None, _limit("Least IoU with the known boxes; default 0.7.", min=0, max=1)
    ] = None,
    min_words: Annotated[int | None, _limit("Least words of prose; default 20.", min=1)] = None,
    max_words: Annotated[int | None, _limit("Most words of prose; default 1000.", min=1)] = None,
    max_similarity: Annotated[
        float | None,
        _limit("Likeness to a kept reply that is too much; default 0.8, 1: off.", min=0, max=1),
    ] = None,
    max_null_fields: Annotated[
        int | None,
        _limit("How many fields of steps 2 and 3 may be null; default 2.", min=0, max=10),
    ] = None,
    language: Annotated[
        str | None, _limit("Of the prose: en (default), de, fr, es, ru, zh, any.", metavar="CODE")
    ] = None,
    max_new_tokens: given.MaxNewTokens = None,
    temperature: Annotated[
        float | None,
        typer.Option(
            help="Of the draws with --candidates; default 0.7. One reply is greedy.",
            rich_help_panel=given.PANEL,
            show_default=False,
        ),
    ] = None,
    seed: given.Seed = None,
    *,
    options: "EngineOptions",
) -> None:
    """Have a teacher write reasoning towards known answers, and keep what passes the filters.

    The teacher is told the truth and ordered not to let it show; what it writes is filtered, and
    kept replies go into kept.jsonl, which `groundsight train sft` reads as it is. Exit status: 0
    every sample was judged; 2 a mistake in the command; 3 some samples were not scored (a picture
    that cannot be read, no truth, a server that failed): --resume tries them again.
    """
    from groundsight.prepare.synthesize import load_teacher, start_synthesis

    settings = _settings(
        candidates=candidates,
        temperature=temperature,
        max_new_tokens=max_new_tokens,
        seed=seed,
        min_iou=min_iou,
        min_words=min_words,
        max_words=max_words,
        max_similarity=max_similarity,
        max_null_fields=max_null_fields,
        language=language,
    )
    writer = load_teacher(teacher, options, settings)
    try:
        with start_synthesis(
            samples,
            writer,
            settings,
            out=out,
            resume=resume,
            max_samples=max_samples,
            pictures=pictures,
        ) as run:
            interrupted = work_through(
                run, total=run.plan.num_samples, num_done=run.plan.num_done, done=DONE
            )
            funnel = run.funnel()
    finally:
        writer.close()
    _draw(funnel, out)
    print_found(funnel, format, lambda: [*_table(funnel), "", funnel.line])
    tell_cost(funnel.usage, options)
    raise typer.Exit(_tell_end(funnel, out, interrupted=interrupted, stopped=run.stopped))


def _settings(**wanted: Any) -> "SynthesisSettings":
    from groundsight.core.config import validate_config
    from groundsight.prepare.synthesize import SynthesisSettings

    tree = {name: value for name, value in wanted.items() if value is not None}
    return validate_config(SynthesisSettings, tree, where="synthesize")


def _draw(funnel: "Funnel", out: Path) -> None:
    from groundsight.prepare.synthesize.folder import PLOT_FILE
    from groundsight.prepare.synthesize.funnel_plot import save_funnel

    draw_if_possible(lambda: save_funnel(funnel, out / PLOT_FILE))


def _table(funnel: "Funnel") -> list[str]:
    """The funnel as text; rich lays it out, for a terminal of any width."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="")
    table.add_column("filter")
    table.add_column("a reply is")
    for column in ("samples left", "lost", "replies left", "lost"):
        table.add_column(column, justify="right")
    table.add_row("", "scored", f"{funnel.num_scored:,}", "", f"{funnel.num_candidates:,}", "")
    for stage in funnel.stages:
        samples = (f"{stage.num_samples:,}", f"-{stage.num_samples_lost:,}")
        replies = (f"{stage.num_candidates:,}", f"-{stage.num_candidates_lost:,}")
        table.add_row(stage.name, stage.passes, *samples, *replies)
    console = Console(width=100, color_system=None)
    with console.capture() as captured:
        console.print(table)
    return [line.rstrip() for line in captured.get().splitlines()]


def _tell_end(funnel: "Funnel", out: Path, *, interrupted: bool, stopped: str | None) -> int:
    """Say where the result is and what is left; gives the exit status."""
    from groundsight.prepare.synthesize.folder import KEPT_FILE

    if funnel.num_kept:
        tell(f"samples to train on: {out / KEPT_FILE}")
    return tell_end(funnel.unscored, done=DONE, interrupted=interrupted, stopped=stopped)
