"""`groundsight curate SAMPLES --engine SPEC --recipe R --out DIR`: questions worth training on."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
from groundsight.core.errors import UsageError

if TYPE_CHECKING:
    from groundsight.engines import EngineOptions
    from groundsight.prepare.curate import CurationReport

DONE = "answered"
_choice = options_in("What is kept")
NONE = "none"


@given.takes_options(*given.LOADING, "batch_size", *given.CALLING, *given.PRICES)
def curate(
    samples: Annotated[
        Path, typer.Argument(metavar="SAMPLES", help="Questions with their truth, of one task.")
    ],
    engine: Annotated[
        str,
        typer.Option(
            metavar="SPEC",
            help="Who answers: hf:MERGED_MODEL, openai:BASE_URL#MODEL, replay:FILE.",
        ),
    ],
    recipe: Annotated[
        Path,
        typer.Option(
            metavar="RECIPE.toml",
            help="Whose rubric scores; its [grpo] and difficulty pool give the defaults.",
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(metavar="DIR", help="Gets kept.jsonl, answers.jsonl, the counts, a plot."),
    ],
    samples_each: Annotated[
        int | None,
        typer.Option("--samples", metavar="N", help="Answers a question; as the recipe, or 8."),
    ] = None,
    temperature: Annotated[
        float | None, typer.Option(help="Of the draws; as the recipe's rollouts, or 1.")
    ] = None,
    max_samples: Annotated[
        int | None, typer.Option(metavar="N", help="Only the first N questions.", min=1)
    ] = None,
    pictures: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where relative picture paths start; default: SAMPLES'."),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on with what --out holds, or choose from it anew."),
    ] = False,
    set: Annotated[
        list[str] | None,
        typer.Option(metavar="a.b=c", help="Change one value of the recipe; may be repeated."),
    ] = None,
    format: Formats = Format.TABLE,
    pass_part: Annotated[
        str | None,
        _choice("Reward part that says what passes; as the recipe's pool, or the total."),
    ] = None,
    pass_at: Annotated[
        float | None, _choice("An answer passes from this value on; as the recipe's pool.")
    ] = None,
    band: Annotated[
        str, _choice("Kept are pass rates between, without the ends; 0,1.", metavar="LOW,HIGH")
    ] = "0,1",
    balance: Annotated[
        str,
        _choice("Fields to balance, outer first; task,label,generator or none.", metavar="NAMES"),
    ] = "task,label,generator",
    balance_factor: Annotated[
        float | None, _choice("Most times the smallest sibling that a group may be; 3.")
    ] = None,
    max_new_tokens: given.MaxNewTokens = None,
    seed: given.Seed = None,
    *,
    options: "EngineOptions",
) -> None:
    """Ask a model each question several times, keep those it is neither always nor never right on.

    kept.jsonl is the set to run GRPO on, with the pass rates that the difficulty pool starts from;
    answers.jsonl is what `groundsight rehearse` reads. Exit status: 0 every question was answered;
    2 a mistake in the command; 3 some were not (a picture that cannot be read, a server that
    failed): --resume asks them again.
    """
    from groundsight.engines import load_chat_model
    from groundsight.prepare.curate import load_curation_recipe, start_curation

    loaded = load_curation_recipe(recipe, set or ())
    low, high = _band(band)
    settings = loaded.settings(
        samples=samples_each,
        temperature=temperature,
        max_new_tokens=max_new_tokens,
        seed=seed,
        part=pass_part,
        pass_at=pass_at,
        min_rate=low,
        max_rate=high,
        balance=_names(balance),
        balance_factor=balance_factor,
    )
    model = load_chat_model(engine, options)
    try:
        with start_curation(
            samples,
            model,
            loaded,
            settings,
            out=out,
            resume=resume,
            max_samples=max_samples,
            pictures=pictures,
        ) as run:
            interrupted = work_through(
                run, total=run.plan.num_samples, num_done=run.plan.num_done, done=DONE
            )
            report = run.choose()
    finally:
        model.close()
    _draw(report, out)
    print_found(report, format, lambda: _lines(report))
    tell_cost(report.usage, options)
    _tell_pace(report)
    raise typer.Exit(_tell_end(report, out, interrupted=interrupted, stopped=run.stopped))


def _band(text: str) -> tuple[float, float]:
    try:
        low, high = (float(end) for end in text.split(","))
    except ValueError:
        raise UsageError(f"--band reads LOW,HIGH, e.g. 0.1,0.9; got {text!r}") from None
    return low, high


def _names(text: str) -> tuple[str, ...]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    return () if names == [NONE] else tuple(dict.fromkeys(names))


def _draw(report: "CurationReport", out: Path) -> None:
    from groundsight.prepare.curate.folder import PLOT_FILE
    from groundsight.prepare.curate.plot import save_pass_rates

    draw_if_possible(lambda: save_pass_rates(report, out / PLOT_FILE))


def _lines(report: "CurationReport") -> list[str]:
    from groundsight.vision.drawing import plain_text

    lines = [
        f"{report.num_questions:,} questions, {report.num_answered:,} answered, "
        f"{report.num_completions:,} answers; an answer passes with {report.what_passes}"
    ]
    ends = [(end.replace("_", " "), number) for end, number in report.ends.items()]
    lines += [f"  {end:<14}{number:>10,}" for end, number in ends if number or end == "kept"]
    if report.pass_rate is not None:
        lines.append(f"mean pass rate {report.pass_rate:.3f}")
    lines += [
        f"  {plain_text(name, most=60):<40} {group.pass_rate:.3f}, "
        f"{group.num_kept:,} of {group.num_scored:,} kept"
        for name, group in report.groups.items()
    ]
    lines += [
        f"balance: {cap.num_dropped:,} of {plain_text(' / '.join(cap.group), most=60)} left out, "
        f"{plain_text(cap.smallest, most=40)} has only {cap.size:,}"
        for cap in report.caps
    ]
    return [*lines, *_warnings(report)]


def _warnings(report: "CurationReport") -> list[str]:
    lines = []
    if report.num_cut_off:
        share = report.num_cut_off / report.num_completions
        lines.append(f"! {share:.1%} of the answers were cut off: raise --max-new-tokens")
    if report.ends["unscored"]:
        lines.append(
            f"! {report.ends['unscored']:,} questions could not be scored and are set aside: see "
            "questions.jsonl"
        )
    if report.num_answered and not report.num_kept:
        lines.append("! nothing is kept: look at pass_rates.png; another --pass-at or --band?")
    return lines


def _tell_end(
    report: "CurationReport", out: Path, *, interrupted: bool, stopped: str | None
) -> int:
    """Say where the result is and what is left; gives the exit status."""
    from groundsight.prepare.curate.folder import KEPT_FILE

    tell(f"questions to train on: {out / KEPT_FILE} ({report.num_kept:,})")
    if report.num_set_aside:
        told = ", ".join(f"{number} {code}" for code, number in report.num_set_aside.items())
        tell(f"{sum(report.num_set_aside.values())} questions have no answers ({told})")
    return tell_end(report.num_set_aside, done=DONE, interrupted=interrupted, stopped=stopped)


def _tell_pace(report: "CurationReport") -> None:
    if report.num_asked and report.asking_s > 0:
        tell(
            f"{report.num_asked:,} questions asked in {report.asking_s:.1f} s, "
            f"{report.num_asked / report.asking_s:.3g} a second"
        )
