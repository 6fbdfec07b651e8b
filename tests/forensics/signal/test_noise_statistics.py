import math

import numpy as np
import pytest
from tests.forensics.signal.windows import from_luma, gaussian_luma, noise

from groundsight.core.seeds import make_rng
from groundsight.forensics.signal.noise import BRIGHTNESS, noise_statistics
from groundsight.forensics.signal.planes import Planes

MEDIAN = 4  # of the eight luma quantiles that come first
BY_BRIGHTNESS = slice(20, 28)
BY_TEXTURE = slice(28, 73)
CORRELATION = 73
BANDS = slice(74, 110)


@pytest.mark.parametrize("sigma", [1.0, 3.0, 10.0, 30.0])
def test_the_level_of_gaussian_noise_is_found(sigma: float) -> None:
    statistics = noise_statistics(gaussian_luma(sigma))
    assert math.exp(statistics[MEDIAN]) - 0.05 == pytest.approx(sigma, rel=0.05)


def test_chroma_has_its_own_level() -> None:
    """Chroma residuals are not rescaled: the 3×3 kernel's gain of 3/2 stays in."""
    grain = make_rng(0, "chroma").normal(0, 4, (256, 256)).astype(np.float32)
    planes = gaussian_luma(2.0)
    statistics = noise_statistics(Planes(planes.rgb, planes.y, grain, planes.cr))
    blue, red = statistics[8:14], statistics[14:20]
    assert math.exp(blue[3]) == pytest.approx(4 * 1.5, rel=0.05)
    assert red == pytest.approx(math.log(0.05))


def test_noise_is_told_apart_by_brightness() -> None:
    """Dark half: σ 2 around 50; bright half: σ 8 around 210. Empty bands say the overall level."""
    grain = make_rng(0, "halves").normal(0, 1, (256, 256))
    y = np.concatenate([50 + 2 * grain[:128], 210 + 8 * grain[128:]]).astype(np.float32)
    levels = np.exp(noise_statistics(from_luma(y))[BY_BRIGHTNESS])
    dark, bright = np.digitize(50, BRIGHTNESS), np.digitize(210, BRIGHTNESS)
    assert levels[dark] == pytest.approx(2, rel=0.25)
    assert levels[bright] == pytest.approx(8, rel=0.25)
    assert levels[0] == levels[3] == levels[4]


def test_noise_without_texture_is_equal_in_every_fifth() -> None:
    rows = noise_statistics(gaussian_luma(6.0))[BY_TEXTURE].reshape(5, 9)
    level, texture = np.exp(rows[:, 0]), np.exp(rows[:, 1])
    assert level == pytest.approx(6, rel=0.2)
    assert (np.diff(texture) > 0).all()
    assert rows[:, 2] == pytest.approx(math.log(3), abs=0.3)  # the kurtosis of Gaussian residuals


def test_channels_that_share_their_noise_correlate() -> None:
    planes = gaussian_luma(5.0)
    together = Planes(planes.rgb, planes.y, planes.y - 128, 128 - planes.y)
    own = make_rng(0, "own").normal(0, 5, (2, 256, 256)).astype(np.float32)
    apart = Planes(planes.rgb, planes.y, own[0], own[1])
    for statistics, expected in ((together, (1, -1, -1)), (apart, (0, 0, 0))):
        rows = noise_statistics(statistics)[BY_TEXTURE].reshape(5, 9)
        assert rows[:, 4:7].mean(axis=0) == pytest.approx(expected, abs=0.05)


def test_noise_that_follows_texture_correlates_with_it() -> None:
    grain = make_rng(0, "follows").normal(0, 1, (256, 256))
    strength = np.linspace(1, 20, 256)
    follows = noise_statistics(from_luma((128 + grain * strength).astype(np.float32)))
    assert follows[CORRELATION] > 0.9
    assert noise_statistics(Planes.of(np.full((96, 96, 3), 9, np.uint8)))[CORRELATION] == 0


def test_detail_of_gaussian_noise_is_gaussian_at_every_scale() -> None:
    scales = noise_statistics(gaussian_luma(10.0, side=512))[BANDS][:12].reshape(4, 3)
    assert (np.diff(scales[:, 0]) < 0).all()  # a blur takes power off, scale after scale
    assert scales[:, 1] == pytest.approx(math.log(3), abs=0.15)
    assert scales[:, 2] == pytest.approx(0.5 * math.log(2 / math.pi), abs=0.05)


def test_scales_that_a_small_window_lacks_are_zero() -> None:
    scales = noise_statistics(Planes.of(noise(64, 64)))[BANDS].reshape(3, 4, 3)
    assert (scales[:, :2, 0] > 0).all()
    assert not scales[:, 2:].any()
