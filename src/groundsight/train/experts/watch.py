"""Who is told how the training of an expert goes."""

from typing import Protocol

from groundsight.train.metrics_file import Row


class Watch(Protocol):
    """Who is told how a run goes."""

    def begin(self, num_steps: int, done: int) -> None:
        """Steps of the whole run, and how many a former run did."""
        ...

    def step(self, epoch: int, loss: float) -> None:
        """One more step."""
        ...

    def epoch(self, row: Row) -> None:
        """An epoch's line of `training.jsonl`."""
        ...


class Silent:
    """Tells nobody."""

    def begin(self, num_steps: int, done: int) -> None:
        """Nothing."""

    def step(self, epoch: int, loss: float) -> None:
        """Nothing."""

    def epoch(self, row: Row) -> None:
        """Nothing."""
