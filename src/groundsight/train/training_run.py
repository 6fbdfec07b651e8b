"""What every training run does around its trainer: folder, voice, checkpoint, progress, weights.

run = TrainingRun.open(Path("runs/sft"), resume=False, device="auto")
trainer = make_trainer(...)
final = run.train(trainer, recipe, samples, columns=SFT_COLUMNS)
"""

import sys
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState

from groundsight.core.errors import UsageError
from groundsight.core.types import Sample
from groundsight.train.recipe.schema import Recipe
from groundsight.train.resume import train_from
from groundsight.train.run_folder import begin_run, check_folder, hash_lines, last_checkpoint
from groundsight.train.watch import Column, TrainingWatch, quiet_libraries, replace_progress

FINAL = "final"
"Folder of the trained weights, below a run's own."
Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class TrainingRun:
    """A run folder that has been looked at, and how the run speaks.

    Args:
        out: the folder.
        resume: whether the run goes on in it.
        state: the processes of the run.
        on_accelerator: False: everything on the CPU.
        checkpoint: to go on from; None: from the start.
        say: prints a line.
    """

    out: Path
    resume: bool
    state: PartialState
    on_accelerator: bool
    checkpoint: Path | None
    say: Say

    @classmethod
    def open(
        cls,
        out: Path,
        *,
        resume: bool,
        device: str,
        say: Say | None = None,
        needs: Sequence[str] = (),
    ) -> "TrainingRun":
        """Look at the folder.

        Args:
            out: the run's folder.
            resume: go on from the newest whole checkpoint in it.
            device: auto, or cpu.
            say: prints a line; None: standard error, of the first process only.
            needs: files that a checkpoint must hold besides the trainer's own.

        Raises:
            UsageError: the folder holds something already.
        """
        quiet_libraries()
        accelerated = is_on_accelerator(device)
        state = PartialState(cpu=not accelerated)
        tell = say or _to_standard_error(state)
        if state.is_main_process:
            check_folder(out, resume=resume)
        state.wait_for_everyone()
        return cls(
            out=out,
            resume=resume,
            state=state,
            on_accelerator=accelerated,
            checkpoint=_checkpoint(out, tell, needs) if resume else None,
            say=tell,
        )

    def train(
        self,
        trainer: Any,
        recipe: Recipe,
        samples: Iterable[Sample],
        *,
        columns: Sequence[Column],
        callbacks: Sequence[Any] = (),
    ) -> Path:
        """Train, and save the weights.

        Args:
            trainer: of TRL.
            recipe: kept in the folder.
            samples: all that the run reads; their hash is kept in the folder.
            columns: what the progress line shows.
            callbacks: of the trainer, after the progress line's.

        Returns:
            The folder of the trained weights.
        """
        if self.state.is_main_process:
            data_sha256 = hash_lines([sample.model_dump_json() for sample in samples])
            begin_run(self.out, recipe, data_sha256=data_sha256, resume=self.resume)
        watch = TrainingWatch(self.out, name=recipe.name, columns=columns, say=self.say)
        replace_progress(trainer, watch)
        for callback in callbacks:
            trainer.add_callback(callback)
        try:
            train_from(trainer, self.checkpoint)
        finally:
            watch.close()
        trainer.save_model(str(self.out / FINAL))
        return self.out / FINAL


def is_on_accelerator(device: str) -> bool:
    """Whether a run that is told `auto` or `cpu` trains on an accelerator."""
    return device != "cpu" and (torch.cuda.is_available() or torch.backends.mps.is_available())


def check_apart(train: Collection[str], validation: Collection[str]) -> None:
    """Refuse samples, given by id, that are trained on and validated with.

    Raises:
        UsageError: there are such.
    """
    both = set(train) & set(validation)
    if both:
        raise UsageError(
            f"{len(both)} samples are in data.train and in data.validation, e.g. {min(both)}: "
            "what is trained on cannot validate"
        )


def _checkpoint(out: Path, say: Say, needs: Sequence[str]) -> Path | None:
    found = last_checkpoint(out, needs=needs)
    say(f"going on from {found}" if found else f"no checkpoint in {out} yet: from the start")
    return found


def _to_standard_error(state: PartialState) -> Say:
    def say(line: str) -> None:
        if state.is_main_process:
            print(line, file=sys.stderr, flush=True)

    return say
