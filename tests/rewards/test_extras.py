"""Penalties and caption overlap by hand."""

import pytest

from groundsight.core.types import ImageRef, Sample, SampleRegion
from groundsight.replies.reply import parse_reply
from groundsight.rewards.base import Attempt, Question
from groundsight.rewards.extras import (
    BoxCountPenalty,
    CaptionOverlap,
    LengthPenalty,
    RepetitionPenalty,
    spaced_rouge_l,
)

HAND = SampleRegion(xyxy=(100.0, 100.0, 300.0, 200.0), description="the hand has six fingers")
EAR = SampleRegion(xyxy=(400.0, 300.0, 500.0, 400.0), description="a melted ear")


def make_attempt(
    *lines: str, regions: tuple[SampleRegion, ...] = (HAND,), label: int = 1
) -> Attempt:
    image = ImageRef(path="a.jpg", width=1000, height=500)
    sample = Sample.model_validate(
        {
            "id": "a",
            "images": [image],
            "task": "grounded_detection",
            "label": label,
            "regions": regions,
        }
    )
    think = "\n".join(["I look.", *lines])
    text = f"<think>\n{think}\n</think>\n<tag></tag>\n<verdict>fake</verdict>"
    return Attempt(parse_reply(text), Question(sample))


@pytest.mark.parametrize(
    ("num_boxes", "penalty"), [(0, 0), (1, 0), (2, 0), (3, -0.5), (4, -1), (40, -1)]
)
def test_boxes_beyond_twice_the_true_ones_cost(num_boxes: int, penalty: float) -> None:
    lines = [f"[{10 * i}, 0, {10 * i + 5}, 9]: strip" for i in range(num_boxes)]
    assert BoxCountPenalty().score(make_attempt(*lines)) == pytest.approx(penalty)


def test_a_real_picture_allows_as_many_boxes_as_one_true_region() -> None:
    attempt = make_attempt("[0, 0, 9, 9]: a", "[9, 9, 20, 20]: b", regions=(), label=0)
    assert BoxCountPenalty().score(attempt) == 0.0


@pytest.mark.parametrize(
    ("text", "penalty"),
    [
        ("a b c d", 0.0),  # a b | b c | c d
        ("a b a b", 2 / 3 - 1),  # a b | b a | a b: 2 of 3 are new
        ("a a a a a", -0.75),  # a a four times
        ("a", 0.0),
        ("", 0.0),
    ],
)
def test_repeated_word_pairs_cost(text: str, penalty: float) -> None:
    attempt = Attempt(parse_reply(text), make_attempt().question)
    assert RepetitionPenalty(num_words=2).score(attempt) == pytest.approx(penalty)


@pytest.mark.parametrize(
    ("length", "penalty"), [(0, 0), (80, 0), (90, -0.5), (100, -1), (5000, -1)]
)
def test_length_costs_over_its_last_fifth(length: int, penalty: float) -> None:
    attempt = Attempt(parse_reply("x" * length), make_attempt().question)
    reward = LengthPenalty(max_chars=100, buffer_chars=20)
    assert reward.score(attempt) == pytest.approx(penalty)


@pytest.mark.parametrize(
    ("first", "second", "f1"),
    [
        ("the hand has six fingers", "the hand has six fingers", 1.0),
        ("The hand", "the HAND", 1.0),
        ("six fingers.", "six fingers", 0.5),  # a full stop belongs to its word
        ("six fingers", "the hand has six fingers", 4 / 7),  # LCS 2 of 2 and of 5
        ("fingers six", "six fingers", 0.5),  # order counts
        ("an ear", "the hand", 0.0),
        ("", "the hand", 0.0),
        ("", "", 0.0),
    ],
)
def test_spaced_rouge_l_by_hand(first: str, second: str, f1: float) -> None:
    assert spaced_rouge_l(first, second) == pytest.approx(f1)


def test_captions_pay_only_where_the_region_is_right() -> None:
    right = make_attempt("[100, 100, 300, 200]: six fingers")
    assert CaptionOverlap().score(right) == pytest.approx(4 / 7)
    elsewhere = make_attempt("[600, 100, 800, 200]: the hand has six fingers")
    assert CaptionOverlap().score(elsewhere) == 0.0
    one_of_two = make_attempt("[100, 100, 300, 200]: the hand has six fingers", regions=(HAND, EAR))
    assert CaptionOverlap().score(one_of_two) == pytest.approx(0.5)


def test_without_true_captions_there_is_nothing_to_compare() -> None:
    bare = HAND.model_copy(update={"description": ""})
    assert CaptionOverlap().score(make_attempt("[1, 1, 9, 9]: a", regions=(bare,))) is None
