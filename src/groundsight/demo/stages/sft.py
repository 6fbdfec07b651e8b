"""Stage 5: supervised fine-tuning of the base on the teacher's replies."""

import shlex

from groundsight.demo.recipe_files import RECIPE, SFT, recipe_digest, write_recipe
from groundsight.demo.settings import DemoSettings
from groundsight.demo.stage import Stage, Tree, Work
from groundsight.demo.stages.base import MODEL
from groundsight.demo.stages.cold_start import KEPT
from groundsight.demo.training import goes_on

RUN = "run"


def fine_tune(work: Work) -> Tree:
    """Train; a run that was cut short goes on from its newest checkpoint."""
    from groundsight.train.metrics_file import read_metrics
    from groundsight.train.recipe import load_sft_recipe
    from groundsight.train.sft import run_sft

    settings, out = work.settings, work.folder / RUN
    recipe = write_recipe(
        work.folder,
        SFT,
        steps=settings.amounts.sft_steps,
        base=work.path("base", MODEL),
        train=work.path("cold-start", KEPT),
        seed=settings.seed,
    )
    run_sft(load_sft_recipe(recipe), out=out, resume=goes_on(out), device="cpu", say=work.say)
    losses = [row["loss"] for row in read_metrics(out / "metrics.jsonl") if "loss" in row]
    return {"steps": settings.amounts.sft_steps, "losses": losses}


def command(work: Work) -> str:
    """The same by hand."""
    told = [str(work.folder / RECIPE), "--out", str(work.folder / RUN), "--device", "cpu"]
    return shlex.join(["groundsight", "train", "sft", *told])


def _depends(settings: DemoSettings) -> Tree:
    return {
        "recipe_sha256": recipe_digest(SFT),
        "steps": settings.amounts.sft_steps,
        "seed": settings.seed,
    }


STAGE = Stage(
    name="sft",
    title="SFT: the base learns to write reports",
    folder="5-sft",
    reads=("base", "cold-start"),
    depends=_depends,
    work=fine_tune,
    command=command,
)
