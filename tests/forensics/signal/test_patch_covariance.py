import math

import numpy as np
import numpy.typing as npt
import pytest
from tests.forensics.signal.windows import constant, from_luma, gaussian_luma

from groundsight.forensics.signal.covariance import patch_covariance
from groundsight.forensics.signal.planes import Plane, Planes

LUMA = 25 * 26 // 2  # entries of the upper triangle of a 25 × 25 matrix
COLOUR = 27 * 28 // 2
Matrix = npt.NDArray[np.float64]
FLOORS = (1e-3, 1e-5, 1e-5)


def split(planes: Planes) -> list[list[float]]:
    found = np.split(patch_covariance(planes), [LUMA, 2 * LUMA])
    assert [len(part) for part in found] == [LUMA, LUMA, COLOUR]
    return [part.tolist() for part in found]


def matrix(upper: list[float]) -> Matrix:
    """The symmetric matrix of an upper triangle whose off-diagonal entries are times √2."""
    side = int(math.sqrt(2 * len(upper)))
    rows, columns = np.triu_indices(side)
    found = np.zeros((side, side))
    found[rows, columns] = upper
    found[columns, rows] = upper
    off = ~np.eye(side, dtype=bool)
    found[off] /= math.sqrt(2)
    return found


def test_a_constant_window_has_the_logarithm_of_the_floor() -> None:
    for part, floor in zip(split(Planes.of(constant(90))), FLOORS, strict=True):
        side = int(math.sqrt(2 * len(part)))
        assert matrix(part) == pytest.approx(math.log(floor) * np.eye(side), abs=1e-3)


def test_white_noise_has_a_logarithm_like_the_identity() -> None:
    """Patches lose their mean: covariance σ²·(I − J/25), its logarithm ln σ² on that space.

    On the remaining direction, that of J/25, only the floor is left: J of ones has the entry
    (ln floor − ln σ²)/25 everywhere.
    """
    sigma = 10.0
    plain = matrix(split(gaussian_luma(sigma, side=512))[0])
    everywhere = (math.log(1e-3) - 2 * math.log(sigma)) / 25
    expected = 2 * math.log(sigma) * np.eye(25) + everywhere
    assert plain == pytest.approx(expected, abs=0.05)


def test_twice_the_contrast_adds_ln_4_off_the_mean() -> None:
    once = gaussian_luma(10.0)
    twice = from_luma(2 * once.y)
    more = matrix(split(twice)[0]) - matrix(split(once)[0])
    assert more == pytest.approx(math.log(4) * (np.eye(25) - 1 / 25), abs=1e-3)


def test_weighted_patches_do_not_know_the_contrast() -> None:
    """Patches over their own root mean square (plus 1): twice the strength differs little."""
    once = gaussian_luma(40.0)
    plain, weighted, _ = (
        np.abs(np.subtract(b, a)).max()
        for a, b in zip(split(once), split(from_luma(2 * once.y)), strict=True)
    )
    assert plain > 1.2
    assert weighted < 0.05


def test_neighbours_that_go_together_show_beside_the_diagonal() -> None:
    noise = gaussian_luma(10.0).y
    smooth: Plane = (noise[:, :-1] + noise[:, 1:]) * np.float32(0.5)
    across = matrix(split(from_luma(smooth))[0])
    rough = matrix(split(from_luma(noise))[0])
    assert across[12, 13] > rough[12, 13] + 0.5  # centre and its right neighbour
    assert abs(across[12, 17] - rough[12, 17]) < 0.5  # centre and the one below
