"""Stage 7: rejection sampling: the merged model answers questions that it was not trained on.

Kept are those that it is neither always nor never right on: only there can GRPO's groups differ.
"""

import shlex
from contextlib import suppress
from pathlib import Path

from groundsight.core.errors import MissingExtraError, UsageError
from groundsight.data.samples import SampleWriter, read_samples
from groundsight.demo.recipe_files import RECIPE, grpo_name, recipe_digest, write_recipe
from groundsight.demo.settings import DemoSettings, DemoTask
from groundsight.demo.stage import Stage, Tree, Work
from groundsight.demo.stages.merge import MODEL
from groundsight.demo.stages.pictures import POOL, VALIDATION
from groundsight.engines import EngineOptions, load_chat_model
from groundsight.prepare.curate import CurationReport, load_curation_recipe, start_curation
from groundsight.prepare.curate.folder import KEPT_FILE, PLOT_FILE
from groundsight.prepare.curate.plot import save_pass_rates

ANSWERS = "answers"
QUESTIONS = "questions.jsonl"
FEWEST = 16
"With fewer questions to train on, all that were answered are taken, and the demo says so."
_BATCH_SIZE = 16
_BALANCE = ("label",)
_BALANCE_FACTOR = 1.0
"As many of each label: with twice as many real ones GRPO learnt to say real more often."
# What passes: the part of the rubric and its least value; a third of the region is found.
PASSES: dict[DemoTask, tuple[str, float]] = {
    "grounded_detection": ("grounding", 0.33),
    "multi_image_grounding": ("grounding", 0.33),
}


def reject(work: Work) -> Tree:
    """Ask, score, choose, draw the histogram of pass rates."""
    settings = work.settings
    recipe = load_curation_recipe(_write_recipe(work))
    part, pass_at = PASSES[settings.task]
    chosen = recipe.settings(
        part=part,
        pass_at=pass_at,
        seed=settings.seed,
        balance=_BALANCE,
        balance_factor=_BALANCE_FACTOR,
    )
    model = load_chat_model(
        f"hf:{work.path('merge', MODEL)}", EngineOptions(device="cpu", batch_size=_BATCH_SIZE)
    )
    out = work.folder / ANSWERS
    try:
        with start_curation(
            work.path("synth", POOL), model, recipe, chosen, out=out, resume=out.exists()
        ) as run:
            for _ in run:
                pass
            report = run.choose()
    finally:
        model.close()
    with suppress(MissingExtraError):
        save_pass_rates(report, out / PLOT_FILE)
    taken = _take(work, report)
    told = f"{report.num_kept} of {report.num_answered} questions are worth training on"
    work.say(f"  {told}; mean pass rate {report.pass_rate or 0:.2f}")
    return {
        "num_answered": report.num_answered,
        "num_kept": report.num_kept,
        "pass_rate": report.pass_rate,
        "rates": report.rates,
        "taken": taken,
    }


def _take(work: Work, report: CurationReport) -> str:
    """The questions of GRPO: those kept, or all of them where hardly any was."""
    if not report.num_answered:
        raise UsageError(f"no question could be answered: {report.num_set_aside}")
    enough = report.num_kept >= FEWEST
    source = work.folder / ANSWERS / KEPT_FILE if enough else work.path("synth", POOL)
    if not enough:
        work.say(f"  ! only {report.num_kept} questions are kept: GRPO takes the whole pool")
    _copy_samples(source, work.folder / QUESTIONS)
    return "kept" if enough else "pool"


def _copy_samples(source: Path, target: Path) -> None:
    with SampleWriter(target, mode="replace") as writer:
        for sample in read_samples(source):
            writer.write(sample)


def _write_recipe(work: Work) -> Path:
    settings = work.settings
    return write_recipe(
        work.folder,
        grpo_name(settings),
        steps=settings.amounts.grpo_steps,
        start=work.path("merge", MODEL),
        train=work.folder / QUESTIONS,
        validation=work.path("synth", VALIDATION),
        max_new_tokens=settings.amounts.max_new_tokens,
        seed=settings.seed,
    )


def command(work: Work) -> str:
    """The same by hand."""
    part, pass_at = PASSES[work.settings.task]
    told = ["--engine", f"hf:{work.path('merge', MODEL)}", "--recipe", str(work.folder / RECIPE)]
    told += ["--pass-part", part, "--pass-at", f"{pass_at:g}", "--balance", ",".join(_BALANCE)]
    told += ["--balance-factor", f"{_BALANCE_FACTOR:g}"]
    told += ["--out", str(work.folder / ANSWERS)]
    return shlex.join(["groundsight", "curate", str(work.path("synth", POOL)), *told])


def _depends(settings: DemoSettings) -> Tree:
    return {
        "recipe_sha256": recipe_digest(grpo_name(settings)),
        "passes": PASSES[settings.task],
        "balance": [*_BALANCE, _BALANCE_FACTOR],
        "max_new_tokens": settings.amounts.max_new_tokens,
        "seed": settings.seed,
        "fewest": FEWEST,
    }


STAGE = Stage(
    name="curate",
    title="Curate: rejection sampling by the merged model",
    folder="7-curate",
    reads=("synth", "merge"),
    depends=_depends,
    work=reject,
    command=command,
)
