from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.experts.signal.fit_set import make_manifest, make_pair

from groundsight.core.errors import UsageError
from groundsight.experts.signal.pictures import (
    CROP_PX,
    NUM_FOLDS,
    FitPicture,
    assign_folds,
    choose_partners,
    described_views,
    picture_weights,
    protocol_pixels,
    read_manifest,
    training_crops,
)
from groundsight.forensics.signal.expert import middle
from groundsight.forensics.signal.features import NUM_FEATURES, describe


def listed(*groups: tuple[int, str, int]) -> list[FitPicture]:
    """(label, group, how many) → pictures without files."""
    return [
        FitPicture(path=Path("none"), key=f"{group}/{i}", label=label, group=group)
        for label, group, count in groups
        for i in range(count)
    ]


SEVERAL = listed((1, "a", 7), (1, "b", 5), (1, "c", 3), (1, "d", 2), (1, "e", 1), (0, "cam", 40))


def folds_by_group(pictures: Sequence[FitPicture]) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for picture, fold in zip(pictures, assign_folds(pictures).tolist(), strict=True):
        found.setdefault(picture.group, set()).add(fold)
    return found


def test_a_manifest_is_read_in_order_and_by_split(tmp_path: Path) -> None:
    manifest = make_manifest(tmp_path, num_real=3, num_families=2)
    pictures = read_manifest(manifest, "fit")
    assert [p.key for p in pictures] == [f"real{i}.png" for i in range(3)] + [
        f"fake{i}.png" for i in range(4)
    ]
    assert [p.label for p in pictures] == [0, 0, 0, 1, 1, 1, 1]
    assert [p.group for p in pictures] == [
        *["camera0", "camera1", "camera2"],
        *["family0", "family0", "family1", "family1"],
    ]
    assert all(picture.path.is_file() for picture in pictures)
    assert [p.key for p in read_manifest(manifest, "unseen")] == ["unseen.png"]


def test_families_go_largest_first_to_the_emptiest_fold() -> None:
    """7, 5, 3, 2 fill the four folds; the family of one joins the fold that holds two."""
    assert {g: f for g, f in folds_by_group(SEVERAL).items() if g != "cam"} == {
        "a": {0},
        "b": {1},
        "c": {2},
        "d": {3},
        "e": {3},
    }


def test_photographs_are_spread_by_their_key() -> None:
    assert folds_by_group(SEVERAL)["cam"] == set(range(NUM_FOLDS))
    by_key = dict(zip((p.key for p in SEVERAL), assign_folds(SEVERAL).tolist(), strict=True))
    backwards = SEVERAL[::-1]
    again = dict(zip((p.key for p in backwards), assign_folds(backwards).tolist(), strict=True))
    assert again == by_key


@given(st.lists(st.integers(1, 9), min_size=1, max_size=12))
def test_a_family_is_never_split(sizes: list[int]) -> None:
    pictures = listed(*((1, f"family{i}", size) for i, size in enumerate(sizes)))
    assert all(len(folds) == 1 for folds in folds_by_group(pictures).values())


def test_weights_by_hand() -> None:
    """Half a class; within one, groups of 4 and 1 share as 4^0.6 to 1."""
    pictures = listed((1, "large", 4), (1, "small", 1), (0, "cam", 2))
    weights = picture_weights(pictures, np.ones(7, dtype=bool), group_power=0.6)
    large = 0.5 * 4**0.6 / (4**0.6 + 1) / 4
    assert weights == pytest.approx([large] * 4 + [0.5 - 4 * large] + [0.25] * 2)


@pytest.mark.parametrize(
    ("power", "large", "small"),
    [(1.0, 0.1, 0.1), (0.5, 0.5 * 2 / 3 / 4, 0.5 / 3), (0.0, 0.25 / 4, 0.25)],
    ids=["pictures count the same", "by the root of their number", "groups count the same"],
)
def test_weights_by_group_power(power: float, large: float, small: float) -> None:
    pictures = listed((1, "large", 4), (1, "small", 1), (0, "cam", 2))
    weights = picture_weights(pictures, np.ones(7, dtype=bool), group_power=power)
    assert weights == pytest.approx([large] * 4 + [small] + [0.25] * 2)


def test_weights_are_of_those_kept_alone() -> None:
    keep = assign_folds(SEVERAL) != 0
    weights = picture_weights(SEVERAL, keep, group_power=0.6)
    labels = np.array([picture.label for picture in SEVERAL])
    assert not weights[~keep].any()
    assert weights[keep & (labels == 1)].sum() == pytest.approx(0.5)
    assert weights[keep & (labels == 0)].sum() == pytest.approx(0.5)


def test_a_partner_is_of_the_other_class_and_the_same_fold() -> None:
    folds = assign_folds(SEVERAL)
    fold_of = {picture.key: fold for picture, fold in zip(SEVERAL, folds, strict=True)}
    partners = choose_partners(SEVERAL, folds)
    for picture, partner in zip(SEVERAL, partners, strict=True):
        assert partner.label != picture.label
        assert fold_of[partner.key] == fold_of[picture.key]
    assert [p.key for p in choose_partners(SEVERAL, folds)] == [p.key for p in partners]
    assert len({partner.key for partner in partners}) > NUM_FOLDS


def test_a_fold_of_one_class_can_not_be_composed() -> None:
    pictures = listed((1, "a", 2), (0, "cam", 1))
    with pytest.raises(UsageError, match="fold 1 holds pictures of one class only"):
        choose_partners(pictures, np.array([1, 1, 2]))


def test_views_are_described_protocol_first(tmp_path: Path) -> None:
    picture, _ = make_pair(tmp_path)
    views = described_views(picture, 3)
    assert views.shape == (3, NUM_FEATURES)
    assert np.array_equal(views[0], describe(middle(protocol_pixels(picture))))
    assert np.array_equal(views, described_views(picture, 3))
    assert not np.array_equal(views[1], views[2])


@pytest.mark.parametrize("turn", [1, -1], ids=["real first", "generated first"])
def test_the_truth_of_a_crop_says_which_pixels_are_generated(tmp_path: Path, turn: int) -> None:
    """The real picture is dark and the generated one bright, so the crops tell the truth again."""
    picture, partner = make_pair(tmp_path)[::turn]
    views = 12
    crops = training_crops((picture, partner), views)
    assert crops.pixels.shape == (views, CROP_PX, CROP_PX, 3)
    assert crops.truth.shape == (views, CROP_PX, CROP_PX)
    assert crops.pixels.dtype == crops.truth.dtype == np.uint8
    plain, composed = crops.truth[: views // 2], crops.truth[views // 2 :]
    assert (plain == picture.label).all()
    for truth in composed:
        share = (truth == partner.label).mean()
        assert 0.25**2 * 0.9 < share < 0.8**2 * 1.1
        rows, columns = np.where(truth == partner.label)
        assert share * truth.size == (np.ptp(rows) + 1) * (np.ptp(columns) + 1)  # a rectangle
    seen = crops.pixels.mean(axis=-1) > 127.5
    assert (seen == (crops.truth == 1)).mean() > 0.985
    assert (seen == (crops.truth == 1)).mean(axis=(1, 2)).min() > 0.95


def test_crops_are_the_same_every_time(tmp_path: Path) -> None:
    pair = make_pair(tmp_path)
    one, again = training_crops(pair, 4), training_crops(pair, 4)
    assert np.array_equal(one.pixels, again.pixels)
    assert np.array_equal(one.truth, again.truth)
