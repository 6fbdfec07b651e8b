"""Colour over a picture: what is warm, cool, untouched and dark."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from groundsight.vision.shading import COOL, STRONGEST, WARM, shade

GREY = np.full((1, 4, 3), 100, np.uint8)


def test_by_hand_on_grey() -> None:
    values = np.array([[1.0, -1.0, 0.0, np.nan]], np.float32)
    shaded = shade(GREY, values, scale=1.0)[0].astype(float)
    for pixel, colour in ((0, WARM), (1, COOL)):
        expected = 100 + STRONGEST * (np.array(colour) - 100)
        np.testing.assert_allclose(shaded[pixel], expected, atol=0.51)
    np.testing.assert_allclose(shaded[2], 100, atol=0.51)
    assert (shaded[3] < 45).all()


def test_half_the_scale_is_half_the_colour() -> None:
    full, half = shade(GREY, np.array([[1.0, 0.5, 0, 0]], np.float32), scale=1.0)[0, :2].astype(int)
    np.testing.assert_allclose(half - 100, (full - 100) / 2, atol=1)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_any_values_give_a_picture_of_the_same_size(width: int, height: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rgb = rng.integers(0, 256, (height, width, 3), np.uint8)
    values = rng.normal(size=(height, width)).astype(np.float32) * 10.0 ** rng.integers(-30, 30)
    values[rng.random((height, width)) < 0.3] = np.nan
    shaded = shade(rgb, values)
    assert shaded.shape == rgb.shape and shaded.dtype == np.uint8
    negated = shade(rgb, -values)
    warmer = values > 0
    assert (shaded[warmer][:, 2] <= negated[warmer][:, 2]).all()


def test_nothing_known_and_all_zero_are_drawn() -> None:
    unknown = shade(GREY, np.full((1, 4), np.nan, np.float32))
    assert (unknown == unknown[0, 0, 0]).all()
    assert (shade(GREY, np.zeros((1, 4), np.float32)) == 100).all()
