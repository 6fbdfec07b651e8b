"""Crops against torchvision's rules restated in numpy, and against tiling as NPR's author does."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pydantic import ValidationError
from tests.experts.official_steps import noise, tiled, torchvision_centre_crop

from groundsight.experts.crops import MAX_SIDE, CropSettings, crop_views

SIZES = [(40, 40), (41, 40), (40, 43), (45, 46), (31, 50), (50, 31), (7, 9), (1, 1), (39, 41)]


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_padded_centre_is_torchvisions(width: int, height: int) -> None:
    pixels = noise(width, height)
    views = crop_views(Image.fromarray(pixels), CropSettings(crop=40, small="pad"))
    assert views.dtype == np.uint8 and views.shape == (1, 40, 40, 3)
    np.testing.assert_array_equal(views[0], torchvision_centre_crop(pixels, 40))


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_tiled_centre_is_that_of_whole_copies(width: int, height: int) -> None:
    pixels = noise(width, height)
    views = crop_views(Image.fromarray(pixels), CropSettings(crop=40, small="tile"))
    np.testing.assert_array_equal(views[0], torchvision_centre_crop(tiled(pixels, 40), 40))


def test_a_grid_lies_evenly() -> None:
    # 100 wide, crops of 20: starts at (100 − 20) · (i + ½) / 2 = 20 and 60; 60 high: 10 and 30.
    pixels = noise(100, 60)
    views = crop_views(Image.fromarray(pixels), CropSettings(crop=20, grid=2))
    wanted = [pixels[y : y + 20, x : x + 20] for y in (10, 30) for x in (20, 60)]
    np.testing.assert_array_equal(views, np.stack(wanted))


def test_a_whole_picture_is_shown_as_it_is_up_to_a_limit() -> None:
    pixels = noise(33, 21)
    views = crop_views(Image.fromarray(pixels), CropSettings(crop=None))
    np.testing.assert_array_equal(views, pixels[None])
    wide = crop_views(Image.new("RGB", (MAX_SIDE + 10, 4)), CropSettings(crop=None))
    assert wide.shape == (1, 4, MAX_SIDE, 3)


@given(
    width=st.integers(1, 70),
    height=st.integers(1, 70),
    grid=st.integers(1, 3),
    small=st.sampled_from(["pad", "tile"]),
)
def test_every_size_gives_crops_of_one_shape(
    width: int, height: int, grid: int, small: str
) -> None:
    settings = CropSettings.model_validate({"crop": 24, "grid": grid, "small": small})
    views = crop_views(Image.fromarray(noise(width, height)), settings)
    assert views.shape == (grid * grid, 24, 24, 3)


@pytest.mark.parametrize("shape", [(100_000, 1), (1, 100_000)])
@pytest.mark.parametrize("small", ["pad", "tile"])
def test_a_line_of_pixels_does_not_cost_its_length_squared(
    shape: tuple[int, int], small: str
) -> None:
    settings = CropSettings.model_validate({"crop": 224, "small": small})
    assert crop_views(Image.new("RGB", shape), settings).shape == (1, 224, 224, 3)


def test_a_command_line_writes_none_for_the_whole_picture() -> None:
    assert CropSettings.model_validate({"crop": "none"}).crop is None
    with pytest.raises(ValidationError):
        CropSettings.model_validate({"crop": 4})
