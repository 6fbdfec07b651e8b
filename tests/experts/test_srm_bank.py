"""The bank against the filters of the literature, written out by hand."""

import numpy as np

from groundsight.experts.networks.srm import srm_bank


def placed(rows: list[list[float]]) -> np.ndarray:
    """A kernel of 3×3 or 5×5 in the middle of 5×5."""
    kernel = np.array(rows, np.float32)
    return np.pad(kernel, (5 - len(rows)) // 2)


# One of each kind and direction that a wrong turn or order would change.
BY_HAND = {
    0: placed([[1, 0, 0], [0, -1, 0], [0, 0, 0]]),
    3: placed([[0, 0, 0], [1, -1, 0], [0, 0, 0]]),
    5: placed([[0, 0, 0], [0, -1, 0], [1, 0, 0]]),
    8: placed([[1, 0, 0], [0, -2, 0], [0, 0, 1]]) / 2,
    10: placed([[0, 0, 1], [0, -2, 0], [1, 0, 0]]) / 2,
    11: placed([[0, 0, 0], [1, -2, 1], [0, 0, 0]]) / 2,
    12: placed(
        [[-1, 0, 0, 0, 0], [0, 3, 0, 0, 0], [0, 0, -3, 0, 0], [0, 0, 0, 1, 0], [0, 0, 0, 0, 0]]
    )
    / 3,
    15: placed([[0] * 5, [0] * 5, [0, 1, -3, 3, -1], [0] * 5, [0] * 5]) / 3,
    18: placed(
        [[0, 0, 0, 0, 0], [0, 0, 0, 1, 0], [0, 0, -3, 0, 0], [0, 3, 0, 0, 0], [-1, 0, 0, 0, 0]]
    )
    / 3,
    20: placed([[-1, 2, -1], [2, -4, 2], [0, 0, 0]]) / 4,
    21: placed([[0, 2, -1], [0, -4, 2], [0, 2, -1]]) / 4,
    22: placed([[0, 0, 0], [2, -4, 2], [-1, 2, -1]]) / 4,
    25: placed(
        [
            [0, 0, -2, 2, -1],
            [0, 0, 8, -6, 2],
            [0, 0, -12, 8, -2],
            [0, 0, 8, -6, 2],
            [0, 0, -2, 2, -1],
        ]
    )
    / 12,
    27: placed(
        [
            [-1, 2, -2, 0, 0],
            [2, -6, 8, 0, 0],
            [-2, 8, -12, 0, 0],
            [2, -6, 8, 0, 0],
            [-1, 2, -2, 0, 0],
        ]
    )
    / 12,
    28: placed([[-1, 2, -1], [2, -4, 2], [-1, 2, -1]]) / 4,
}


def test_filters_are_those_of_the_literature_in_the_shared_order() -> None:
    bank = srm_bank()
    assert bank.shape == (30, 5, 5)
    for index, kernel in BY_HAND.items():
        np.testing.assert_allclose(bank[index], kernel, rtol=1e-6, err_msg=str(index))


def test_no_filter_repeats_and_all_but_edge_ones_ignore_a_flat_picture() -> None:
    bank = srm_bank()
    assert len({kernel.tobytes() for kernel in bank}) == 30
    sums = np.abs(bank.sum((1, 2)))
    assert sums.max() < 1e-6
