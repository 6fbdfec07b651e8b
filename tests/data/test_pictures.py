"""Finding pictures: order, hidden files, loops, odd names, globs."""

import os
from pathlib import Path

import pytest

from groundsight.core.errors import UsageError
from groundsight.data.pictures import find_pictures


def touch(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


def found_under(root: Path, *arguments: str) -> list[str]:
    found = find_pictures([root / argument for argument in arguments])
    return [os.path.relpath(path, root) for path in found.paths]


def test_a_folder_is_walked_in_the_order_of_the_bytes_of_its_names(tmp_path: Path) -> None:
    touch(tmp_path, "b.jpg", "a/z.png", "a/B.webp", "B.jpg", "a10.jpg", "a9.jpg", "é.jpg")
    assert found_under(tmp_path, ".") == [
        *("B.jpg", "a10.jpg", "a9.jpg", "b.jpg", "é.jpg"),
        *("a/B.webp", "a/z.png"),
    ]


def test_hidden_files_and_other_names_are_passed_over_but_counted(tmp_path: Path) -> None:
    touch(tmp_path, "x.JPG", ".x.jpg", "._x.jpg", ".cache/y.jpg", "notes.txt", "x")
    found = find_pictures([tmp_path])
    assert [Path(path).name for path in found.paths] == ["x.JPG"]
    assert found.num_passed_over == 2  # hidden files are not worth a word


def test_a_named_file_is_taken_whatever_its_name(tmp_path: Path) -> None:
    touch(tmp_path, "x", ".hidden.jpg")
    assert found_under(tmp_path, "x", ".hidden.jpg", "missing.jpg") == [
        *("x", ".hidden.jpg", "missing.jpg")
    ]


def test_the_same_picture_given_twice_is_listed_once(tmp_path: Path) -> None:
    touch(tmp_path, "a/x.jpg", "a/y.jpg")
    assert found_under(tmp_path, "a/y.jpg", "a", "./a/../a/x.jpg", ".") == ["a/y.jpg", "a/x.jpg"]


def test_links_are_followed_and_loops_end(tmp_path: Path) -> None:
    touch(tmp_path, "a/x.jpg", "elsewhere/y.jpg")
    (tmp_path / "a" / "loop").symlink_to(tmp_path / "a")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "a" / "self.jpg").symlink_to("self.jpg")
    (tmp_path / "a" / "broken.jpg").symlink_to("nowhere.jpg")
    names = ["a/broken.jpg", "a/self.jpg", "a/x.jpg", "a/up/elsewhere/y.jpg"]
    assert found_under(tmp_path, "a") == names
    assert sorted(found_under(tmp_path, "**/*.jpg")) == sorted([*names[:3], "elsewhere/y.jpg"])


def test_a_glob_over_two_self_loops_ends(tmp_path: Path) -> None:
    touch(tmp_path, "x.jpg")
    for name in ("p", "q"):
        (tmp_path / name).symlink_to(tmp_path)  # 2^40 paths for a walk that does not look
    assert found_under(tmp_path, "**/*.jpg") == ["x.jpg"]


def test_a_pipe_with_a_pictures_name_is_listed_for_the_report(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    assert found_under(tmp_path, ".") == ["pipe.jpg"]


def test_names_with_newlines_and_bytes_that_are_no_text(tmp_path: Path) -> None:
    for name in (b"two\nlines.jpg", b"latin-\xe9.jpg"):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_bytes(b"")
    found = find_pictures([tmp_path])
    names = [os.path.basename(os.fsencode(p)) for p in found.paths]
    assert names == [b"latin-\xe9.jpg", b"two\nlines.jpg"]


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("*.jpg", ["a.jpg", "b[1].jpg"]),
        ("?.jpg", ["a.jpg"]),
        ("b[1].jpg", ["b[1].jpg"]),  # a file of that very name wins over the glob
        ("d/**", ["d/c.png", "d/e/f.tif"]),
        ("d/**/*.tif", ["d/e/f.tif"]),
        ("*/*.png", ["d/c.png"]),
        ("[!b]*.jpg", ["a.jpg"]),
        ("d*", ["d/c.png", "d/e/f.tif"]),  # a matched folder is walked
        (".h*.jpg", [".h.jpg"]),  # hidden files only when the glob says so
    ],
)
def test_globs(tmp_path: Path, pattern: str, names: list[str]) -> None:
    touch(tmp_path, "a.jpg", "b[1].jpg", ".h.jpg", "d/c.png", "d/e/f.tif")
    assert found_under(tmp_path, pattern) == names


def test_relative_globs_stay_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "d/c.png")
    monkeypatch.chdir(tmp_path)
    assert find_pictures(["*/c.png"]).paths == ("d/c.png",)
    assert find_pictures(["d"]).paths == ("d/c.png",)


def test_where_the_run_writes_is_not_searched(tmp_path: Path) -> None:
    touch(tmp_path, "x.jpg", "out/overlays/x.png")
    found = find_pictures([tmp_path], leave_out=[tmp_path / "out", tmp_path / "not there"])
    assert [Path(path).name for path in found.paths] == ["x.jpg"]


@pytest.mark.parametrize("argument", ["*.jpg", "."])
def test_nothing_found_says_what_was_looked_for(tmp_path: Path, argument: str) -> None:
    with pytest.raises(UsageError, match=r"matches nothing|no pictures found in .*\.jpg"):
        find_pictures([tmp_path / argument])
