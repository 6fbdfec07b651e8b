"""What holds for every family of statistics."""

import numpy as np
import pytest
from tests.forensics.signal.windows import UGLY, noise

from groundsight.forensics.signal.features import FAMILIES, NUM_FEATURES, describe
from groundsight.forensics.signal.planes import RGB, Planes

# Mean and standard deviation of each family over one window. The shipped weights were fitted on
# exactly these statistics: whoever changes a number here has to fit them again.
PINNED = {
    "patch_covariance": (-0.543848, 0.679932),
    "residual_cooccurrences": (0.155815, 0.107848),
    "colour_cooccurrences": (0.115866, 0.0535712),
    "log_spectrum": (0.948708, 0.979296),
    "dct_statistics": (0.393932, 0.298206),
    "noise_statistics": (0.692574, 1.01127),
    "tone_statistics": (29.3167, 58.0925),
    "edge_statistics": (0.608634, 1.07394),
}


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("window", UGLY)
def test_a_family_has_its_size_and_is_finite(name: str, window: str) -> None:
    family, size = FAMILIES[name]
    vector = family(Planes.of(UGLY[window]))
    assert vector.shape == (size,)
    assert vector.dtype == np.float32
    assert np.isfinite(vector).all()


@pytest.mark.parametrize("window", UGLY)
def test_a_window_is_described_the_same_every_time(window: str) -> None:
    rgb = UGLY[window]
    before = rgb.copy()
    one, again = describe(rgb), describe(rgb)
    assert one.shape == (NUM_FEATURES,)
    assert one.dtype == np.float32
    assert np.array_equal(one, again)
    assert np.array_equal(rgb, before)


def test_the_description_is_the_families_in_order() -> None:
    rgb = noise(70, 80)
    planes = Planes.of(rgb)
    parts = [family(planes) for family, _ in FAMILIES.values()]
    assert np.array_equal(describe(rgb), np.concatenate(parts))
    assert NUM_FEATURES == 1028 + 780 + 126 + 675 + 1134 + 110 + 36 + 75


def test_a_view_into_a_larger_picture_is_described_like_its_copy() -> None:
    picture = noise(200, 220)
    view = picture[8:140, 16:150]
    assert np.array_equal(describe(view), describe(np.ascontiguousarray(view)))


def test_families_tell_windows_apart() -> None:
    one, other = Planes.of(noise(80, 80)), Planes.of(UGLY["checkerboard"])
    for family, _ in FAMILIES.values():
        assert np.abs(family(one) - family(other)).max() > 0.1


@pytest.mark.parametrize("name", FAMILIES)
def test_the_statistics_are_those_that_the_weights_were_fitted_on(name: str) -> None:
    vector = FAMILIES[name][0](Planes.of(photograph_like()))
    assert (float(vector.mean()), float(vector.std())) == pytest.approx(PINNED[name], rel=1e-3)


def photograph_like() -> RGB:
    """A smooth colour gradient with noise that grows with brightness; the same everywhere."""
    y, x, channel = np.mgrid[0:192, 0:256, 0:3]
    base = 120 + 60 * np.sin(x / 23) + 40 * np.cos(y / 17 + channel)
    grain = noise(192, 256, "grain").astype(np.float64) - 127.5
    rgb: RGB = np.clip(np.rint(base + grain * base / 2500), 0, 255).astype(np.uint8)
    return rgb
