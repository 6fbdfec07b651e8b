"""What a job of `prepare` that asks a model has before it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """What there is to do.

    Args:
        num_samples: of the file, up to the number asked for.
        num_done: of these, finished by an earlier run.
    """

    num_samples: int
    num_done: int
