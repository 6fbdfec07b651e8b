"""JSON in replies: what parses, and that nothing raises."""

import pytest

from groundsight.replies.json_blocks import (
    MAX_BLOCKS,
    MAX_JSON_CHARS,
    find_blocks,
    read_first_object,
    read_json,
)


def blocks(text: str) -> list[tuple[str, bool]]:
    found = find_blocks(text, 0, len(text))
    return [(text[block.start : block.end], block.closed) for block in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("```\n{}\n```", []),  # a fence of no language
        ("```json\n{}\n```", [("\n{}\n", True)]),
        ("```json{}```", [("{}", True)]),
        ("```json```", [("", True)]),
        ("```json\n{", [("\n{", False)]),
        ("```json1```x```json2```", [("1", True), ("2", True)]),
        ("````json\n1\n````", [("\n1\n", True)]),
    ],
)
def test_blocks(text: str, expected: list[tuple[str, bool]]) -> None:
    assert blocks(text) == expected


def test_blocks_are_counted_up_to_a_limit() -> None:
    assert len(blocks("```json1```" * 100)) == MAX_BLOCKS


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (' {"a": 1} ', {"a": 1}),
        ("[1, 2.5]", [1, 2.5]),
        ("null", None),
        ('"x"', "x"),
        ('{"a": 1e3}', {"a": 1000.0}),
        ("9" * 300, int("9" * 300)),
    ],
)
def test_good_json(text: str, value: object) -> None:
    read = read_json(text)
    assert read.ok and read.value == value and read.problems == ()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "json_empty"),
        (" \n ", "json_empty"),
        ("{'a': 1}", "json_invalid"),
        ('{"a": 1,}', "json_invalid"),
        ('{"a": 1} {"b": 2}', "json_invalid"),
        ('{"a": NaN}', "json_invalid"),
        ('{"a": -Infinity}', "json_invalid"),
        ('{"a": 1e999}', "json_invalid"),
        ("9" * 301, "json_invalid"),
        ("9" * 5000, "json_invalid"),  # over Python's own limit of digits
        ("1." + "0" * 301, "json_invalid"),
        ("[" * 60_000, "json_too_deep"),
        ('{"a":' * 10_000, "json_too_deep"),
        ("[" * 30_000 + "]" * 30_000, "json_too_deep"),
        (" " * MAX_JSON_CHARS + "1", "json_too_long"),
    ],
)
def test_bad_json_is_a_problem(text: str, code: str) -> None:
    read = read_json(text)
    assert not read.ok and read.value is None
    assert [problem.code for problem in read.problems] == [code]


def test_the_last_of_two_equal_keys_counts_and_is_a_problem() -> None:
    read = read_json('{"a": 1, "b": {"x": 1, "x": 2}, "a": 3}')
    assert read.ok and read.value == {"a": 3, "b": {"x": 2}}
    assert [problem.code for problem in read.problems] == ["json_duplicate_key"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": "}"} and more', {"a": "}"}),
        ("[1]", {}),
        ('{"a": ', {}),
        ("{" * 60_000, {}),
        ("", {}),
    ],
)
def test_first_object(text: str, value: object) -> None:
    assert read_first_object(text) == value
