"""Grounding over several pictures: messages, gold replies, and what is read out of replies."""

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundsight.core.errors import UsageError
from groundsight.core.types import ImageRef, Sample, SampleRegion
from groundsight.replies.dialect import PIXELS, Dialect
from groundsight.replies.place import AnswerRegion
from groundsight.replies.regions import Notation
from groundsight.replies.render import plain_caption
from groundsight.replies.reply import parse_reply
from groundsight.tasks import TaskAnswer
from groundsight.tasks.multi_image_grounding import NOTHING, SYSTEM, TASK
from groundsight.vision.frames import FAMILIES, PictureSize

NOTATIONS: tuple[Notation, ...] = get_args(Notation)
FRAMES = ["xyxy_px", "xyxy_unit", *(f"xyxy_model:{family}" for family in FAMILIES)]
SIZES = (PictureSize(640, 480), PictureSize(300, 800), PictureSize(57, 33))
IMAGES = tuple(ImageRef(path=f"{i}.jpg", width=w, height=h) for i, (w, h) in enumerate(SIZES))
DOG = SampleRegion(image_index=1, xyxy=(30, 80, 150, 400))


def make_sample(*regions: SampleRegion, **fields: Any) -> Sample:
    given = {"id": "x", "images": IMAGES, "task": TASK.name, "question": "Find the dog."}
    return Sample(**(given | {"regions": regions} | fields))


def codes(answer: TaskAnswer) -> list[str]:
    return [problem.code for problem in answer.problems]


def test_messages_name_every_picture() -> None:
    system, user = TASK.messages(make_sample())
    assert system["content"][0]["text"].startswith(SYSTEM)
    assert user["content"] == [
        {"type": "text", "text": "Image 1:"},
        {"type": "image", "path": "0.jpg"},
        {"type": "text", "text": "Image 2:"},
        {"type": "image", "path": "1.jpg"},
        {"type": "text", "text": "Image 3:"},
        {"type": "image", "path": "2.jpg"},
        {"type": "text", "text": "Find the dog."},
    ]


def test_without_a_question_there_is_nothing_to_ask() -> None:
    with pytest.raises(UsageError, match="has no question"):
        TASK.messages(make_sample(question=" "))


@pytest.mark.parametrize(
    ("frame", "asked"),
    [
        ("xyxy_model:qwen2_vl", "the dog (<|box_start|>(100,100),(500,500)<|box_end|>) again"),
        ("xyxy_px", "the dog (<|box_start|>(64,48),(320,240)<|box_end|>) again"),
        ("xyxy_model:qwen2_5_vl", "the dog (<|box_start|>(64,48),(322,238)<|box_end|>) again"),
    ],
)
def test_boxes_of_a_question_are_written_in_the_models_frame(frame: str, asked: str) -> None:
    question = "the dog (<|box_start|>(100,100),(500,500)<|box_end|>) again"
    sample = make_sample(question=question, extra={"question_frame": "xyxy_model:qwen2_vl"})
    assert TASK.messages(sample, Dialect(frame=frame))[1]["content"][-1]["text"] == asked
    untouched = make_sample(question=question)
    assert TASK.messages(untouched, Dialect(frame=frame))[1]["content"][-1]["text"] == question


def test_gold_replies() -> None:
    two = make_sample(DOG, SampleRegion(image_index=0, xyxy=(0, 0, 1, 0.5), frame="xyxy_unit"))
    assert TASK.gold_reply(two) == (
        "<think>\nThe instruction leads to Image 1 and Image 2; I look there for what it means.\n"
        "</think>\n<answer>\nImage 2: [30, 80, 150, 400]\nImage 1: [0, 0, 640, 240]\n</answer>"
    )
    told = make_sample(DOG.model_copy(update={"description": "a dog"}))
    assert TASK.gold_reply(told) == (
        "<think>\nThe instruction means this: a dog, Image 2.\n</think>\n"
        "<answer>\nImage 2: [30, 80, 150, 400]: a dog\n</answer>"
    )
    none = make_sample(images=(ImageRef(path="a"), ImageRef(path="b")))  # needs no sizes
    assert parse_reply(TASK.gold_reply(none)).answer == NOTHING
    assert TASK.parse(TASK.gold_reply(none), none) == TASK.gold_answer(none)


@st.composite
def answers(draw: st.DrawFn, dialect: Dialect) -> TaskAnswer:
    """Answers whose boxes lie on whole numbers of the dialect's frame."""
    regions = []
    for index in draw(st.lists(st.integers(0, 2), max_size=4)):
        size, ends = SIZES[index], []
        extent = (1e4, 1e4) if dialect.frame == "xyxy_unit" else dialect.extent(size)
        for number, side in zip(map(round, extent), size, strict=True):
            low = draw(st.integers(0, number - 1))
            ends.append((low * side / number, draw(st.integers(low + 1, number)) * side / number))
        (x0, x1), (y0, y1) = ends
        caption = plain_caption(draw(st.text(max_size=30)))
        xyxy_px = (x0, y0, x1, y1)
        regions.append(AnswerRegion(image_index=index, xyxy_px=xyxy_px, description=caption))
    return TaskAnswer(
        regions=tuple(regions), nothing_found=not regions, think=draw(st.text(max_size=60))
    )


@given(data=st.data())
@pytest.mark.parametrize("frame", FRAMES)
def test_an_answer_comes_back_as_it_was_rendered(frame: str, data: st.DataObject) -> None:
    dialect = Dialect(frame=frame, notation=data.draw(st.sampled_from(NOTATIONS)))
    answer = data.draw(answers(dialect))
    text = TASK.render(answer, make_sample(), dialect)
    back = TASK.parse(text, make_sample(), dialect)
    assert codes(back) == [] and back.nothing_found is answer.nothing_found
    assert [(r.image_index, r.description) for r in back.regions] == [
        (r.image_index, r.description) for r in answer.regions
    ]
    for mine, theirs in zip(back.regions, answer.regions, strict=True):
        assert mine.xyxy_px == pytest.approx(theirs.xyxy_px, abs=1e-9)
    assert parse_reply(text).follows("think", "answer")
    again = TASK.render(back, make_sample(), dialect)
    assert TASK.parse(again, make_sample(), dialect) == back  # from here on exactly


BOX = "[30, 80, 150, 400]"


@pytest.mark.parametrize(
    ("text", "indices", "problems"),
    [
        (f"<think>t</think><answer>Image 2: {BOX}</answer>", [1], []),
        (f"<answer>{BOX} in the second image</answer>", [1], []),
        (f"<answer>{BOX}</answer>", [1], ["no_image_index"]),  # the one that is asked about
        (f"<answer>Image 4: {BOX}</answer>", [], ["wrong_image_index"]),
        (f"<answer>Image 2: {BOX}", [1], ["answer_not_closed"]),
        (f"<think>Image 2: {BOX}</think><answer>see above</answer>", [], ["no_box"]),
        (f"Image 2: {BOX}", [1], ["boxes_outside_answer"]),
        (f"<think>Image 1: {BOX}</think>", [], ["no_box"]),
        (
            f"<answer>Image 2: {BOX}</answer><answer>Image 1: {BOX}</answer>",
            [1],
            ["answer_repeated"],
        ),
        ("<answer>Image 2: [150, 400, 30, 80]</answer>", [1], ["swapped_corners"]),
        ("<answer>Image 2: [30, 80, 9000, 400]</answer>", [1], ["out_of_range"]),
        ("<answer>Image 2: [0.1, 0.1, 0.5, 0.5]</answer>", [1], ["fractions"]),
        ('<answer>```json\n[{"bbox_2d": [1, 2, 3, 4], "image": 3}]\n```</answer>', [2], None),
        ("", [], ["no_box"]),
    ],
)
def test_ugly_replies(text: str, indices: list[int], problems: list[str] | None) -> None:
    sample = make_sample(question="Find the dog of image 1 in image 2.")
    answer = TASK.parse(text, sample)
    assert [region.image_index for region in answer.regions] == indices
    assert not answer.nothing_found
    if problems is not None:
        assert codes(answer) == problems


@pytest.mark.parametrize(
    ("text", "nothing"),
    [
        ("<answer>nothing to find</answer>", True),
        ("<answer>None.</answer>", True),
        ("<answer>There is no such object</answer>", True),
        ("<answer>The dog is nowhere</answer>", False),  # not for a table to say
        ("<answer>No such object.</answer>", True),
        ("<answer>[]</answer>", True),
        ("<answer>```json\n[]\n```</answer>", True),
        ("Nothing to find", True),
        ("<think>nothing to find</think>", False),
        (f"<answer>nothing to find, but {BOX}</answer>", False),
        ("<answer></answer>", False),
        ("<answer>nonesuch</answer>", False),
    ],
)
def test_nothing_to_find(text: str, nothing: bool) -> None:
    assert TASK.parse(text, make_sample()).nothing_found is nothing


def test_a_box_without_a_picture_goes_where_the_source_says_else_nowhere() -> None:
    text = f"<answer>{BOX}</answer>"
    asked = TASK.parse(text, make_sample(extra={"asked_image": 1}), PIXELS)
    assert [region.image_index for region in asked.regions] == [1]
    assert codes(asked) == ["no_image_index"]
    assert TASK.parse(text, make_sample(), PIXELS).regions == ()


def test_an_answer_that_says_nothing_cannot_be_rendered() -> None:
    with pytest.raises(UsageError, match="cannot be rendered"):
        TASK.render(TaskAnswer(), make_sample())
