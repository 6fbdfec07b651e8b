import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundsight.forensics.signal.classifiers import (
    CLIP_SIGMAS,
    Linear,
    Neural,
    Trees,
    standardised,
)
from groundsight.forensics.signal.planes import Vector


def vector(*values: float) -> Vector:
    return np.array(values, dtype=np.float32)


LINEAR = Linear(vector(10, 0, -1), vector(2, 1, 0.5), vector(3, -1, 0.5), bias=0.25)


def layers(*arrays: object) -> tuple[npt.NDArray[np.float16], ...]:
    return tuple(np.array(array, dtype=np.float16) for array in arrays)


DEEP = layers([[1, 0], [0, -1]], [0, 1], [[2, 1], [-1, 1]], [0, 0.5], [[1, -2]], [0.25])
SHALLOW = layers([[-1, 1], [1, 1]], [0, 0.5], [[3, 2]], [-0.25])


def neural(*members: tuple[npt.NDArray[np.float16], ...]) -> Neural:
    return Neural(vector(10, 0), vector(2, 1), members)


# if x0 <= 1.5: (if x1 <= -2: 0.5 else 0.125) else -1;  always 0.0625;  if x1 <= 4: 8 else 16
TREES = Trees(
    roots=np.array([0, 5, 6], dtype=np.int32),
    feature=np.array([0, 1, -1, -1, -1, -1, 1, -1, -1], dtype=np.int32),
    threshold=np.array([1.5, -2.0, 0.5, 0.125, -1.0, 0.0625, 4.0, 8.0, 16.0]),
    left=np.array([1, 2, 2, 3, 4, 5, 7, 7, 8], dtype=np.int32),
    right=np.array([4, 3, 2, 3, 4, 5, 8, 7, 8], dtype=np.int32),
    depth=2,
)


def test_linear_by_hand() -> None:
    """(12 − 10)/2 · 3 − 1.5 + (−0.5 + 1)/0.5 · 0.5 + 0.25 = 3 − 1.5 + 0.5 + 0.25."""
    assert LINEAR.logit(vector(12, 1.5, -0.5)) == pytest.approx(2.25)
    assert LINEAR.logit(LINEAR.mean) == pytest.approx(0.25)


def test_a_statistic_far_out_counts_as_five_sigmas() -> None:
    assert CLIP_SIGMAS == 5
    assert LINEAR.logit(vector(1e9, 0, -1)) == pytest.approx(15.25)
    assert LINEAR.logit(vector(20, 0, -1)) == pytest.approx(15.25)
    assert LINEAR.logit(vector(-1e9, 0, -1)) == pytest.approx(-14.75)
    assert LINEAR.logit(vector(18, 0, -1)) == pytest.approx(12.25)  # four sigmas are not cut


def test_standardised_rows() -> None:
    rows = np.stack([vector(12, 3, -1), vector(0, -3, 9)])
    assert standardised(rows, LINEAR.mean, LINEAR.scale).tolist() == [[1, 3, 0], [-5, -3, 5]]
    assert standardised(rows, LINEAR.mean, LINEAR.scale).dtype == np.float32


def test_neural_by_hand() -> None:
    """At (2, −2) sigmas.

    Deep: (2, 2 + 1), then (4 + 3, −2 + 3 + 0.5), then 7 − 3 + 0.25 = 4.25.
    Shallow: (−2 − 2 → 0, 0 + 0.5), then 1 − 0.25 = 0.75.
    """
    x = vector(14, -2)
    assert neural(DEEP).logit(x) == 4.25
    assert neural(SHALLOW).logit(x) == 0.75
    assert neural(DEEP, SHALLOW).logit(x) == 2.5


def test_a_perceptron_may_say_real() -> None:
    """At (0, 3) sigmas the hidden values are (0, −2 → 0), (0, 0.5): 0 − 1 + 0.25, not cut at 0."""
    assert neural(DEEP).logit(vector(10, 3)) == -0.75


def test_a_perceptron_sees_five_sigmas_at_most() -> None:
    """At (5, 0) sigmas: (5, 1), then (11, −3.5 → 0), then 11.25."""
    assert neural(DEEP).logit(vector(20, 0)) == 11.25
    assert neural(DEEP).logit(vector(1e9, 0)) == 11.25
    assert neural(DEEP).logit(vector(18, 0)) == 9.25  # four sigmas are not cut
    far, edge = vector(-1e9, 1e9), vector(0, 5)
    assert neural(DEEP, SHALLOW).logit(far) == neural(DEEP, SHALLOW).logit(edge)


@given(st.floats(-1e6, 1e6, width=32), st.floats(-1e6, 1e6, width=32))
def test_neural_is_the_mean_of_its_members(x0: float, x1: float) -> None:
    x = vector(x0, x1)
    mean = (neural(DEEP).logit(x) + 2 * neural(SHALLOW).logit(x)) / 3
    assert neural(DEEP, SHALLOW, SHALLOW).logit(x) == pytest.approx(mean, abs=1e-9)


def test_sums_are_not_in_half_precision() -> None:
    """60000 is below the largest half, 120000 is not."""
    assert neural(layers([[60000, 60000]], [1])).logit(vector(12, 1)) == 120_001


@pytest.mark.parametrize(
    ("x0", "x1", "expected"),
    [
        (0, -3, 0.5 + 0.0625 + 8),
        (1.5, -2, 0.5 + 0.0625 + 8),  # at the threshold: left
        (1.5, -1.75, 0.125 + 0.0625 + 8),
        (1.75, -3, -1 + 0.0625 + 8),
        (1.75, 4.5, -1 + 0.0625 + 16),
    ],
)
def test_trees_by_hand(x0: float, x1: float, expected: float) -> None:
    assert TREES.logit(vector(x0, x1)) == expected


@given(st.floats(-1e6, 1e6, width=32), st.floats(-1e6, 1e6, width=32))
def test_trees_walk_as_nested_ifs_do(x0: float, x1: float) -> None:
    first = (0.5 if x1 <= -2 else 0.125) if x0 <= 1.5 else -1.0
    assert TREES.logit(vector(x0, x1)) == first + 0.0625 + (8 if x1 <= 4 else 16)


def test_a_forest_of_leaves_needs_no_step() -> None:
    leaf = np.array([0], dtype=np.int32)
    stump = Trees(leaf, np.array([-1], dtype=np.int32), np.array([0.5]), leaf, leaf, depth=0)
    assert stump.logit(vector(1, 2)) == 0.5
