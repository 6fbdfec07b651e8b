import math

import numpy as np
import pytest
from tests.forensics.signal.windows import constant, from_luma, gaussian_luma

from groundsight.forensics.signal.block_dct import dct_statistics
from groundsight.forensics.signal.planes import Planes, dct_matrix


def luma(planes: Planes) -> list[list[float]]:
    """Of luma on the grid, then off it: log means, log ratios, shares near zero; 63 each."""
    found: list[list[float]] = dct_statistics(planes)[: 6 * 63].reshape(6, 63).tolist()
    return found


def test_a_constant_window_has_no_coefficients() -> None:
    for statistics in dct_statistics(Planes.of(constant(70))).reshape(6, 3, 63):
        assert statistics[0] == pytest.approx(math.log(1e-3), abs=0.1)
        assert statistics[1] == pytest.approx(0, abs=0.1)
        assert statistics[2] == pytest.approx(1)


def test_gaussian_noise_has_gaussian_coefficients() -> None:
    """Mean magnitude σ·√(2/π), root mean square σ: their log ratio is ½·ln(π/2) = 0.226."""
    sigma = 12.0
    mean, ratio, near_zero, *_ = luma(gaussian_luma(sigma, side=512))
    assert mean == pytest.approx([math.log(sigma * math.sqrt(2 / math.pi))] * 63, abs=0.06)
    assert ratio == pytest.approx([0.5 * math.log(math.pi / 2)] * 63, abs=0.04)
    share = math.erf(0.5 / sigma / math.sqrt(2))
    assert near_zero == pytest.approx([share] * 63, abs=0.015)


@pytest.mark.parametrize("coefficient", [1, 8, 9, 27])
def test_one_basis_function_a_block_shows_on_the_grid_alone(coefficient: int) -> None:
    """Each 8 × 8 block is 50 times one basis function; `coefficient` counts from the mean, 0."""
    block = 50 * dct_matrix(8)[:, coefficient].reshape(8, 8)
    on_mean, _, on_zero, _, _, off_zero = luma(from_luma(128 + np.tile(block, (12, 12))))
    at = coefficient - 1
    assert on_mean[at] == pytest.approx(math.log(50), abs=1e-3)
    assert on_zero[at] == 0
    assert [share for i, share in enumerate(on_zero) if i != at] == [1] * 62
    # Blocks half off the grid see the seam between two of them, in several coefficients.
    assert sum(share < 0.5 for share in off_zero) > 1


def test_chroma_comes_after_luma() -> None:
    planes = gaussian_luma(12.0)
    turned = Planes(planes.rgb, planes.cb, planes.y, planes.cr)
    assert np.array_equal(
        dct_statistics(planes)[: 6 * 63], dct_statistics(turned)[6 * 63 : 12 * 63]
    )
