"""`groundsight train grpo`: a recipe to a run folder.

    run_grpo(load_grpo_recipe(path), out=Path("runs/zero"))

The folder gets `recipe.json`, `versions.json`, `metrics.jsonl`, `checkpoint-N/`, `training.png`,
`completions.html` and, at the end, the trained weights in `final/`.
"""

from pathlib import Path

from accelerate import PartialState

from groundsight.core.errors import UsageError
from groundsight.core.types import Sample
from groundsight.curricula.curriculum import Curriculum
from groundsight.models.adapters import describe_trainable
from groundsight.replies.dialect import Dialect
from groundsight.rewards.rubric import Rubric
from groundsight.tasks import TASKS
from groundsight.train.grpo.questions import QuestionBook
from groundsight.train.grpo.scoring import RubricScorer
from groundsight.train.grpo.settings import trl_settings
from groundsight.train.grpo.sharing import Sharing, SharingSettings, why_not_shared
from groundsight.train.grpo.telling import Teller
from groundsight.train.grpo.trainer import GroundsightGRPOTrainer
from groundsight.train.grpo.validation import Validator
from groundsight.train.recipe import GrpoRecipe
from groundsight.train.recipe.steps import plan_steps
from groundsight.train.run_folder import STATE_FILE
from groundsight.train.samples import read_samples
from groundsight.train.starting_model import StartingModel, load_starting_model
from groundsight.train.training_run import Say, TrainingRun, check_apart, is_on_accelerator
from groundsight.train.watch import GRPO_COLUMNS


def run_grpo(
    recipe: GrpoRecipe,
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
        UsageError: data, model or settings that do not fit; a folder that holds a run already.
    """
    run = TrainingRun.open(out, resume=resume, device=device, say=say, needs=[STATE_FILE])
    samples = load_samples(recipe)
    trainer = make_trainer(recipe, samples, out=out, device=device, say=run.say)
    add_validation(recipe, trainer, run.say)
    teller = Teller(trainer, out, name=recipe.name, say=run.say)
    final = run.train(trainer, recipe, samples, columns=GRPO_COLUMNS, callbacks=[teller])
    if run.state.is_main_process:
        teller.draw(trainer.state.max_steps)
        run.say(f"trained weights: {final}; curves: {out / 'training.png'}")
    return final


def make_trainer(
    recipe: GrpoRecipe,
    samples: list[Sample],
    *,
    out: Path,
    device: str = "auto",
    say: Say = print,
) -> GroundsightGRPOTrainer:
    """Everything of a run but its folder and callbacks.

    Raises:
        UsageError: model or settings that do not fit.
    """
    _check_reference(recipe)
    on_accelerator = is_on_accelerator(device)
    steps = plan_steps(recipe.grpo, num_samples=len(samples))
    args = trl_settings(
        recipe,
        steps,
        out=out,
        # A state that is not told of the CPU finds no other processes there.
        num_processes=PartialState(cpu=not on_accelerator).num_processes,
        on_accelerator=on_accelerator,
    )
    start = load_starting_model(recipe, on_accelerator=on_accelerator)
    loaded = start.loaded
    book = QuestionBook(samples, loaded.processor, loaded.dialect, seed=recipe.grpo.seed)
    trainer = GroundsightGRPOTrainer(
        start=start,
        args=args,
        book=book,
        scorer=RubricScorer(Rubric(recipe.rubric), loaded.dialect),
        curriculum=Curriculum.build(recipe.curriculum, book.pass_rates),
        num_epochs=steps.num_epochs,
        sharing=make_sharing(recipe, start, samples[0], say),
    )
    for line in (start.line, describe(trainer)):
        say(line)
    return trainer


def add_validation(recipe: GrpoRecipe, trainer: GroundsightGRPOTrainer, say: Say) -> None:
    """Measure on `data.validation` at every checkpoint, where the run decodes by itself.

    Raises:
        UsageError: faulty samples, or samples that are also trained on.
    """
    if recipe.data.validation is None:
        return
    samples = read_samples(
        recipe.data.validation, pictures=recipe.data.pictures, tasks=(recipe.rubric.task,)
    )
    check_apart(trainer.book.samples, [sample.id for sample in samples])
    if trainer.sharing is None or not trainer.sharing.decodes:
        say("data.validation is not used: this run does not decode by itself")
        return
    loaded = trainer.start.loaded
    book = QuestionBook(samples, loaded.processor, loaded.dialect, seed=recipe.grpo.seed)
    scorer = RubricScorer(Rubric(recipe.rubric), loaded.dialect)
    trainer.add_callback(Validator(book, scorer, trainer))


def make_sharing(
    recipe: GrpoRecipe, start: StartingModel, sample: Sample, say: Say
) -> Sharing | None:
    """How the run shares prompts; where it does not, one line says so."""
    grpo = recipe.grpo
    why_not = why_not_shared(start.loaded.model)
    if not grpo.share_prefix:
        why_not = "prompts are not shared: grpo.share_prefix is false; TRL's own path is used"
    if why_not is not None:
        say(why_not)
        return None
    closing = closing_tag(sample, start.loaded.dialect) if grpo.stop_at_answer else None
    return Sharing(
        SharingSettings(
            stop_strings=() if closing is None else (closing,),
            feature_cache_bytes=grpo.feature_cache_mb << 20,
            prove=grpo.prove_sharing,
        )
    )


def closing_tag(sample: Sample, dialect: Dialect) -> str | None:
    """The tag that ends a whole reply to a task, read off a gold reply; None: it has none."""
    try:
        gold = TASKS[sample.task].gold_reply(sample, dialect).rstrip()
    except UsageError:
        return None
    opened = gold.rfind("</")
    return gold[opened:] if opened >= 0 and gold.endswith(">") else None


def describe(trainer: GroundsightGRPOTrainer) -> str:
    """One line on what is trained, for how long."""
    parameters = describe_trainable(trainer.model, trainer.start.loaded.family)
    args = trainer.args
    questions = args.generation_batch_size // args.num_generations
    return (
        f"{parameters}; {args.max_steps:,} steps of {questions} questions × "
        f"{args.num_generations} completions"
    )


def load_samples(recipe: GrpoRecipe) -> list[Sample]:
    """The samples to train on.

    Raises:
        UsageError: none given, or samples of another task than the rubric's.
    """
    if recipe.data.train is None:
        raise UsageError("no samples to train on: --set data.train=FILE.jsonl")
    samples = read_samples(
        recipe.data.train, pictures=recipe.data.pictures, tasks=(recipe.rubric.task,)
    )
    return samples


def _check_reference(recipe: GrpoRecipe) -> None:
    """TRL loads a full model's reference a second time, by the model's name."""
    if recipe.model.adapter is not None and recipe.lora is None and recipe.grpo.beta > 0:
        raise UsageError(
            "model.adapter with full fine-tuning and grpo.beta > 0: the reference would lack the "
            "adapter; run groundsight merge first, and set model.name to the merged folder"
        )
