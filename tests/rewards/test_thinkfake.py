"""ThinkFake's rewards: by hand, and against the pseudo-code's own control flow.

The four `algorithm_n` below are written from Algorithms 1-4 of the paper, line by line, and share
nothing with the package; the pseudo-code's holes are filled as `rewards.thinkfake` says it fills
them.
"""

import json
import math
import re
from typing import Any, NoReturn

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundsight.core.types import Sample
from groundsight.replies.reply import parse_reply
from groundsight.rewards.base import Attempt, Question
from groundsight.rewards.thinkfake import (
    Agentic,
    FormatThinkAnswer,
    JsonBlock,
    VerdictAccuracy,
    binary_cross_entropy,
)
from groundsight.tasks import TASKS

EXPERTS = {"univfd": 0.9, "npr": 0.7, "aide": 0.8}
PROBS = {"prob_semantic": 0.9, "prob_frequency": 0.7, "prob_dual": 0.8}
MISSING: Any = object()


def make_sample(label: Any = 1, experts: dict[str, float] = EXPERTS) -> Sample:
    return Sample(id="a", images=(), task="forgery_reasoning", label=label, experts=experts)


def make_attempt(text: str, sample: Sample | None = None) -> Attempt:
    return Attempt(parse_reply(text), Question(sample or make_sample()))


def make_json(verdict: Any = "AI-GENERATED", probs: Any = PROBS) -> str:
    tree: dict[str, Any] = {"quick_scan": "too smooth"}
    if probs is not MISSING:
        tree["specialist_analysis"] = probs
    if verdict is not MISSING:
        tree["final_verdict"] = {"verdict": verdict, "reason": "the hand"}
    return json.dumps(tree)


def make_reply(body: str, think: str = "I look.") -> str:
    return f"<think>\n{think}\n</think>\n<answer>\n```json\n{body}\n```\n</answer>"


def scores(text: str, sample: Sample | None = None) -> list[float | None]:
    attempt = make_attempt(text, sample)
    rewards = FormatThinkAnswer(), JsonBlock(), VerdictAccuracy(), Agentic()
    return [reward.score(attempt) for reward in rewards]


# --- by hand -------------------------------------------------------------------------------------

# exp(−mean BCE(p, p)) for 0.9, 0.7, 0.8: the mean of the three entropies is
# (0.325083 + 0.610864 + 0.500402)/3 = 0.478783, and e^−0.478783 = 0.619537.
BEST = 0.619537
HAND = [
    (make_reply(make_json()), [1, 1, 1, BEST], "right, experts met"),
    (make_reply(make_json("REAL")), [1, 1, 0, 0], "wrong"),
    (make_reply(make_json("real")), [1, 1, 0, 0], "not the exact word"),
    (make_reply(make_json("AI-GENERATED.")), [1, 1, 0, 0], "not the exact word"),
    (make_reply(make_json(None)), [1, 1, 0, 0], "a verdict that is no text is a wrong one"),
    (make_reply(make_json(MISSING)), [1, 1, -1, -1], "no verdict is not parsed"),
    (make_reply('{"final_verdict": "AI-GENERATED"}'), [1, 1, -1, -1], "verdict in the wrong place"),
    (make_reply('["AI-GENERATED"]'), [1, 1, -1, -1], "JSON, but no object"),
    (make_reply(make_json(probs=MISSING)), [1, 1, 1, -1], "no expert probabilities"),
    (make_reply(make_json(probs={**PROBS, "prob_dual": "0.8"})), [1, 1, 1, -1], "a string"),
    (make_reply(make_json(probs={**PROBS, "prob_dual": True})), [1, 1, 1, -1], "a truth value"),
    (make_reply(make_json("REAL", probs=MISSING)), [1, 1, 0, 0], "wrong before probabilities"),
    (make_reply("{broken"), [1, 0, -1, -1], "JSON does not parse"),
    (make_reply('{"final_verdict": {"verdict": NaN}}'), [1, 0, -1, -1], "NaN is no JSON"),
    (make_reply(""), [1, 0, -1, -1], "empty block"),
    (make_reply(make_json())[:-3], [0, 1, 1, BEST], "last tag cut"),
    (make_reply(make_json())[:-20], [0, 0, -1, -1], "fence cut"),
    ("x" + make_reply(make_json()), [0, 1, 1, BEST], "text before"),
    (make_reply(make_json()) + "\nHope it helps", [0, 1, 1, BEST], "text after"),
    (" \n" + make_reply(make_json()) + "\n ", [1, 1, 1, BEST], "white space around"),
    (f"```json\n{make_json()}\n```", [0, 1, 1, BEST], "JSON alone"),
    (f"<think>```json\n{make_json()}\n```</think><answer></answer>", [1, 0, -1, -1], "only there"),
    ("<think></think><answer></answer>", [1, 0, -1, -1], "nothing in it"),
    ("<answer>a</answer><think>b</think>", [0, 0, -1, -1], "wrong order"),
    ("<think>a</think><think>b</think><answer>c</answer>", [0, 0, -1, -1], "twice"),
    ("<THINK>a</THINK><ANSWER>b</ANSWER>", [0, 0, -1, -1], "other letters"),
    ("", [0, 0, -1, -1], "nothing"),
]


@pytest.mark.parametrize(("text", "expected", "note"), HAND, ids=[row[2] for row in HAND])
def test_by_hand(text: str, expected: list[float], note: str) -> None:
    assert scores(text) == pytest.approx(expected, abs=1e-6)


def test_a_real_picture_wants_real() -> None:
    sample = make_sample(label=0, experts={"univfd": 0.0, "npr": 0.0, "aide": 0.0})
    sure = {"prob_semantic": 0, "prob_frequency": 0, "prob_dual": 0}
    assert scores(make_reply(make_json("REAL", sure)), sample) == pytest.approx(
        [1, 1, 1, 1], abs=1e-5
    )
    assert scores(make_reply(make_json("AI-GENERATED", sure)), sample) == [1, 1, 0, 0]


def test_agentic_by_hand() -> None:
    # Experts are sure (1, 1, 1); the reply says 0.5, 0.8, 1: mean(−ln) = (0.693147+0.223144+0)/3.
    sample = make_sample(experts={"univfd": 1.0, "npr": 1.0, "aide": 1.0})
    probs = {"prob_semantic": 0.5, "prob_frequency": 0.8, "prob_dual": 1}
    got = Agentic().score(make_attempt(make_reply(make_json(probs=probs)), sample))
    assert got == pytest.approx(math.exp(-(math.log(2) + math.log(1.25)) / 3), abs=1e-5)
    assert got == pytest.approx(0.4 ** (1 / 3), abs=1e-5)  # the geometric mean of 0.5, 0.8 and 1


@pytest.mark.parametrize("p", [-3, 0, 1, 87, 1e300])
def test_probabilities_are_clipped_so_that_nothing_is_infinite(p: float) -> None:
    probs = {key: p for key in PROBS}
    got = Agentic().score(make_attempt(make_reply(make_json(probs=probs))))
    assert got is not None and 0.0 < got < 1.0


def test_without_label_or_experts_there_is_no_score_whatever_is_said() -> None:
    for text in ("", make_reply(make_json()), make_reply("{")):
        assert scores(text, make_sample(label=None))[2:] == [None, None]
        assert scores(text, make_sample(experts={"univfd": 1.0}))[3] is None


NO_NUMBERS = dict.fromkeys(PROBS)


@pytest.mark.parametrize("experts", [{}, {"univfd": 1.0, "npr": 0.5}], ids=["none", "two"])
@pytest.mark.parametrize("verdict", ["AI-GENERATED", "REAL"])
def test_without_experts_null_is_worth_what_numbers_are(
    experts: dict[str, float], verdict: str
) -> None:
    sample = make_sample(experts=experts)
    said = (make_reply(make_json(verdict, probs)) for probs in (PROBS, NO_NUMBERS, MISSING))
    right = float(verdict == "AI-GENERATED")
    assert [scores(text, sample) for text in said] == [[1, 1, right, None]] * 3


def test_with_experts_null_costs_the_right_answer_its_advantage() -> None:
    """So the prompt demands numbers: with null, right and wrong would total the same."""
    right, wrong = (
        scores(make_reply(make_json(verdict, NO_NUMBERS))) for verdict in ("AI-GENERATED", "REAL")
    )
    assert right == [1, 1, 1, -1]
    assert wrong == [1, 1, 0, 0]


@pytest.mark.parametrize("label", [0, 1])
def test_a_gold_reply_without_experts_earns_full_marks_of_what_is_scored(label: int) -> None:
    sample = make_sample(label=label, experts={})
    assert scores(TASKS["forgery_reasoning"].gold_reply(sample), sample) == [1, 1, 1, None]


def test_fewer_experts_can_be_asked_for() -> None:
    attempt = make_attempt(make_reply(make_json()), make_sample(experts={"mine": 1.0}))
    reward = Agentic(experts={"prob_dual": "mine"})
    assert reward.score(attempt) == pytest.approx(0.8)


@given(st.floats(0, 1), st.floats(0, 1))
def test_cross_entropy_is_least_where_prediction_and_expert_agree(p: float, q: float) -> None:
    assert binary_cross_entropy(p, q) >= binary_cross_entropy(q, q) - 1e-9
    assert binary_cross_entropy(p, q) >= 0.0


# --- the pseudo-code -----------------------------------------------------------------------------

TAGS = re.compile(r"</?(?:think|answer|tag|verdict)>")
KEYS = ["prob_semantic", "prob_frequency", "prob_dual"]


class JSONParseException(Exception):
    pass


def extract_json(completion: str) -> str:
    """Within ```json...```, outside of the reasoning (which comes first here)."""
    outside = completion
    if "<think>" in completion:
        outside = completion.split("</think>", 1)[1] if "</think>" in completion else ""
    elif completion.find("</think>") == (TAGS.search(completion) or re.match("", "")).start():  # type: ignore[union-attr]
        outside = completion.split("</think>", 1)[1]
    found = re.search(r"```json(.*?)```", outside, re.DOTALL)
    return "" if found is None else found.group(1).strip()


def refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def parse_json(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=refuse)
    except ValueError as error:
        raise JSONParseException from error


def look_up(tree: Any, key: str) -> Any:
    if not isinstance(tree, dict) or key not in tree:
        raise JSONParseException
    return tree[key]


def algorithm_1(completions: list[str]) -> list[float]:
    rewards = []
    for c in completions:
        order = TAGS.findall(c) == ["<think>", "</think>", "<answer>", "</answer>"]
        if order and re.fullmatch(r"\s*<think>.*</think>\s*<answer>.*</answer>\s*", c, re.DOTALL):
            rewards.append(1.0)
        else:
            rewards.append(0.0)
    return rewards


def algorithm_2(completions: list[str]) -> list[float]:
    rewards = []
    for c in completions:
        r = 0.0
        try:
            extracted = extract_json(c)
            if extracted:
                parse_json(extracted)
                r = 1.0
        except JSONParseException:
            r = 0.0
        rewards.append(r)
    return rewards


def algorithm_3(completions: list[str], solutions: list[int]) -> list[float]:
    rewards = []
    for c, s in zip(completions, solutions, strict=True):
        r = -1.0
        try:
            parsed = parse_json(extract_json(c))
            verdict = look_up(look_up(parsed, "final_verdict"), "verdict")
            if (s == 0 and verdict == "REAL") or (s == 1 and verdict == "AI-GENERATED"):
                r = 1.0
            else:
                r = 0.0
        except JSONParseException:
            r = -1.0
        rewards.append(r)
    return rewards


def algorithm_4(
    completions: list[str], solutions: list[int], agentic: list[dict[str, float]]
) -> list[float]:
    rewards = []
    for c, s, a in zip(completions, solutions, agentic, strict=True):
        r = -1.0
        try:
            parsed = parse_json(extract_json(c))
            verdict = look_up(look_up(parsed, "final_verdict"), "verdict")
            if (s == 0 and verdict == "REAL") or (s == 1 and verdict == "AI-GENERATED"):
                losses = []
                pred_probs = look_up(parsed, "specialist_analysis")
                for key in KEYS:
                    p_pred = look_up(pred_probs, key)
                    if type(p_pred) not in (int, float):
                        raise JSONParseException
                    p = min(max(p_pred, 1e-6), 1 - 1e-6)
                    losses.append(-(a[key] * math.log(p) + (1 - a[key]) * math.log(1 - p)))
                r = math.exp(-sum(losses) / len(losses))
            else:
                r = 0.0
        except JSONParseException:
            r = -1.0
        rewards.append(r)
    return rewards


WORDS: list[Any] = ["REAL", "AI-GENERATED", "real", "Fake", "REAL or AI-GENERATED", "", None, 1]
VERDICTS = st.sampled_from([*WORDS, "АI-GENERATED", MISSING])
NUMBERS = (
    st.floats(-0.5, 1.5)
    | st.sampled_from([0, 1, None, "0.5", True, [0.5], 10**9, -1])
    | st.just(MISSING)
)


@st.composite
def json_texts(draw: st.DrawFn) -> str:
    probs = {key: p for key in KEYS if (p := draw(NUMBERS)) is not MISSING}
    section = draw(st.sampled_from([probs, probs, probs, None, "0.5", [0.1], MISSING]))
    text = make_json(draw(VERDICTS), section)
    spoilt = [text, text, text, text[:-2], text + ",", "{}", "[]", "0", "", " \n", "null", "{,}"]
    nan = text.replace("0.5", "NaN")
    twice = text[:-1] + ', "final_verdict": {"verdict": "REAL"}}'
    return draw(st.sampled_from([*spoilt, nan, twice, text.replace('"', "'"), f"// {text}"]))


@st.composite
def replies(draw: st.DrawFn) -> str:
    """Well-formed replies, and every way of spoiling one that the pseudo-code has a say on."""
    blocks = [f"```json\n{draw(json_texts())}\n```" for _ in range(draw(st.integers(0, 3)))]
    plain = st.sampled_from(["", "I look.", "a ``` b", "{}", "six fingers\n", "```python\n1\n```"])
    inside = draw(plain) + draw(st.sampled_from(["", *blocks[:1]]))
    think = draw(
        st.sampled_from(
            [f"<think>{inside}</think>"] * 4
            + ["", inside, f"<think>{inside}", f"{inside}</think>", f"<think>{inside}</THINK>"]
        )
    )
    said = draw(plain) + draw(st.sampled_from(["", "\n"])).join(blocks)
    answer = draw(
        st.sampled_from(
            [f"<answer>{said}</answer>"] * 4
            + [said, f"<answer>{said}", f"{said}</answer>", f"<answer>{said}</answer>" * 2]
            + [f"<answer>{said}<answer></answer>", f"<answer>{said}</answer>.", ""]
        )
    )
    gap = draw(st.sampled_from(["", "\n", " \t\n", " and so "]))
    text = draw(st.sampled_from(["", "\n", "Sure! "])) + think + gap + answer
    cut = draw(st.sampled_from([None, None, None, -1, -4, len(text) // 2]))
    return text[:cut]


@settings(max_examples=1500, deadline=None)
@given(replies(), st.sampled_from([0, 1]), st.tuples(*[st.floats(0, 1)] * 3))
def test_the_four_algorithms(text: str, label: int, probs: tuple[float, float, float]) -> None:
    sample = make_sample(label, dict(zip(("univfd", "npr", "aide"), probs, strict=True)))
    agentic = [dict(zip(KEYS, probs, strict=True))]
    expected = [
        *algorithm_1([text]),
        *algorithm_2([text]),
        *algorithm_3([text], [label]),
        *algorithm_4([text], [label], agentic),
    ]
    assert scores(text, sample) == pytest.approx(expected, abs=1e-9)
