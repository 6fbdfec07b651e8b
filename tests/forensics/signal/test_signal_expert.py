import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.forensics.signal.tiny_expert import tiny_expert
from tests.forensics.signal.windows import UGLY, constant, noise

from groundsight.forensics.signal.expert import (
    MAX_SIDE,
    SignalExpert,
    SignalScore,
    analysed,
    middle,
)
from groundsight.forensics.signal.planes import RGB


@pytest.fixture(scope="module")
def expert(tmp_path_factory: pytest.TempPathFactory) -> SignalExpert:
    return tiny_expert(tmp_path_factory.mktemp("weights"))


def checked(level: int, height: int, width: int) -> RGB:
    """Grey with 2 × 2 fields of ±20: not flat, and every 8 × 8 mean is the level itself."""
    sign = np.add.outer(np.arange(height) // 2, np.arange(width) // 2) % 2 * 2 - 1
    rgb: RGB = (constant(level, height, width) + 20 * sign[..., None]).astype(np.uint8)
    return rgb


def test_a_picture_by_hand(expert: SignalExpert) -> None:
    """Luma 150: linear 2 + 0.5, neural (1 + 0.25 + 3 + 0.25)/2, tree 3, network 1.5 + 0.25.

    Of these ½, ⅜, ¼ and ⅛, less ¾.
    """
    score = expert.score(checked(150, 256, 256))
    expected = {"linear": 2.5, "neural": 2.25, "trees": 3.0, "network": 1.75}
    assert score.parts == pytest.approx(expected, abs=1e-4)
    assert list(score.parts) == list(expected)
    logit = 0.5 * 2.5 + 0.375 * 2.25 + 0.25 * 3 + 0.125 * 1.75 - 0.75
    assert score.p_fake == pytest.approx(1 / (1 + math.exp(-logit)), abs=1e-5)
    assert score.why_not == ""
    assert score.cells == pytest.approx(0.5)
    assert score.cells.shape == (32, 32)
    assert score.cell_px == 8


@pytest.mark.parametrize(
    ("rgb", "reason"),
    [
        (noise(63, 200), "200×63 pixels at analysis size; at least 64×64 are needed"),
        (noise(1, 1), "1×1 pixels at analysis size"),
        (noise(90, 2048), "1024×45 pixels at analysis size"),
        (noise(1, 5000), "1024×1 pixels at analysis size"),
        (constant(0), "almost no detail"),
        (constant(255), "almost no detail"),
        (np.tile(np.arange(256, dtype=np.uint8) // 2, (96, 1))[..., None].repeat(3, 2), "smooth"),
    ],
)
def test_what_can_not_be_measured_has_no_probability(
    expert: SignalExpert, rgb: RGB, reason: str
) -> None:
    score = expert.score(rgb)
    assert score.p_fake is None
    assert reason in score.why_not
    assert score.parts == {}
    assert score.cells.size == 0


@pytest.mark.parametrize("window", UGLY)
def test_every_picture_gets_a_probability_or_a_reason(expert: SignalExpert, window: str) -> None:
    rgb = UGLY[window]
    before = rgb.copy()
    score = expert.score(rgb)
    assert (score.p_fake is None) == bool(score.why_not)
    assert score.p_fake is None or 0 <= score.p_fake <= 1
    assert np.array_equal(rgb, before)


def test_scores_are_the_same_every_time(expert: SignalExpert, tmp_path: Path) -> None:
    rgb = noise(300, 500)

    def numbers(score: SignalScore) -> tuple[object, ...]:
        return score.p_fake, score.parts, score.cells.tobytes(), score.cell_px

    assert numbers(expert.score(rgb)) == numbers(expert.score(rgb))
    assert numbers(tiny_expert(tmp_path).score(rgb)) == numbers(expert.score(rgb))


def test_a_picture_of_64_pixels_is_judged_and_its_map_ends_with_it(expert: SignalExpert) -> None:
    score = expert.score(noise(64, 100))
    assert score.p_fake is not None
    assert score.cells.shape == (8, 13)  # the last column is half of the picture, half mirrored


@pytest.mark.parametrize(
    ("size", "seen", "factor"),
    [
        ((1024, 700), (1024, 700), 1.0),
        ((200, 100), (200, 100), 1.0),
        ((2048, 1000), (1024, 500), 0.5),
        ((900, 3072), (300, 1024), 1 / 3),
        ((1025, 1025), (1024, 1024), 1024 / 1025),
        ((5000, 1), (1024, 1), 1024 / 5000),
    ],
)
def test_large_pictures_are_scaled_to_1024(
    size: tuple[int, int], seen: tuple[int, int], factor: float
) -> None:
    rgb = noise(*size)
    small, scale = analysed(rgb)
    assert MAX_SIDE == 1024
    assert small.shape == (*seen, 3)
    assert scale == pytest.approx(factor)
    assert (small is rgb) == (factor == 1)


def test_scaling_is_lanczos_and_the_cells_grow_by_it(expert: SignalExpert) -> None:
    rgb = noise(1000, 2048)
    small = Image.fromarray(rgb).resize((1024, 500), Image.Resampling.LANCZOS)
    score = expert.score(rgb)
    assert score.p_fake == expert.score(np.asarray(small)).p_fake
    assert score.cell_px == 16
    assert score.cells.shape == (62, 128)


def test_the_middle_window_lies_on_the_8_pixel_grid() -> None:
    y, x = np.mgrid[0:700, 0:530]
    rgb = np.stack([y // 8, x // 8, y % 8 * 8 + x % 8], axis=-1).astype(np.uint8)
    window = middle(rgb)
    assert window.shape == (512, 512, 3)
    assert window[0, 0].tolist() == [11, 1, 0]  # (700 − 512)/2 = 94 → 88; (530 − 512)/2 = 9 → 8
    assert middle(rgb[:100, :512]).shape == (100, 512, 3)
    assert middle(rgb[:100, :512])[0, 0].tolist() == [0, 0, 0]


def test_statistics_are_of_the_middle_only(expert: SignalExpert) -> None:
    """A picture bright at its rim: the window of 512 pixels does not see it."""
    rgb = checked(60, 800, 800)
    rgb[:100] = rgb[-100:] = 255
    parts = expert.score(rgb).parts
    assert parts["linear"] == pytest.approx(2 * (60 - 100) / 50 + 0.5, abs=1e-4)
    assert parts["neural"] == pytest.approx((-2 * 0.8 + 0.25 - 0.8 + 0.25) / 2, abs=1e-4)
    assert parts["trees"] == -1
    assert parts["network"] != expert.score(checked(60, 800, 800)).parts["network"]
