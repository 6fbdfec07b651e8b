"""`groundsight train sft`: a recipe to a run folder.

    run_sft(load_sft_recipe(path), out=Path("runs/sft"))

The folder gets `recipe.json`, `versions.json`, `metrics.jsonl`, `checkpoint-N/` and, at the end,
`training.png` and the trained weights in `final/`: an adapter, or a whole model folder.
"""

from contextlib import suppress
from pathlib import Path

from groundsight.core.errors import MissingExtraError, UsageError
from groundsight.core.types import Sample
from groundsight.models.adapters import describe_trainable
from groundsight.train.metrics_file import read_metrics
from groundsight.train.recipe import SftRecipe
from groundsight.train.samples import read_samples
from groundsight.train.sft.trainer import GroundsightSFTTrainer, make_trainer
from groundsight.train.training_plot import save_training_plot
from groundsight.train.training_run import Say, TrainingRun, check_apart
from groundsight.train.watch import SFT_COLUMNS


def run_sft(
    recipe: SftRecipe,
    *,
    out: Path,
    resume: bool = False,
    device: str = "auto",
    say: Say | None = None,
) -> Path:
    """Train.

    Args:
        recipe: the run.
        out: its folder.
        resume: go on from the newest whole checkpoint in it.
        device: auto, or cpu.
        say: prints a line; None: standard error, of the first process only.

    Returns:
        The folder of the trained weights.

    Raises:
        UsageError: data, model or settings that do not fit; a folder that holds something already.
    """
    run = TrainingRun.open(out, resume=resume, device=device, say=say)
    train, validation = load_samples(recipe)
    trainer = make_trainer(
        recipe,
        train,
        validation,
        out=out,
        on_accelerator=run.on_accelerator,
        num_processes=run.state.num_processes,
    )
    for line in (trainer.start.line, describe(trainer)):
        run.say(line)
    final = run.train(trainer, recipe, (*train, *validation), columns=SFT_COLUMNS)
    if run.state.is_main_process:
        _draw(out, recipe.name)
        run.say(f"trained weights: {final}")
        if recipe.lora is not None:
            run.say(f"merge them into their base with: groundsight merge {final} --out FOLDER")
    return final


def load_samples(recipe: SftRecipe) -> tuple[list[Sample], list[Sample]]:
    """Samples to train on and to validate with.

    Raises:
        UsageError: none given, faulty ones, or the same sample in both.
    """
    data = recipe.data
    if data.train is None:
        raise UsageError("no samples to train on: --set data.train=FILE.jsonl")
    train = read_samples(data.train, pictures=data.pictures)
    if data.validation is None:
        return train, []
    validation = read_samples(data.validation, pictures=data.pictures)
    check_apart([sample.id for sample in train], [sample.id for sample in validation])
    return train, validation


def describe(trainer: GroundsightSFTTrainer) -> str:
    """One line on what is trained, on what."""
    parameters = describe_trainable(trainer.model, trainer.start.loaded.family)
    return f"{parameters}; {trainer.collator.num_train:,} samples"


def _draw(out: Path, name: str) -> None:
    with suppress(MissingExtraError):
        save_training_plot(read_metrics(out / "metrics.jsonl"), out / "training.png", title=name)
