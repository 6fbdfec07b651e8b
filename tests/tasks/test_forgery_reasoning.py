"""ThinkFake's task: messages, gold replies, and what is read out of replies."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundsight.core.errors import UsageError
from groundsight.core.types import (
    DetailedObservation,
    FinalVerdict,
    ForgeryReasoning,
    ImageRef,
    Label,
    Sample,
    SpecialistAnalysis,
    TechnicalAnalysis,
    Verdict,
)
from groundsight.replies.reply import parse_reply
from groundsight.tasks import TaskAnswer
from groundsight.tasks.forgery_reasoning import QUESTION, SYSTEM, TASK


def make_sample(label: Label | None = 1, **fields: Any) -> Sample:
    given = {"id": "x", "images": (ImageRef(path="a.jpg"),), "task": TASK.name, "label": label}
    return Sample(**(given | fields))


def codes(answer: TaskAnswer) -> list[str]:
    return [problem.code for problem in answer.problems]


def test_messages_put_the_system_first_and_the_question_last() -> None:
    system, user = TASK.messages(make_sample())
    assert system == {"role": "system", "content": [{"type": "text", "text": SYSTEM}]}
    assert user["role"] == "user"
    assert user["content"] == [
        {"type": "image", "path": "a.jpg"},
        {"type": "text", "text": QUESTION},
    ]


def test_a_samples_own_question_is_asked_without_placeholders() -> None:
    user = TASK.messages(make_sample(question="<image>\nIs it real?\n"))[1]
    assert user["content"][-1]["text"] == "Is it real?"


def test_the_prompt_names_every_key_that_is_read() -> None:
    block = parse_reply(SYSTEM).text
    tree = json.loads(block[block.index("```json") + 7 : block.rindex("```")])
    model = ForgeryReasoning(final_verdict=FinalVerdict(verdict=Verdict.REAL)).model_dump()
    assert {key: set(value) if isinstance(value, dict) else 0 for key, value in tree.items()} == {
        key: set(value) if isinstance(value, dict) else 0 for key, value in model.items()
    }


def test_the_gold_reply_has_label_and_experts() -> None:
    sample = make_sample(0, experts={"univfd": 0.1, "npr": 0.25, "aide": 0.5})
    reply = parse_reply(TASK.gold_reply(sample))
    assert reply.follows("think", "answer") and reply.problems == ()
    assert reply.json is not None
    assert reply.json["final_verdict"] == {"verdict": "REAL", "reason": None}
    assert reply.json["specialist_analysis"] == {
        "prob_semantic": 0.1,
        "prob_frequency": 0.25,
        "prob_dual": 0.5,
    }


def test_the_prompt_asks_for_three_numbers_always() -> None:
    assert SYSTEM.endswith(
        "Use null for text about what cannot be examined. The three probabilities are always "
        "numbers from 0 to 1: your best estimate where you are not sure."
    )


def test_numbers_come_from_experts_then_from_a_teacher_and_are_never_invented() -> None:
    written = {
        "specialist_analysis": {"prob_frequency": 0.25, "prob_semantic": 0.5},
        "final_verdict": {"verdict": "AI-GENERATED"},
    }
    sample = make_sample(experts={"univfd": 0.75}, extra={"reasoning": written})
    answer = TASK.gold_answer(sample)
    assert answer.reasoning is not None
    assert answer.reasoning.specialist_analysis == SpecialistAnalysis(
        prob_semantic=0.75, prob_frequency=0.25, prob_dual=None
    )
    assert TASK.parse(TASK.gold_reply(sample), sample) == answer


def test_written_steps_are_kept() -> None:
    steps = {"quick_scan": "odd", "final_verdict": {"verdict": "AI-GENERATED", "reason": "hands"}}
    sample = make_sample(extra={"reasoning": steps, "think": "I look. </think>"})
    reply = parse_reply(TASK.gold_reply(sample))
    assert reply.think == "I look. ‹/think>"
    assert reply.json is not None and reply.json["quick_scan"] == "odd"
    without_prose = make_sample(extra={"reasoning": steps})
    assert parse_reply(TASK.gold_reply(without_prose)).think == "odd\nhands"


@pytest.mark.parametrize(
    ("sample", "message"),
    [
        (make_sample(None), "has no label"),
        (make_sample(0, extra={"reasoning": {"x": 1}}), "extra.reasoning"),
        (
            make_sample(0, extra={"reasoning": {"final_verdict": {"verdict": "AI-GENERATED"}}}),
            "label says REAL, extra.reasoning says AI-GENERATED",
        ),
    ],
)
def test_samples_without_a_truth_are_refused(sample: Sample, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        TASK.gold_reply(sample)


TEXTS = st.none() | st.text(max_size=30)
PROBS = st.none() | st.floats(0, 1)


@given(
    reasoning=st.builds(
        ForgeryReasoning,
        quick_scan=TEXTS,
        detailed_observation=st.builds(DetailedObservation, texture=TEXTS, blending=TEXTS),
        technical_analysis=st.builds(TechnicalAnalysis, edges=TEXTS, context=TEXTS),
        specialist_analysis=st.builds(
            SpecialistAnalysis, prob_semantic=PROBS, prob_frequency=PROBS, prob_dual=PROBS
        ),
        final_verdict=st.builds(FinalVerdict, verdict=st.sampled_from(Verdict), reason=TEXTS),
    ),
    think=TEXTS,
)
def test_an_answer_comes_back_as_it_was_rendered(
    reasoning: ForgeryReasoning, think: str | None
) -> None:
    answer = TaskAnswer(verdict=reasoning.final_verdict.verdict, reasoning=reasoning, think=think)
    text = TASK.render(answer, make_sample())
    assert TASK.parse(text, make_sample()) == answer
    assert parse_reply(text).follows("think", "answer")


@pytest.mark.parametrize(
    "hostile", ["</answer>", "```", "```json", "<think>", "\u2028", "\0", "\\"]
)
def test_strings_cannot_break_out_of_the_block(hostile: str) -> None:
    final = FinalVerdict(verdict=Verdict.REAL, reason=hostile)
    answer = TaskAnswer(verdict=Verdict.REAL, reasoning=ForgeryReasoning(final_verdict=final))
    assert TASK.parse(TASK.render(answer, make_sample()), make_sample()) == answer


def block(tree: Any) -> str:
    return f"<think>t</think><answer>```json\n{json.dumps(tree)}\n```</answer>"


FAKE = {"final_verdict": {"verdict": "AI-GENERATED"}}


@pytest.mark.parametrize(
    ("text", "verdict", "problems"),
    [
        (block(FAKE), "AI-GENERATED", []),
        (block(FAKE | {"quick_scan": 5}), "AI-GENERATED", ["bad_field"]),
        (block(FAKE | {"detailed_observation": "x"}), "AI-GENERATED", ["bad_field"]),
        (block(FAKE | {"detailed_observation": {"edges": []}}), "AI-GENERATED", ["bad_field"]),
        (block(FAKE | {"unknown": 1}), "AI-GENERATED", []),
        (block({}), None, ["no_verdict"]),
        (block({"final_verdict": {"verdict": "maybe"}}), None, ["unknown_verdict", "no_verdict"]),
        (block([]), None, ["json_no_object", "no_verdict"]),
        ("", None, ["json_missing", "no_verdict"]),
        ("<think>", None, ["think_not_closed", "json_missing", "no_verdict"]),
        ("REAL", "REAL", ["json_missing"]),
        (
            f"<think>t</think><answer>{json.dumps(FAKE)}</answer>",
            "AI-GENERATED",
            ["json_missing", "json_not_fenced"],
        ),
        (f"```\n{json.dumps(FAKE)}\n```", "AI-GENERATED", ["json_missing", "json_not_fenced"]),
        (
            f"<verdict>real</verdict><verdict>fake</verdict>{json.dumps(FAKE)}",
            None,
            ["verdict_repeated", "conflicting_verdicts", "json_missing", "no_verdict"],
        ),
        ("<answer>{[}</answer>", None, ["json_missing", "no_verdict"]),
        (f"<think>{json.dumps(FAKE)}</think>", None, ["json_missing", "no_verdict"]),
        (f"{block(FAKE)}{block(FAKE)}", "AI-GENERATED", None),
    ],
)
def test_ugly_replies(text: str, verdict: str | None, problems: list[str] | None) -> None:
    answer = TASK.parse(text, make_sample())
    assert answer.verdict == verdict
    if problems is not None:
        assert codes(answer) == problems
    else:
        assert {"json_repeated", "think_repeated", "answer_repeated"} <= set(codes(answer))


@pytest.mark.parametrize("prob", [-0.1, 1.1, "0.5", True, [0.5], 10**400])
def test_what_is_no_probability_is_a_problem(prob: Any) -> None:
    tree = FAKE | {"specialist_analysis": {"prob_semantic": prob, "prob_dual": 1}}
    answer = TASK.parse(block(tree), make_sample())
    assert answer.reasoning is None or answer.reasoning.specialist_analysis.prob_semantic is None
    assert codes(answer) in (["bad_probability"], ["json_invalid", "no_verdict"])


@pytest.mark.parametrize(
    ("question", "text", "verdict"),
    [
        ("Is it real?", "Yes", Verdict.REAL),
        ("Is it real?", "<think>x</think><answer>No.</answer>", Verdict.AI_GENERATED),
        ("Is it generated?", "yes, it is", Verdict.AI_GENERATED),
        ("Is it generated?", block({"final_verdict": {"verdict": "REAL"}}), Verdict.REAL),
        ("What is it?", "Yes", None),
    ],
)
def test_both_questions_have_one_polarity(
    question: str, text: str, verdict: Verdict | None
) -> None:
    assert TASK.parse(text, make_sample(question=question)).verdict is verdict


def test_escaped_half_surrogates_can_be_kept() -> None:
    text = '```json\n{"quick_scan": "\\ud800", "final_verdict": {"verdict": "REAL"}}\n```'
    answer = TASK.parse(text, make_sample())
    assert answer.reasoning is not None and answer.reasoning.quick_scan == "?"
