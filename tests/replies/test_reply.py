"""The reply as a whole: which JSON and which verdict count, and what is a problem."""

import pytest

from groundsight.core.types import Verdict
from groundsight.replies.reply import MAX_ANSWER_TAGS, parse_reply

REAL_JSON = '```json\n{"final_verdict": {"verdict": "REAL"}}\n```'
FAKE_JSON = '```json\n{"final_verdict": {"verdict": "AI-GENERATED"}}\n```'


def codes(text: str) -> list[str]:
    return [problem.code for problem in parse_reply(text).problems]


def test_a_good_thinkfake_reply() -> None:
    reply = parse_reply(f"<think>\nlook\n</think>\n<answer>\n{FAKE_JSON}\n</answer>")
    assert reply.think == "look"
    assert reply.answer == FAKE_JSON
    assert reply.json == {"final_verdict": {"verdict": "AI-GENERATED"}}
    assert reply.verdict is Verdict.AI_GENERATED
    assert reply.follows("think", "answer") and not reply.follows("think", "tag", "verdict")
    assert reply.problems == () and reply.json_problems == ()


def test_a_good_fakexplained_reply() -> None:
    reply = parse_reply(
        "<think>\n- [1, 2, 3, 4]: six fingers\n</think>\n<tag>\nanatomy, text;\n- glow\n</tag>\n"
        "<verdict>fake</verdict>"
    )
    assert reply.follows("think", "tag", "verdict")
    assert reply.tags == ("anatomy", "text", "glow")
    assert reply.verdict is Verdict.AI_GENERATED
    assert [region.xyxy for region in reply.regions_in("think")] == [(1, 2, 3, 4)]
    assert reply.json is None and reply.problems == ()


@pytest.mark.parametrize(
    ("text", "follows"),
    [
        ("<think></think><answer></answer>", True),
        (" \n<think>a</think>\n\n<answer>b</answer>\n", True),
        ("<think>a</think>x<answer>b</answer>", False),
        ("x<think>a</think><answer>b</answer>", False),
        ("<think>a</think><answer>b</answer>x", False),
        ("<answer>b</answer><think>a</think>", False),
        ("<think>a</think><answer>b", False),
        ("a</think><answer>b</answer>", False),
        ("<think>a</think><answer>b</answer><answer>b</answer>", False),
        ("<think>a<think>b</think><answer>c</answer>", False),
        ('<think>a</think><answer>"</answer>"</answer>', False),
        ("", False),
    ],
)
def test_follows_is_strict(text: str, follows: bool) -> None:
    assert parse_reply(text).follows("think", "answer") is follows


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("<verdict>real</verdict>", Verdict.REAL),
        ("<verdict>fake", Verdict.AI_GENERATED),  # cut off
        ("<verdict>real or fake</verdict>", None),
        ("<verdict>real</verdict><verdict>fake</verdict>", None),
        ("<verdict>real</verdict><verdict>real</verdict>", Verdict.REAL),
        (f"<verdict>fake</verdict>{REAL_JSON}", Verdict.AI_GENERATED),
        (REAL_JSON, Verdict.REAL),
        (f"<answer>{FAKE_JSON}</answer>", Verdict.AI_GENERATED),
        (f"<think>{FAKE_JSON}</think><answer>{REAL_JSON}</answer>", Verdict.REAL),
        (f"<think>```json</think><answer>{REAL_JSON}</answer>", Verdict.REAL),
        (f"<think>{FAKE_JSON}</think>", None),  # only said in the reasoning
        ("<think><verdict>real</verdict></think>", None),
        ("<answer>AI-generated.</answer>", Verdict.AI_GENERATED),
        ("<answer>It is not real</answer>", None),
        ("Real.", Verdict.REAL),
        ("<think>real</think>", None),
        ('```json\n{"final_verdict": "REAL"}\n```', None),
        ('```json\n{"final_verdict": {"verdict": 1}}\n```', None),
        ('```json\n{"verdict": "REAL"}\n```', None),
        ('```json\n["REAL"]\n```', None),
        ("<verdict>R\u0415AL</verdict>", None),
        ("", None),
    ],
)
def test_which_verdict_counts(text: str, verdict: Verdict | None) -> None:
    assert parse_reply(text).verdict is verdict


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("", []),
        (f"{REAL_JSON}{REAL_JSON}", ["json_repeated"]),
        ("```json\n[1]\n```", ["json_no_object"]),
        ("```json\n{\n```", ["json_invalid"]),
        ("```json\n{", ["json_not_closed"]),
        ("<answer>```json {</answer> ```", ["json_invalid"]),
        ("<verdict>real</verdict><verdict>fake</verdict>", ["verdict_repeated"]),
        ("<verdict>perhaps</verdict>", ["unknown_verdict"]),
        ('```json\n{"final_verdict": {"verdict": "maybe"}}\n```', ["unknown_verdict"]),
        ("[1, 2, 3, 4]" * 1025, ["too_many_boxes"]),
        ("<think>a", ["think_not_closed"]),
    ],
)
def test_problems(text: str, problems: list[str]) -> None:
    expected = problems + (["conflicting_verdicts"] if "fake" in text else [])
    assert codes(text) == expected


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("", ["json_missing"]),
        (f"<think>{REAL_JSON}</think>", ["json_only_in_think"]),
        (REAL_JSON, []),
    ],
)
def test_json_problems(text: str, problems: list[str]) -> None:
    assert [problem.code for problem in parse_reply(text).json_problems] == problems


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ('<answer>{"a": 1}</answer>', {"a": 1}),
        ('Here: {"a": {"b": 2}}. Good?', {"a": {"b": 2}}),
        ('```json\n{"a": 1}\n```', None),  # fenced: `json` has it
        ('<think>{"a": 1}</think>', None),
        ("}{", None),
        ("{" * 60_000 + "}", None),
        ("[1]", None),
        ("", None),
    ],
)
def test_json_without_its_fence(text: str, tree: object) -> None:
    reply = parse_reply(text)
    assert reply.bare_json == tree
    assert reply.json is None or reply.bare_json is None


def test_a_disagreement_of_verdicts_is_not_settled_by_json() -> None:
    text = f"<verdict>real</verdict><verdict>fake</verdict>{REAL_JSON}"
    assert parse_reply(text).verdict is None


def test_replies_are_equal_by_their_text() -> None:
    first, second = parse_reply("<think>a</think>"), parse_reply("<think>a</think>")
    assert first.think == "a"  # a part that was read changes nothing
    assert first == second and hash(first) == hash(second)


def test_tags_are_limited() -> None:
    assert len(parse_reply(f"<tag>{'odd,' * 1000}</tag>").tags) == MAX_ANSWER_TAGS
    assert parse_reply("<tag> , ;\n </tag>").tags == ()


def test_half_surrogates_become_question_marks() -> None:
    reply = parse_reply("<answer>\ud83d real</answer>")
    assert reply.answer == "? real"
    reply.text.encode()
