"""Which pictures are fitted, held out and scored."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from tests.train.experts.bright_set import BRIGHT, DARK, make_bright_set, write_picture

from groundsight.core.errors import UsageError
from groundsight.experts.signal.pictures import FitPicture
from groundsight.train.experts.data import DataChoice, hold_out, read_data


def pictures(families: dict[str, int], num_real: int) -> list[FitPicture]:
    def one(key: str, label: int, group: str) -> FitPicture:
        return FitPicture(path=Path(key), key=key, label=label, group=group)

    fake = [one(f"{name}{i}", 1, name) for name, num in families.items() for i in range(num)]
    return fake + [one(f"real{i}", 0, "camera") for i in range(num_real)]


def test_splits_of_a_table_say_what_is_for_what(tmp_path: Path) -> None:
    data = read_data(DataChoice(path=make_bright_set(tmp_path, 8)))
    assert Counter(one.label for one in data.fit) == {0: 6, 1: 6}
    assert Counter(one.label for one in data.unseen) == {0: 2, 1: 2}
    assert {one.row for one in data.unseen} == {"late", "camera"}
    assert {one.group for one in data.fit if one.label} == {"f0", "f1", "f2", "f3"} - {"f4"}


def test_fit_generators_are_the_genimage_protocol(tmp_path: Path) -> None:
    for generator, level in (("SD v1.4", BRIGHT), ("ADM", BRIGHT)):
        for index in range(3):
            write_picture(tmp_path / generator / "train/ai" / f"{index}.png", level)
            write_picture(tmp_path / generator / "train/nature" / f"{index}.png", DARK)
    data = read_data(DataChoice(path=tmp_path, source="genimage", fit_generators=("sd v1*",)))
    # ADM's own photographs go with it: the official protocol pairs each generator with its own.
    assert Counter((one.label, one.row) for one in data.fit)[1, "SD v1.4"] == 3
    assert len(data.fit) == len(data.unseen) == 6
    assert {one.row for one in data.unseen if one.label} == {"ADM"}


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ({"fit_split": "trian"}, "no split 'trian'; there are: fit, unseen"),
        ({"fit_generators": ("dall*",)}, r"no generator like dall\*; there are: g0"),
    ],
)
def test_a_name_that_is_not_there_lists_those_that_are(
    tmp_path: Path, choice: dict[str, str], words: str
) -> None:
    manifest = make_bright_set(tmp_path, 8)
    with pytest.raises(UsageError, match=words):
        read_data(DataChoice(path=manifest, **choice))  # type: ignore[arg-type]


def test_one_class_alone_cannot_be_fitted(tmp_path: Path) -> None:
    write_picture(tmp_path / "fake/a.png", BRIGHT)
    with pytest.raises(UsageError, match="found 1 generated and 0 real"):
        read_data(DataChoice(path=tmp_path))


def test_the_hash_follows_labels_and_contents_not_the_order(tmp_path: Path) -> None:
    manifest = make_bright_set(tmp_path, 8)
    before = read_data(DataChoice(path=manifest)).sha256
    head, *lines = manifest.read_text().splitlines()
    manifest.write_text("\n".join([head, *reversed(lines)]) + "\n")
    assert read_data(DataChoice(path=manifest)).sha256 == before
    manifest.write_text("\n".join([head, *lines]).replace("fit,fake,g1", "fit,real,g1") + "\n")
    assert read_data(DataChoice(path=manifest)).sha256 != before


def test_families_are_held_out_whole() -> None:
    some = pictures({name: 10 for name in "abcdefgh"}, 100)
    held = hold_out(some, 0.25)
    for name in "abcdefgh":
        sides = {bool(out) for one, out in zip(some, held, strict=True) if one.group == name}
        assert len(sides) == 1
    assert sum(one.label for one, out in zip(some, held, strict=True) if out) == 20
    assert 10 <= held[80:].sum() <= 40


def test_a_family_larger_than_the_share_is_never_held_out() -> None:
    for seed in range(10):
        some = pictures({"large": 90, "a": 4, "b": 4, "c": 4}, 20)
        held = hold_out(some, 0.1, seed=seed)
        assert not held[:90].any()
        assert held[90:102].any()


def test_pictures_of_few_generators_are_spread() -> None:
    held = hold_out(pictures({"only": 100}, 100), 0.2)
    assert 8 <= held[:100].sum() <= 35
    assert np.array_equal(held, hold_out(pictures({"only": 100}, 100), 0.2))


def test_each_class_keeps_one_picture_on_either_side() -> None:
    for rate in (0.001, 0.999):
        held = hold_out(pictures({"only": 3}, 3), rate)
        assert 0 < held[:3].sum() < 3
        assert 0 < held[3:].sum() < 3
    with pytest.raises(UsageError, match="at least two"):
        hold_out(pictures({"only": 1}, 3), 0.5)
