import math

import numpy as np
import pytest
from tests.forensics.signal.windows import constant, from_luma, gaussian_luma

from groundsight.forensics.signal.edges import BINS, edge_statistics
from groundsight.forensics.signal.planes import Plane, Planes

NUM_BINS = len(BINS) - 1


def scales(planes: Planes) -> list[tuple[Plane, Plane, Plane, Plane]]:
    """At each scale: roots of histogram shares, coherence, two scalars, log block energies."""
    cuts = [NUM_BINS, NUM_BINS + 5, NUM_BINS + 7]
    found = []
    for row in edge_statistics(planes).reshape(3, 25):
        histogram, coherence, scalars, energy = np.split(row, cuts)
        found.append((histogram, coherence, scalars, energy))
    return found


def test_a_constant_window_has_no_edges() -> None:
    for histogram, coherence, _, energy in scales(Planes.of(constant(60))):
        assert histogram.tolist() == [1, *[0] * (NUM_BINS - 1)]
        assert coherence == pytest.approx(0, abs=1e-3)
        assert energy == pytest.approx(math.log(0.1), abs=1e-3)


def test_a_ramp_has_one_gradient_that_doubles_with_the_scale() -> None:
    """3.5 a pixel: 7 over two pixels, then 14, then 28; all in one direction."""
    y = np.tile(3.5 * np.arange(128, dtype=np.float32), (128, 1))
    for gradient, (histogram, coherence, scalars, energy) in zip(
        (7, 14, 28), scales(from_luma(y)), strict=True
    ):
        expected = np.histogram([gradient], bins=BINS)[0]
        assert histogram.tolist() == expected.tolist()
        assert coherence == pytest.approx(1, abs=1e-3)
        assert scalars[0] == pytest.approx(1, abs=1e-3)
        assert energy == pytest.approx(math.log(gradient + 0.1), abs=1e-3)


def test_noise_has_no_direction_and_stripes_have_one() -> None:
    stripes = np.tile(128 + 50 * np.sin(np.arange(256, dtype=np.float32)), (256, 1))
    rough, straight = scales(gaussian_luma(20.0))[0], scales(from_luma(stripes))[0]
    assert rough[1][2] < 0.4
    assert straight[1][2] > 0.99
    assert straight[2][0] > 0.99


def test_a_sharp_edge_bends_more_than_a_blurred_one() -> None:
    x = np.arange(128, dtype=np.float32)
    grain = gaussian_luma(0.5, side=128).y - 128
    sharp, soft = (
        scales(from_luma(grain + 100 * np.tanh((x - x[:, None]) / width)))[0][2][1]
        for width in (0.6, 8.0)
    )
    assert sharp > soft + 0.5
