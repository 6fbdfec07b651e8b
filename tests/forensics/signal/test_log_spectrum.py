import math

import numpy as np
import pytest
from tests.forensics.signal.windows import constant, from_luma, gaussian_luma

from groundsight.core.seeds import make_rng
from groundsight.forensics.signal.planes import Planes
from groundsight.forensics.signal.spectrum import log_spectrum

NUM_RINGS, NUM_COARSE, NUM_PEAKS = 23, 121, 81
EULER = 0.5772
SIDE = 256


def luma_parts(planes: Planes) -> tuple[list[float], list[float], list[list[float]]]:
    """Rings, coarse grid and the 9 × 9 peaks at multiples of 1/16 (row: down, column: across)."""
    found = log_spectrum(planes)[: NUM_RINGS + NUM_COARSE + NUM_PEAKS]
    rings, coarse, peaks = np.split(found, [NUM_RINGS, NUM_RINGS + NUM_COARSE])
    return rings.tolist(), coarse.tolist(), peaks.reshape(9, 9).tolist()


def wave(cycles_across: float, cycles_down: float) -> Planes:
    """A cosine in a little noise; frequencies in cycles a pixel."""
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    cosine = 40 * np.cos(2 * np.pi * (cycles_across * x + cycles_down * y))
    grain = make_rng(0, "grain").normal(0, 2, (SIDE, SIDE))
    return from_luma((128 + cosine + grain).astype(np.float32))


def test_a_constant_window_shows_the_floor_alone() -> None:
    spectrum = log_spectrum(Planes.of(constant(200))).reshape(3, -1)
    for channel, floor in zip(spectrum, (1.0, 0.3, 0.3), strict=True):
        assert channel[: NUM_RINGS + NUM_COARSE] == pytest.approx(math.log(floor), abs=1e-3)
        assert channel[NUM_RINGS + NUM_COARSE :] == pytest.approx(0, abs=1e-3)


def test_white_noise_is_flat_at_its_own_power() -> None:
    """The power of a noise coefficient is exponential: its log has mean ln σ² − γ."""
    sigma = 20.0
    rings, coarse, peaks = luma_parts(gaussian_luma(sigma, side=512))
    expected = 2 * math.log(sigma) - EULER
    assert rings == pytest.approx([expected] * NUM_RINGS, abs=0.2)
    assert np.mean(rings) == pytest.approx(expected, abs=0.02)
    assert coarse == pytest.approx([expected] * NUM_COARSE, abs=0.2)
    # Of frequency 0 a block's mean is taken off.
    assert np.abs(np.ravel(peaks)[1:]).max() < 0.8


@pytest.mark.parametrize(
    ("across", "down"),
    [(0.25, 0.0), (0.0, 0.25), (0.25, 0.25), (0.4375, 0.0), (0.125, 0.375), (0.5, 0.5), (0.5, 0)],
)
def test_a_wave_peaks_at_its_own_frequency(across: float, down: float) -> None:
    _, _, peaks = luma_parts(wave(across, down))
    row, column = np.unravel_index(np.argmax(peaks), (9, 9))
    assert (int(row), int(column)) == (int(down * 16), int(across * 16))
    # At the highest frequency the peak's own slope fills half of its neighbourhood.
    assert peaks[int(row)][int(column)] > (1 if 0.5 in (across, down) else 3)


def test_both_diagonals_are_one() -> None:
    _, _, one = luma_parts(wave(0.25, 0.125))
    _, _, other = luma_parts(wave(0.25, -0.125))
    assert one[2][4] > 3
    assert other[2][4] == pytest.approx(one[2][4], abs=0.2)


def test_a_wave_raises_the_ring_of_its_radius() -> None:
    """0.25 cycles a pixel are half of the highest frequency: radius 0.5, in the ring from 0.5."""
    quiet, _, _ = luma_parts(wave(0.0, 0.0))
    loud, _, _ = luma_parts(wave(0.25, 0.0))
    assert int(np.argmax(np.subtract(loud, quiet))) == math.floor((0.5 - 0.02) / 0.06)


def test_brightness_does_not_matter() -> None:
    dark, bright = gaussian_luma(5.0), gaussian_luma(5.0)
    assert log_spectrum(from_luma(dark.y - 60)) == pytest.approx(
        log_spectrum(from_luma(bright.y + 40)), abs=0.01
    )
