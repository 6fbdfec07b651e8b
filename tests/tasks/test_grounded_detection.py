"""FakeXplained's task: messages, gold replies, and what is read out of replies."""

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundsight.core.errors import UsageError
from groundsight.core.types import ImageRef, Label, Sample, SampleRegion, Verdict
from groundsight.replies.dialect import PIXELS, Dialect
from groundsight.replies.place import AnswerRegion
from groundsight.replies.regions import Notation
from groundsight.replies.render import plain_caption, plain_tag
from groundsight.replies.reply import parse_reply
from groundsight.tasks import TaskAnswer
from groundsight.tasks.grounded_detection import PHRASINGS, SYSTEM, TASK
from groundsight.vision.frames import FAMILIES, PictureSize

NOTATIONS: tuple[Notation, ...] = get_args(Notation)
FRAMES = ["xyxy_px", "xyxy_unit", *(f"xyxy_model:{family}" for family in FAMILIES)]
HANDS = SampleRegion(xyxy=(64, 48, 320, 240), description="six fingers")


def make_sample(label: Label | None = 1, **fields: Any) -> Sample:
    image = ImageRef(path="a.jpg", width=640, height=480)
    given = {"id": "x", "images": (image,), "task": TASK.name, "label": label}
    return Sample(**(given | fields))


def codes(answer: TaskAnswer) -> list[str]:
    return [problem.code for problem in answer.problems]


def test_nine_phrasings_are_drawn_by_seed_and_sample() -> None:
    assert len(set(PHRASINGS)) == 9
    drawn = {
        TASK.messages(make_sample(id=f"s{i}"), seed=0)[1]["content"][-1]["text"] for i in range(200)
    }
    assert drawn == set(PHRASINGS)
    by_seed = [TASK.messages(make_sample(), seed=i)[1]["content"][-1]["text"] for i in range(50)]
    assert len(set(by_seed)) > 5
    assert by_seed == [
        TASK.messages(make_sample(), seed=i)[1]["content"][-1]["text"] for i in range(50)
    ]


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        ("xyxy_px", "pixels"),
        ("xyxy_unit", "fractions"),
        ("xyxy_model:qwen2_5_vl", "pixels"),
        ("xyxy_model:qwen3_vl", "0 to 1000"),
    ],
)
def test_the_system_text_is_constant_and_names_the_frame(frame: str, says: str) -> None:
    dialect = Dialect(frame=frame)
    texts = {
        TASK.messages(make_sample(id=f"s{i}"), dialect, seed=i)[0]["content"][0]["text"]
        for i in range(5)
    }
    (text,) = texts
    assert text.startswith(SYSTEM) and says in text[len(SYSTEM) :]


def test_the_gold_reply() -> None:
    sample = make_sample(regions=(HANDS,), tags=("anatomy", "text"))
    assert TASK.gold_reply(sample) == (
        "<think>\nI look over the whole picture. These regions give it away:\n"
        "- [64, 48, 320, 240]: six fingers\n</think>\n"
        "<tag>\nanatomy, text\n</tag>\n<verdict>fake</verdict>"
    )
    assert "- [64, 48, 322, 238]: six fingers" in TASK.gold_reply(sample, Dialect.of("qwen2_5_vl"))
    assert TASK.gold_reply(make_sample(0)) == (
        "<think>\nI look over the whole picture and find no region that gives it away.\n</think>\n"
        "<tag>\n\n</tag>\n<verdict>real</verdict>"
    )


def test_boxes_in_a_teachers_prose_are_written_anew() -> None:
    sample = make_sample(regions=(HANDS,), extra={"think": "The hands.\n[1, 2, 3, 4]: wrong\nSo."})
    think = parse_reply(TASK.gold_reply(sample)).think
    assert think == "The hands.\nSo.\n- [64, 48, 320, 240]: six fingers"


@pytest.mark.parametrize(
    ("sample", "message"),
    [
        (make_sample(None), "no label"),
        (make_sample(0, regions=(HANDS,)), "labelled real but has 1 regions"),
        (make_sample(1, regions=(HANDS,), images=(ImageRef(path="a"),)), "need the size of a"),
        (
            make_sample(1, regions=(HANDS.model_copy(update={"image_index": 1}),)),
            "picture 1 .from 0. of 1",
        ),
    ],
)
def test_samples_without_a_truth_are_refused(sample: Sample, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        TASK.gold_reply(sample)


@st.composite
def answers(draw: st.DrawFn, extent: tuple[float, float]) -> TaskAnswer:
    """Answers whose boxes lie on whole numbers of a frame, on a picture of 640×480."""
    verdict = draw(st.sampled_from(Verdict))
    regions = []
    for _ in range(draw(st.integers(0, 5)) if verdict is Verdict.AI_GENERATED else 0):
        ends = []
        for number, side in zip(extent, (640, 480), strict=True):
            whole = round(number)
            low = draw(st.integers(0, whole - 1))
            ends.append((low * side / whole, draw(st.integers(low + 1, whole)) * side / whole))
        (x0, x1), (y0, y1) = ends
        caption = plain_caption(draw(st.text(max_size=40)))
        regions.append(AnswerRegion(xyxy_px=(x0, y0, x1, y1), description=caption))
    tags = (plain_tag(tag) for tag in draw(st.lists(st.text(max_size=10), max_size=4)))
    return TaskAnswer(
        verdict=verdict,
        regions=tuple(regions),
        tags=tuple(tag for tag in tags if tag),
        think=draw(st.text(max_size=80)),
    )


@given(data=st.data())
@pytest.mark.parametrize("frame", FRAMES)
def test_an_answer_comes_back_as_it_was_rendered(frame: str, data: st.DataObject) -> None:
    dialect = Dialect(frame=frame, notation=data.draw(st.sampled_from(NOTATIONS)))
    extent = (1e4, 1e4) if frame == "xyxy_unit" else dialect.extent(PictureSize(640, 480))
    answer = data.draw(answers(extent))
    text = TASK.render(answer, make_sample(), dialect)
    back = TASK.parse(text, make_sample(), dialect)
    assert codes(back) == (
        ["no_box"] if answer.verdict == "AI-GENERATED" and not answer.regions else []
    )
    assert (back.verdict, back.tags) == (answer.verdict, answer.tags)
    assert [r.description for r in back.regions] == [r.description for r in answer.regions]
    for mine, theirs in zip(back.regions, answer.regions, strict=True):
        assert mine.xyxy_px == pytest.approx(theirs.xyxy_px, abs=1e-9)
    assert parse_reply(text).follows("think", "tag", "verdict")
    again = TASK.render(back, make_sample(), dialect)
    assert TASK.parse(again, make_sample(), dialect) == back  # from here on exactly


BOX = "[64, 48, 320, 240]"


@pytest.mark.parametrize(
    ("text", "verdict", "num_regions", "problems"),
    [
        (f"<think>{BOX}: x</think><tag>a</tag><verdict>fake</verdict>", "AI-GENERATED", 1, []),
        ("<think>x</think><tag></tag><verdict>real</verdict>", "REAL", 0, []),
        ("<think>x</think><verdict>fake</verdict>", "AI-GENERATED", 0, ["no_box"]),
        (f"<think>{BOX}</think><verdict>real</verdict>", "REAL", 1, ["boxes_on_real"]),
        (f"{BOX}<verdict>fake</verdict>", "AI-GENERATED", 1, ["boxes_outside_think"]),
        (f"<think>{BOX}", None, 1, ["think_not_closed", "no_verdict"]),
        ("<verdict>real</verdict><verdict>fake</verdict>", None, 0, None),
        (
            "<think>[0.1, 0.1, 0.5, 0.5]</think><verdict>fake</verdict>",
            "AI-GENERATED",
            1,
            ["fractions"],
        ),
        ("<think>[9, 9, 9, 9]</think><verdict>fake</verdict>", "AI-GENERATED", 0, ["empty_box"]),
        ("", None, 0, ["no_verdict"]),
        ("yes", "AI-GENERATED", 0, ["no_box"]),
    ],
)
def test_ugly_replies(
    text: str, verdict: str | None, num_regions: int, problems: list[str] | None
) -> None:
    answer = TASK.parse(text, make_sample(question="Is it fake?"))
    assert (answer.verdict, len(answer.regions)) == (verdict, num_regions)
    expected = (
        problems or []
        if problems is not None
        else [
            "verdict_repeated",
            "conflicting_verdicts",
            "no_verdict",
        ]
    )
    assert codes(answer) == expected


def test_boxes_are_read_in_the_models_frame() -> None:
    text = "<think>[322, 119, 644, 476]: x</think><verdict>fake</verdict>"
    (region,) = TASK.parse(text, make_sample(), Dialect.of("qwen2_5_vl")).regions
    assert region.xyxy_px == pytest.approx((320, 120, 640, 480))
    (region,) = TASK.parse(text, make_sample(), PIXELS).regions
    assert region.xyxy_px == (322, 119, 640, 476)


def test_a_picture_without_size_is_the_callers_mistake_only_when_there_are_boxes() -> None:
    sample = make_sample(images=(ImageRef(path="a"),))
    assert TASK.parse("<verdict>real</verdict>", sample).verdict is Verdict.REAL
    with pytest.raises(UsageError, match="need the size of a"):
        TASK.parse(f"<think>{BOX}</think>", sample)
