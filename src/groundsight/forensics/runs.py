"""The best unbroken run of many sequences at once: Kadane's algorithm, one step a position."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt


class Runs(NamedTuple):
    """Of each of N sequences the run of greatest sum; the earliest, where several are equal."""

    total: npt.NDArray[np.float64]
    "(N,) its sum; that of the largest single value where all are negative."
    start: npt.NDArray[np.int64]
    "(N,) its first position."
    stop: npt.NDArray[np.int64]
    "(N,) the position after its last."


def best_runs(positions: Iterable[npt.NDArray[np.floating]], count: int) -> Runs:
    """Find the best run of each sequence.

    Args:
        positions: (N,) the values of all sequences at position 0, then at 1, …
        count: N, the number of sequences.
    """
    run = np.full(count, -np.inf)
    start = np.zeros(count, dtype=np.int64)
    best = Runs(run.copy(), start.copy(), start.copy())
    for at, values in enumerate(positions):
        fresh = run < 0
        run = np.where(fresh, values, run + values)
        start = np.where(fresh, at, start)
        better = run > best.total
        best = Runs(
            np.where(better, run, best.total),
            np.where(better, start, best.start),
            np.where(better, at + 1, best.stop),
        )
    return best
