"""The steps of a training run: read `Training.run` first.

    training = Training(expert, settings, fit, valid, folder)
    outcome = training.run(resume=False)     # the expert has the best weights now

Stopped early by the AUC of held-out pictures; of epochs with one AUC the one with the lower loss
on them is kept, since an AUC does not see where 0.5 lies. What is judged, kept and saved is the
running average of the weights where there is one (batch statistics are those of the last step).
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from groundsight.core.errors import UsageError
from groundsight.core.seeds import derive_short_seed
from groundsight.experts.averaging import copy_state, follow, wearing
from groundsight.experts.base import Expert
from groundsight.experts.batching import unpack
from groundsight.experts.calibration import balanced_loss
from groundsight.experts.determinism import deterministic
from groundsight.experts.signal.pictures import FitPicture
from groundsight.metrics.classification import balanced_accuracy, roc_auc
from groundsight.train.experts.batches import (
    Batch,
    Views,
    epoch_places,
    iter_batches,
    num_steps,
)
from groundsight.train.experts.scoring import LogitTable, PackedPictures
from groundsight.train.experts.settings import ExpertTraining
from groundsight.train.experts.state import read_checkpoint, save_checkpoint
from groundsight.train.experts.watch import Silent, Watch
from groundsight.train.metrics_file import MetricsFile, Row

METRICS_FILE = "training.jsonl"
MOST_NORM = 5.0
"Longer gradients are cut to this."
MOST_FOR_INPUT = 2000
"Views that statistics of the input are taken from."


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What of a run depends on the machine; it moves no draw, at most last bits.

    Args:
        workers: processes that open and cut pictures; 0: this one.
        cache_bytes: decoded pictures kept in memory, of each process.
        save_every_s: seconds between two checkpoints.
    """

    workers: int = 0
    cache_bytes: int = 1 << 30
    save_every_s: float = 60.0


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a run ended.

    Args:
        epochs: done.
        best_epoch: from 1; whose weights the expert has now.
        valid_auc: on the held-out pictures, of that epoch.
        valid: logits of the held-out pictures by those weights.
        training_s: seconds of this run and those that it went on from.
        num_unreadable: draws of pictures that could not be read.
    """

    epochs: int
    best_epoch: int
    valid_auc: float
    valid: LogitTable
    training_s: float
    num_unreadable: int


@dataclass
class _Progress:
    """Numbers of a run that go into its checkpoint."""

    epoch: int = 0
    step: int = 0
    "Of the epoch."
    losses: float = 0.0
    "Sum over the steps of the epoch."
    best_epoch: int = 0
    best_auc: float = -1.0
    best_loss: float = math.inf
    gained_epoch: int = 0
    "The last in which the AUC rose."
    training_s: float = 0.0
    num_unreadable: int = 0


@dataclass
class Training:
    """One run.

    Args:
        expert: with fresh weights; has the best ones after `run`.
        settings: how.
        fit: pictures to learn from.
        valid: held-out pictures, both classes.
        folder: of the run.
        machine: workers, memory, how often it is saved.
        watch: who is told.
    """

    expert: Expert
    settings: ExpertTraining
    fit: Sequence[FitPicture]
    valid: Sequence[FitPicture]
    folder: Path
    machine: Machine = field(default_factory=Machine)
    watch: Watch = field(default_factory=Silent)

    def run(self, *, resume: bool = False) -> Outcome:
        """Train until the epochs are done or the held-out AUC stays where it is.

        Raises:
            UsageError: pictures that cannot be read, a checkpoint that cannot be gone on from.
        """
        with deterministic(self.expert.device.type):
            self._begin(resume=resume)
            while not self._is_over():
                self._train_epoch()
                self._judge_epoch()
                self._save(at_least_s=self.machine.save_every_s)
            return self._finish()

    def _begin(self, *, resume: bool) -> None:
        torch.manual_seed(derive_short_seed(self.settings.seed, "training"))
        self.module = self.expert.official_module()
        self.metrics = MetricsFile(self.folder / METRICS_FILE)
        self.held_out = PackedPictures.of(self.expert, self.valid)
        self.learning = [p for p in self.module.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(
            self.learning, self.settings.learning_rate, weight_decay=self.settings.weight_decay
        )
        self.progress = _Progress()
        self.views = Views(
            self.fit, self.expert, self.settings, cache_bytes=self.machine.cache_bytes
        )
        state = read_checkpoint(self.folder) if resume else None
        if state is None:
            self._fit_input()
        self.average, self.best = copy_state(self.module), copy_state(self.module)
        if state is not None:
            self._restore(state)
        self.metrics.cut_after(self.progress.epoch)
        self.clock = self.saved_at = time.monotonic()
        self.watch.begin(self.settings.epochs * self._steps_an_epoch, self._steps_done)

    def _fit_input(self) -> None:
        """Statistics of the input, for experts that have such, from training views."""
        places = epoch_places(self.fit, self.settings, 0)[:MOST_FOR_INPUT]
        workers = self.machine.workers
        self.expert.fit_input(
            unpack(batch.views, self.expert.device)
            for batch in iter_batches(self.views, places, self.settings, done=0, workers=workers)
        )

    def _train_epoch(self) -> None:
        places = epoch_places(self.fit, self.settings, self.progress.epoch)
        self.module.train()
        for batch in iter_batches(
            self.views,
            places,
            self.settings,
            done=self.progress.step,
            workers=self.machine.workers,
        ):
            loss = self._step(batch)
            self.progress.step += 1
            self.progress.losses += loss
            self.progress.num_unreadable += batch.num_unreadable
            self.watch.step(self.progress.epoch + 1, loss)
            if self.progress.step < self._steps_an_epoch:
                self._save(at_least_s=self.machine.save_every_s)

    def _step(self, batch: Batch) -> float:
        device = self.expert.device
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate(self._steps_done)
        views, labels = unpack(batch.views, device), torch.from_numpy(batch.labels).to(device)
        targets = labels * (1 - self.settings.smoothing) + self.settings.smoothing / 2
        half = self.settings.precision == "bfloat16"
        with torch.autocast(device.type, torch.bfloat16, enabled=half):
            logits = self.expert.logits(views)
        loss = functional.binary_cross_entropy_with_logits(logits.float(), targets)
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.learning, MOST_NORM)
        self.optimizer.step()
        self._follow()
        value = float(loss.detach())
        if not math.isfinite(value):
            raise UsageError(
                f"the loss became {value} in epoch {self.progress.epoch + 1}: lower learning_rate"
            )
        return value

    def learning_rate(self, step: int) -> float:
        """Of a step of the whole run: up in a line, down in half a cosine.

        Args:
            step: from 0.
        """
        total = self.settings.epochs * self._steps_an_epoch
        rise = max(1, round(self.settings.warm_up_rate * total))
        if step < rise:
            return self.settings.learning_rate * (step + 1) / rise
        fallen = (step - rise) / max(1, total - rise)
        return self.settings.learning_rate * 0.5 * (1 + math.cos(math.pi * fallen))

    def _follow(self) -> None:
        """Move the average towards the weights; faster at first."""
        step = self._steps_done
        follow(self.average, self.module, keep=min(self.settings.average, (step + 1) / (step + 10)))

    def _judge_epoch(self) -> None:
        with wearing(self.module, self.average):
            self.expert.network.eval()
            table = self.held_out.score(self.expert)
        auc, loss = roc_auc(table.labels, table.logits), balanced_loss(table.logits, table.labels)
        now, done = time.monotonic(), self.progress
        done.training_s += now - self.clock
        self.clock = now
        row: Row = {
            "step": done.epoch + 1,
            "loss": round(done.losses / self._steps_an_epoch, 6),
            "learning_rate": self.learning_rate(self._steps_done - 1),
            "valid_auc": round(auc, 6),
            "valid_loss": round(loss, 6),
            "valid_balanced_accuracy": round(balanced_accuracy(table.labels, table.logits, 0.0), 6),
            "seconds": round(done.training_s, 1),
        }
        if auc > done.best_auc:
            done.gained_epoch = done.epoch + 1
        if (auc, -loss) > (done.best_auc, -done.best_loss):
            done.best_auc, done.best_loss, done.best_epoch = auc, loss, done.epoch + 1
            self.best = {name: value.clone() for name, value in self.average.items()}
        done.epoch, done.step, done.losses = done.epoch + 1, 0, 0.0
        self.metrics.append(row)
        self.watch.epoch(row)

    def _is_over(self) -> bool:
        done = self.progress
        idle = done.epoch - done.gained_epoch
        return done.epoch >= self.settings.epochs or idle >= self.settings.patience

    def _finish(self) -> Outcome:
        self._save(at_least_s=0.0)
        self.module.load_state_dict(self.best)
        self.expert.network.eval()
        done = self.progress
        return Outcome(
            epochs=done.epoch,
            best_epoch=done.best_epoch,
            valid_auc=done.best_auc,
            valid=self.held_out.score(self.expert),
            training_s=done.training_s,
            num_unreadable=done.num_unreadable,
        )

    def _save(self, *, at_least_s: float) -> None:
        now = time.monotonic()
        if now - self.saved_at < at_least_s:
            return
        self.progress.training_s += now - self.clock
        self.clock = now
        state: dict[str, Any] = {
            "progress": vars(self.progress),
            "network": self.module.state_dict(),
            "average": self.average,
            "best": self.best,
            "optimizer": self.optimizer.state_dict(),
            "draws": torch.get_rng_state(),
        }
        save_checkpoint(self.folder, state)
        self.saved_at = time.monotonic()

    def _restore(self, state: dict[str, Any]) -> None:
        self.progress = _Progress(**state["progress"])
        self.module.load_state_dict(state["network"])
        for name in ("average", "best"):
            for key, value in getattr(self, name).items():
                value.copy_(state[name][key])
        self.optimizer.load_state_dict(state["optimizer"])
        torch.set_rng_state(state["draws"])

    @property
    def _steps_an_epoch(self) -> int:
        return num_steps(len(self.fit), self.settings)

    @property
    def _steps_done(self) -> int:
        return self.progress.epoch * self._steps_an_epoch + self.progress.step
