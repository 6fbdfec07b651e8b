"""Stage 8: GRPO on the kept questions: shared prefixes, the papers' rewards, a linear ω_G."""

import shlex
from pathlib import Path

from groundsight.demo.models import put_model
from groundsight.demo.recipe_files import RECIPE, grpo_name, recipe_digest, write_recipe
from groundsight.demo.settings import DemoSettings
from groundsight.demo.stage import Stage, Tree, Work
from groundsight.demo.stages.curate import QUESTIONS
from groundsight.demo.stages.merge import MODEL as MERGED
from groundsight.demo.stages.pictures import VALIDATION
from groundsight.demo.training import goes_on
from groundsight.train.metrics_file import read_metrics

RUN, MODEL = "run", "model"


def train(work: Work) -> Tree:
    """Train; a run that was cut short goes on from its newest checkpoint."""
    from groundsight.train.grpo.run import run_grpo
    from groundsight.train.recipe import load_grpo_recipe

    out = work.folder / RUN
    recipe = load_grpo_recipe(_write_recipe(work))
    final = run_grpo(recipe, out=out, resume=goes_on(out), device="cpu", say=work.say)
    put_model(final, work.folder / MODEL, say=work.say)
    rewards = [row["reward"] for row in read_metrics(out / "metrics.jsonl") if "reward" in row]
    return {"steps": work.settings.amounts.grpo_steps, "rewards": rewards}


def _write_recipe(work: Work) -> Path:
    settings = work.settings
    return write_recipe(
        work.folder,
        grpo_name(settings),
        steps=settings.amounts.grpo_steps,
        start=work.path("merge", MERGED),
        train=work.path("curate", QUESTIONS),
        validation=work.path("synth", VALIDATION),
        max_new_tokens=settings.amounts.max_new_tokens,
        seed=settings.seed,
    )


def command(work: Work) -> str:
    """The same by hand."""
    told = [str(work.folder / RECIPE), "--out", str(work.folder / RUN), "--device", "cpu"]
    return shlex.join(["groundsight", "train", "grpo", *told])


def _depends(settings: DemoSettings) -> Tree:
    return {
        "recipe_sha256": recipe_digest(grpo_name(settings)),
        "steps": settings.amounts.grpo_steps,
        "max_new_tokens": settings.amounts.max_new_tokens,
        "seed": settings.seed,
    }


STAGE = Stage(
    name="grpo",
    title="GRPO: rewards for the right verdict in the right place",
    folder="8-grpo",
    reads=("synth", "merge", "curate"),
    depends=_depends,
    work=train,
    command=command,
)
