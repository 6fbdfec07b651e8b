from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from groundsight.core.errors import PictureError, UsageError
from groundsight.experts.signal.composites import (
    FEATHER_PX,
    HARD_EDGE,
    REAL_DONOR,
    UNTOUCHED,
    Recipe,
    make_picture,
    plan_composites,
)
from groundsight.experts.signal.pictures import FitPicture


def picture(label: int, index: int, folder: Path = Path()) -> FitPicture:
    name = f"{'fake' if label else 'real'}{index}.png"
    return FitPicture(path=folder / name, key=name, label=label, group=f"group{index}")


def some(num_real: int, num_fake: int) -> list[FitPicture]:
    return [picture(0, i) for i in range(num_real)] + [picture(1, i) for i in range(num_fake)]


def of_kind(recipes: list[Recipe], kind: str) -> list[Recipe]:
    return [recipe for recipe in recipes if recipe.kind == kind]


def test_every_kind_has_its_number_and_every_photograph_is_left_alone_once() -> None:
    recipes = plan_composites(some(5, 3), num=7, seed=0)
    assert Counter(r.kind for r in recipes) == dict.fromkeys(FEATHER_PX, 7) | {UNTOUCHED: 5}
    assert [r.photo for r in of_kind(recipes, UNTOUCHED)] == some(5, 0)
    assert all(r.donor is None for r in of_kind(recipes, UNTOUCHED))


def test_donors_are_of_the_kind_and_never_the_photograph_itself() -> None:
    for seed in range(20):
        recipes = plan_composites(some(3, 2), num=12, seed=seed)
        for recipe in recipes:
            assert recipe.photo.label == 0
            if recipe.donor is not None:
                assert recipe.donor.label == (recipe.kind != REAL_DONOR)
                assert recipe.donor.key != recipe.photo.key


def test_pictures_take_turns() -> None:
    recipes = of_kind(plan_composites(some(6, 4), num=12, seed=1), HARD_EDGE)
    assert set(Counter(r.photo.key for r in recipes).values()) == {2}
    assert set(Counter(r.donor.key for r in recipes if r.donor).values()) == {3}


def test_a_larger_plan_only_adds_and_another_seed_shuffles() -> None:
    pictures = some(9, 8)
    small, large = (of_kind(plan_composites(pictures, n, 0), HARD_EDGE) for n in (5, 20))
    assert large[:5] == small
    other = of_kind(plan_composites(pictures, 5, 1), HARD_EDGE)
    assert [r.photo for r in other] != [r.photo for r in small]


@pytest.mark.parametrize(("num_real", "num_fake"), [(1, 5), (5, 0), (0, 0)])
def test_a_split_without_both_is_refused(num_real: int, num_fake: int) -> None:
    with pytest.raises(UsageError, match=f"it has {num_real} and {num_fake}"):
        plan_composites(some(num_real, num_fake), num=3, seed=0)


def test_no_composites_are_refused() -> None:
    with pytest.raises(UsageError, match="got 0"):
        plan_composites(some(2, 1), num=0, seed=0)


def saved(folder: Path, label: int, colour: int, size: tuple[int, int]) -> FitPicture:
    made = picture(label, colour, folder)
    Image.new("RGB", size, (colour, colour, colour)).save(made.path)
    return made


def test_what_is_made_shows_the_donor_in_the_box(tmp_path: Path) -> None:
    photo, donor = saved(tmp_path, 0, 30, (1500, 900)), saved(tmp_path, 1, 220, (700, 700))
    recipe = Recipe(kind=HARD_EDGE, index=3, seed=0, photo=photo, donor=donor)
    rgb, box = make_picture(recipe)
    assert rgb.shape == (614, 1024, 3)  # bounded first; the box is in pixels of what is judged
    x0, y0, x1, y1 = (int(side) for side in box)
    assert 0.2 * 1024 - 1 <= x1 - x0 <= 0.5 * 1024 + 1
    inside = np.zeros(rgb.shape[:2], dtype=bool)
    inside[y0:y1, x0:x1] = True
    assert np.array_equal(rgb[..., 1] > 125, inside)
    assert np.array_equal(make_picture(recipe).rgb, rgb)


def test_an_untouched_photograph_only_passes_the_codec(tmp_path: Path) -> None:
    photo = saved(tmp_path, 0, 30, (100, 80))
    rgb, box = make_picture(Recipe(kind=UNTOUCHED, index=0, seed=0, photo=photo, donor=None))
    assert rgb.shape == (80, 100, 3)
    assert np.abs(rgb.astype(int) - 30).max() <= 2
    assert box == (0, 0, 0, 0)


def test_a_lost_file_is_a_picture_error(tmp_path: Path) -> None:
    lost = picture(0, 0, tmp_path)
    with pytest.raises(PictureError):
        make_picture(Recipe(kind=UNTOUCHED, index=0, seed=0, photo=lost, donor=None))
