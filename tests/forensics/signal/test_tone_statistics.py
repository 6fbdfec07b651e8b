import numpy as np
import pytest
from tests.forensics.signal.windows import constant

from groundsight.forensics.signal.planes import Planes
from groundsight.forensics.signal.tone import tone_statistics

COLOUR = np.array([200, 100, 50], dtype=np.uint8)


def test_a_constant_grey_has_one_tone_and_no_colour() -> None:
    luma, blue, red, rest = np.split(tone_statistics(Planes.of(constant(100))), [9, 18, 27])
    assert luma == pytest.approx([100, 0, *[100] * 7], abs=1e-3)
    assert blue == pytest.approx(0, abs=1e-3)
    assert red == pytest.approx(0, abs=1e-3)
    assert rest == pytest.approx(0)


def test_saturation_of_one_colour() -> None:
    rest = tone_statistics(Planes.of(constant(0) + COLOUR))[27:]
    assert rest == pytest.approx([150 / 201] * 6 + [0, 0, 0], abs=1e-5)


@pytest.mark.parametrize(
    ("level", "shares"), [(255, (1, 0)), (254, (1, 0)), (1, (0, 1)), (2, (0, 0))]
)
def test_shares_of_clipped_pixels(level: int, shares: tuple[int, int]) -> None:
    assert tuple(tone_statistics(Planes.of(constant(level)))[33:35]) == shares


def test_quantiles_and_spread_of_a_ramp() -> None:
    """0, 2, …, 254 after every other column is left out: mean 127, σ = 2·√((128² − 1)/12)."""
    grey = np.tile(np.arange(256, dtype=np.uint8), (64, 1))
    luma = tone_statistics(Planes.of(np.stack([grey] * 3, axis=-1)))[:9]
    assert luma[:2] == pytest.approx([127, 2 * np.sqrt((128**2 - 1) / 12)], abs=1e-2)
    assert luma[2:] == pytest.approx(254 * np.array([0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99]), abs=2)


def test_chroma_of_reds_and_blues_is_opposed() -> None:
    window = constant(0, 64, 64)
    window[:32, :, 0] = 255
    window[32:, :, 2] = 255
    assert tone_statistics(Planes.of(window))[-1] == pytest.approx(-1, abs=1e-3)
