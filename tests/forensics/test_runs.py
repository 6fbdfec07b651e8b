"""The best run of many sequences at once, against all runs tried one by one."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from groundsight.core.seeds import make_rng
from groundsight.forensics.runs import best_runs


def test_by_hand() -> None:
    values = np.array([[1.0, -2, 3, 4, -9], [-3, -1, -2, -5, -4], [0, 0, 2, 0, 0]])
    runs = best_runs(values.T, 3)
    assert runs.total.tolist() == [7, -1, 2]
    assert runs.start.tolist() == [2, 1, 0]  # zeros before a gain belong to the run
    assert runs.stop.tolist() == [4, 2, 3]  # zeros after it do not


@given(st.integers(1, 12), st.integers(1, 5), st.integers(0, 10**6))
def test_no_run_is_better(length: int, count: int, seed: int) -> None:
    values = make_rng(seed).normal(size=(count, length))
    runs = best_runs(values.T, count)
    for row, total, start, stop in zip(values, *runs, strict=True):
        every = [row[i:j].sum() for i in range(length) for j in range(i + 1, length + 1)]
        assert np.isclose(total, max(every)) and np.isclose(row[start:stop].sum(), total)
