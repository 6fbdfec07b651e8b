"""Sections: what counts as one, and what each broken layout is called."""

import pytest

from groundsight.replies.sections import MAX_TAGS, scan_sections


def names(text: str) -> list[str]:
    return [section.name for section in scan_sections(text).sections]


def codes(text: str) -> list[str]:
    return [problem.code for problem in scan_sections(text).problems]


def test_sections_come_in_order_with_their_places() -> None:
    text = "<think>ab</think> <answer>c</answer>"
    think, answer = scan_sections(text).sections
    assert (think.name, text[think.start : think.end], think.outer_start) == ("think", "ab", 0)
    assert (answer.name, text[answer.start : answer.end]) == ("answer", "c")
    assert text[answer.outer_start : answer.outer_end] == "<answer>c</answer>"
    assert scan_sections(text).problems == ()


@pytest.mark.parametrize(
    ("text", "sections", "problems"),
    [
        ("", [], []),
        ("no tags at all", [], []),
        ("<think>cut off", ["think"], ["think_not_closed"]),
        ("<think>a</think><answer>cut", ["think", "answer"], ["answer_not_closed"]),
        ("a</think><answer>b</answer>", ["think", "answer"], ["think_not_opened"]),
        ("</answer>", [], ["stray_tag"]),
        ("<think>a</think></think>", ["think"], ["stray_tag"]),
        ("<think><verdict>real</verdict></think>", ["think"], ["nested_tag", "nested_tag"]),
        ("<think>a<think>b</think>", ["think"], ["nested_tag"]),
        ("<answer>a</answer><answer>b</answer>", ["answer", "answer"], ["answer_repeated"]),
        ("<Think>a</Think>", [], []),  # tags are lower case, as the formats write them
        ("<think >a</think >", [], []),
        ("< think>a</ think>", [], []),
        ("<tag></tag>", ["tag"], []),
        ("<think>a</answer>", ["think"], ["nested_tag", "think_not_closed"]),
    ],
)
def test_ugly_layouts(text: str, sections: list[str], problems: list[str]) -> None:
    assert names(text) == sections
    assert codes(text) == problems


def test_an_unopened_think_reaches_back_to_the_start() -> None:
    think = scan_sections("reasoning</think>").sections[0]
    assert (think.start, think.end, think.outer_start, think.opened) == (0, 9, 0, False)


def test_tags_beyond_the_limit_are_not_looked_at() -> None:
    layout = scan_sections("<tag></tag>" * MAX_TAGS)
    assert len(layout.sections) == MAX_TAGS // 2
    assert [p.code for p in layout.problems] == ["too_many_tags", "tag_repeated"]


def test_around_finds_the_section_of_a_position() -> None:
    layout = scan_sections("x<think>ab</think>y")
    assert layout.around(0) is None
    found = layout.around(8)
    assert found is not None and found.name == "think"
    assert layout.around(18) is None
