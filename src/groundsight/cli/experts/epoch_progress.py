"""How a training run in epochs is told while it goes on."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from groundsight.train.experts.watch import Watch


@contextmanager
def watch_epochs(epochs: int) -> Iterator["Watch"]:
    """A bar with the time left on a terminal, else a line an epoch; on standard error."""
    if not sys.stderr.isatty():
        yield _Lines(epochs)
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as bar:
        yield _Bar(bar, epochs)


class _Lines:
    def __init__(self, epochs: int) -> None:
        self._epochs = epochs

    def begin(self, num_steps: int, done: int) -> None:
        if done:
            print(f"going on after step {done} of {num_steps}", file=sys.stderr, flush=True)

    def step(self, epoch: int, loss: float) -> None:
        pass

    def epoch(self, row: dict[str, Any]) -> None:
        print(_epoch_words(row, self._epochs), file=sys.stderr, flush=True)


class _Bar:
    def __init__(self, bar: Any, epochs: int) -> None:
        self._bar, self._epochs = bar, epochs
        self._task = bar.add_task("reading pictures", total=None)
        self._loss, self._auc = 0.0, ""

    def begin(self, num_steps: int, done: int) -> None:
        self._bar.update(self._task, total=num_steps, completed=done)

    def step(self, epoch: int, loss: float) -> None:
        self._loss = 0.95 * self._loss + 0.05 * loss if self._loss else loss
        words = f"epoch {epoch} of {self._epochs}, loss {self._loss:.3f}{self._auc}"
        self._bar.update(self._task, advance=1, description=words)

    def epoch(self, row: dict[str, Any]) -> None:
        self._auc = f", held-out AUC {row['valid_auc']:.3f}"
        self._bar.console.print(_epoch_words(row, self._epochs), highlight=False)


def _epoch_words(row: dict[str, Any], epochs: int) -> str:
    left_s = row["seconds"] / row["step"] * (epochs - row["step"])
    return (
        f"epoch {row['step']} of {epochs}: loss {row['loss']:.4f}, held-out AUC "
        f"{row['valid_auc']:.3f}, balanced accuracy {row['valid_balanced_accuracy']:.3f}, "
        f"{row['seconds']:.0f} s, at most {left_s:.0f} s left"
    )
