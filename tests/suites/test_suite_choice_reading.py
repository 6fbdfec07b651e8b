"""Letters as the official scripts read them; the expected values are those scripts' own output."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundsight.suites.choice_reading import (
    Reader,
    answer_text,
    read_blink,
    read_by_task,
    read_loki,
    read_mmiu,
)
from groundsight.suites.loki import read_yes_no

TWO = ["The first one.", "The second one."]


# What analyze_answer of BLINK's script returns; None where it calls its judge.
@pytest.mark.parametrize(
    ("reply", "letter"),
    [
        ("B", "B"),
        ("(B)", "B"),
        ("E", "E"),  # no choice of two, and taken all the same
        ("B\n", None),
        ("B.", None),
        ("b", None),
        ("**(B)**", None),
        ("It is (B) then", "B"),
        ("(A) or (B)", None),
        ("(A) looks odd.\n\nSo it is (B)", "B"),
        ("(A) and (B).\n\nSo (A) it is", "A"),
        ("(B)\n\nnothing more to say", "B"),
        ("(C) it is", None),  # of two choices
        ("(B).", None),
        ("", None),
    ],
)
def test_blink(reply: str, letter: str | None) -> None:
    read = read_blink(reply, TWO)
    assert read.by_rule == (letter is not None)
    assert not read.by_rule or read.letter == letter


# What process_data of MMIU's evaluate.py keeps; None where it calls its judge; "" counts as wrong.
@pytest.mark.parametrize(
    ("reply", "letter"),
    [
        ("B", "B"),
        (" (b). ", "B"),
        ("..C,,", "C"),
        ("\u00a0D", "D"),
        ("N", "N"),
        ("O", None),
        ("B)", "B"),
        ("B: two", None),
        ("the answer is B", None),
        ("", ""),
        ("model error", ""),
        ("\u0131", None),  # a dotless i is no letter of the script's
    ],
)
def test_mmiu(reply: str, letter: str | None) -> None:
    read = read_mmiu(reply, TWO)
    assert read.by_rule == (letter is not None)
    assert not read.by_rule or read.letter == letter


# What parse_multi_choice_response of LOKI's script returns; None where it draws by chance.
@pytest.mark.parametrize(
    ("reply", "letter"),
    [
        ("A", "A"),
        ("B.", "B"),
        ("(A) or (B)", "B"),
        ("(B), not (A)", "A"),
        ("**A**, though **B** is near", "B"),
        ("**B** and (A)", "A"),
        ("The answer is A because", "A"),
        ("A before B after", "B"),
        ("CIA says so", "A"),  # a letter before a space is a letter
        ("It is B.", "B"),
        ("x A.B.", "B"),  # the full stop at the end goes first, then B stands before a space
        ("x A.B.x", "A"),  # both before a full stop, neither alone between spaces: the first
        ("The first one. Because of the shadow", ""),  # compared with a letter, so wrong
        ("I think the second one. has wrong hands", "B"),
        ("The first one", None),
        ("b", None),
        ("", None),
    ],
)
def test_loki_pairs(reply: str, letter: str | None) -> None:
    read = read_loki(reply, TWO)
    assert read.by_rule == (letter is not None)
    assert not read.by_rule or read.letter == letter


# What parse_true_or_false of LOKI's script returns; None for its "other".
@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ("Yes", "yes"),
        ("no.", "no"),
        ("Y", "yes"),
        ("n.", "no"),
        ("q", None),
        ("Yes, the hands are wrong", "yes"),
        ("No, it is real", "no"),
        ("None of this is real", "no"),
        ("Not sure", "no"),
        ("I am not sure", None),
        ("**Yes**", None),
        ("*no*", "no"),
        ("Y.e.s", "yes"),
        ("Answer: yes", None),
        ("", None),
    ],
)
def test_loki_judgments(reply: str, said: str | None) -> None:
    assert read_yes_no(reply) == said


def test_a_rule_stands_in_for_judge_and_chance() -> None:
    for reader in (read_blink, read_mmiu, read_loki):
        read = reader("the second one", TWO)
        assert (read.letter, read.by_rule) == ("B", False)


def test_of_a_structured_reply_the_answer_is_read() -> None:
    assert answer_text("<think>(A) or (B)?</think>\n<answer>\nB\n</answer>") == "B"
    assert answer_text("<think>(A)") == ""
    assert answer_text("B") == "B"


@pytest.mark.parametrize("reader", [read_blink, read_mmiu, read_loki, read_by_task])
@given(text=st.text(max_size=200))
def test_any_text_is_read(reader: Reader, text: str) -> None:
    letter = reader(text, TWO).letter
    assert letter is None or letter == "" or letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
