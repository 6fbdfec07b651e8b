"""TRL's SFT trainer over our examples: settings, batches and what is kept beside the weights."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from datasets import Dataset
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from trl import SFTConfig, SFTTrainer

from groundsight.core.types import Sample
from groundsight.models.encoding import ExchangeCoder
from groundsight.train.recipe import SftRecipe
from groundsight.train.restore import WholeCheckpoints
from groundsight.train.sft.examples import Collator, Examples
from groundsight.train.starting_model import StartingModel, load_starting_model
from groundsight.train.trainer_settings import trainer_settings

_LOADERS = 4


class GroundsightSFTTrainer(WholeCheckpoints, SFTTrainer):
    """TRL's trainer; it tells nobody outside that it runs.

    Args:
        start: the model that is trained.
        collator: makes batches of the examples.
        args: TRL's settings.
    """

    def __init__(self, start: StartingModel, collator: Collator, args: SFTConfig) -> None:
        self.start, self.collator = start, collator
        num = len(collator.examples)
        super().__init__(
            model=start.loaded.model,
            args=args,
            data_collator=collator,
            train_dataset=_rows(collator.examples, range(collator.num_train)),
            eval_dataset=_rows(collator.examples, range(collator.num_train, num)),
            processing_class=start.loaded.processor,
            peft_config=start.peft_config,
        )
        # The Qwen-VL classes say that their own loss cannot be divided by the tokens of a whole
        # step, and so transformers would take the mean of the means of its passes: a reply would
        # weigh more beside short ones. TRL's loss, which is used here, can.
        self.model_accepts_loss_kwargs = True
        self.add_callback(_NewPhrasings(collator))

    def _send_telemetry(self) -> None:
        """Nothing: TRL would report the kind of run to its makers."""


class _NewPhrasings(TrainerCallback):
    """Tells the collator which epoch it is, after a resumption too."""

    def __init__(self, collator: Collator) -> None:
        self._collator = collator

    def on_epoch_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._collator.epoch = int((state.epoch or 0.0) + 1e-6)


def make_trainer(
    recipe: SftRecipe,
    train: Sequence[Sample],
    validation: Sequence[Sample] = (),
    *,
    out: Path,
    on_accelerator: bool = False,
    num_processes: int = 1,
) -> GroundsightSFTTrainer:
    """A trainer whose examples have all been looked at.

    Args:
        recipe: the run.
        train: samples with whole paths and sizes.
        validation: likewise; their loss is measured at every checkpoint.
        out: the run's folder.
        on_accelerator: False: everything on the CPU.
        num_processes: of the whole run.

    Raises:
        UsageError: a model, samples or settings that do not fit.
    """
    args = sft_config(
        recipe,
        out=out,
        on_accelerator=on_accelerator,
        num_processes=num_processes,
        validate=bool(validation),
    )
    start = load_starting_model(recipe, on_accelerator=on_accelerator)
    examples = Examples(
        samples=[*train, *validation],
        coder=ExchangeCoder(start.loaded.processor),
        dialect=start.loaded.dialect,
        seed=recipe.sft.templates_seed,
    )
    examples.check(max_tokens=recipe.sft.max_tokens)
    return GroundsightSFTTrainer(start, Collator(examples, num_train=len(train)), args)


def sft_config(
    recipe: SftRecipe, *, out: Path, on_accelerator: bool, num_processes: int, validate: bool
) -> SFTConfig:
    """A recipe's numbers as TRL's settings.

    Raises:
        UsageError: `batch_size` does not divide by what the processes take at once.
    """
    sft = recipe.sft
    return SFTConfig(
        output_dir=str(out),
        num_train_epochs=sft.epochs if sft.epochs is not None else 1.0,
        max_steps=-1 if sft.max_steps is None else sft.max_steps,
        per_device_train_batch_size=sft.per_device_batch_size,
        per_device_eval_batch_size=sft.per_device_batch_size,
        gradient_accumulation_steps=sft.accumulation(num_processes),
        eval_strategy="steps" if validate else "no",
        eval_steps=sft.save_steps,
        max_length=None,  # examples are refused beforehand, never cut
        dataloader_num_workers=_num_loaders(num_processes) if on_accelerator else 0,
        **trainer_settings(recipe, sft, on_accelerator=on_accelerator),
    )


def _num_loaders(num_processes: int) -> int:
    """Processes that open pictures for each training process while its accelerator is busy."""
    return max(1, min(_LOADERS, (os.cpu_count() or 1) // num_processes - 1))


def _rows(examples: Examples, numbers: range) -> Dataset | None:
    """Rows that name examples. TRL takes a column of pictures as the sign of a vision data set."""
    if not numbers:
        return None
    paths = [[image.path for image in examples.samples[number].images] for number in numbers]
    return Dataset.from_dict({"example": list(numbers), "images": paths})
