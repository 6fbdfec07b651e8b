"""Annotation files: encodings, and one line for what is wrong with a file."""

import json
from pathlib import Path

import pytest

from groundsight.core.errors import UsageError
from groundsight.data.annotations import field, four_numbers, iter_rows, placed_rows, under


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "rows.json"
    path.write_text(json.dumps([{"a": "é…"}], ensure_ascii=False), encoding=encoding)
    assert list(iter_rows(path)) == [{"a": "é…"}]


def test_rows_say_where_they_stand(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text('[{"a": 1}, {"a": 2}]')
    assert list(placed_rows(path)) == [
        ("rows.json, row 1", {"a": 1}),
        ("rows.json, row 2", {"a": 2}),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no JSON file"),
        (b"{", "no JSON file"),
        (b"\xff\xfe[", "no JSON file"),  # UTF-16 cut in the middle of a letter
        (b"\x80\x81", "no JSON file"),
        (b"[" * 100_000, "no JSON file"),
        (b'{"a": 1}', "expected a JSON list of objects"),
        (b"[1]", "expected a JSON list of objects"),
    ],
)
def test_broken_files_are_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "rows.json"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=message):
        list(iter_rows(path))
    with pytest.raises(UsageError, match="cannot read"):
        list(iter_rows(tmp_path / "absent.json"))


def test_fields_are_typed() -> None:
    assert field({"a": "x"}, "a", str, "f, row 1") == "x"
    with pytest.raises(UsageError, match="f, row 1: 'a' should be a str, got 5"):
        field({"a": 5}, "a", str, "f, row 1")


@pytest.mark.parametrize("value", [None, [1, 2, 3], [1, 2, 3, "4"], [1, 2, 3, True], "1234"])
def test_boxes_are_four_numbers(value: object) -> None:
    with pytest.raises(UsageError, match="four numbers"):
        four_numbers(value, "f, row 1")
    assert four_numbers([1, 2, 3.5, 4], "f") == (1, 2, 3.5, 4)


def test_paths_go_below_a_root() -> None:
    assert under(None, "./a/b.jpg") == "./a/b.jpg"
    assert under(Path("root"), "./a/b.jpg") == str(Path("root/a/b.jpg"))
