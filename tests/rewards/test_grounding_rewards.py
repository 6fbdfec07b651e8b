"""Multi-image grounding rewards by hand; each question is scored by the rewards that apply."""

import pytest

from groundsight.core.errors import UsageError
from groundsight.core.types import ImageRef, Sample, SampleRegion
from groundsight.replies.dialect import Dialect
from groundsight.replies.reply import parse_reply
from groundsight.rewards.base import Attempt, Question
from groundsight.rewards.grounding import GroundingIoU, ImageIndex, MatchedIoU, Negatives

TRUE = SampleRegion(image_index=1, xyxy=(100.0, 100.0, 300.0, 200.0))
OTHER = SampleRegion(image_index=0, xyxy=(0.0, 0.0, 100.0, 100.0))


def make_sample(*regions: SampleRegion) -> Sample:
    images = tuple(ImageRef(path=f"{i}.jpg", width=400, height=300) for i in range(3))
    return Sample(
        id="a",
        images=images,
        task="multi_image_grounding",
        question="Find the cup of the first picture again.",
        regions=regions,
    )


def make_attempt(answer: str, *regions: SampleRegion) -> Attempt:
    text = f"<think>where is it?</think><answer>{answer}</answer>"
    return Attempt(parse_reply(text), Question(make_sample(*regions)))


# TRUE is 200 × 100 in image 2.
@pytest.mark.parametrize(
    ("answer", "iou", "index"),
    [
        ("Image 2: [100, 100, 300, 200]", 1.0, 1.0),
        ("the second image, (100,100),(200,200)", 0.5, 1.0),
        ("Image 2: [200, 100, 400, 200]", 1 / 3, 1.0),
        ("Image 2: [0, 0, 400, 300]", 20_000 / 120_000, 1.0),
        ("Image 3: [100, 100, 300, 200]", 0.0, 0.0),  # right place, wrong picture
        ("Image 1: [100, 100, 300, 200]", 0.0, 0.0),
        ("Image 9: [100, 100, 300, 200]", 0.0, 0.0),
        ("Image 2: [100, 100, 300, 200]\nImage 2: [100, 100, 300, 200]", 1.0, 1.0),  # said twice
        ("Image 2: [100, 100, 300, 200]\nImage 2: [0, 0, 50, 50]", 0.0, 1.0),  # a guess among two
        ("Image 2: [100, 100, 300, 200]\nImage 1: [0, 0, 50, 50]", 0.0, 0.5),
        ("nothing to find", 0.0, 0.0),
        ("", 0.0, 0.0),
    ],
)
def test_one_true_box(answer: str, iou: float, index: float) -> None:
    attempt = make_attempt(answer, TRUE)
    assert GroundingIoU().score(attempt) == pytest.approx(iou)
    assert ImageIndex().score(attempt) == pytest.approx(index)
    assert Negatives().score(attempt) is None


def test_a_box_in_the_reasoning_is_no_answer() -> None:
    text = "<think>Image 2: [100, 100, 300, 200]</think><answer></answer>"
    attempt = Attempt(parse_reply(text), Question(make_sample(TRUE)))
    assert GroundingIoU().score(attempt) == 0.0


@pytest.mark.parametrize(
    ("answer", "score"),
    [
        ("Image 2: [100, 100, 300, 200]\nImage 1: [0, 0, 100, 100]", 1.0),
        ("Image 1: [0, 0, 100, 100]\nImage 2: [100, 100, 300, 200]", 1.0),  # in any order
        ("Image 2: [100, 100, 300, 200]", 0.5),  # one of two
        ("Image 2: [100, 100, 300, 200]\nImage 1: [0, 0, 100, 50]", 0.75),
        (
            "Image 2: [100, 100, 300, 200]\nImage 1: [0, 0, 100, 100]\n"
            "Image 3: [0, 0, 9, 9]\nImage 3: [9, 9, 20, 20]",
            0.5,  # two surplus
        ),
        ("Image 1: [100, 100, 300, 200]\nImage 2: [0, 0, 100, 100]", 0.0),  # pictures swapped
        ("nothing to find", 0.0),
    ],
)
def test_several_true_boxes(answer: str, score: float) -> None:
    attempt = make_attempt(answer, TRUE, OTHER)
    assert MatchedIoU().score(attempt) == pytest.approx(score)
    assert GroundingIoU().score(attempt) is None


def test_one_box_over_two_true_ones_does_not_pay() -> None:
    left = SampleRegion(image_index=0, xyxy=(0.0, 0.0, 100.0, 100.0))
    right = SampleRegion(image_index=0, xyxy=(100.0, 0.0, 200.0, 100.0))
    attempt = make_attempt("Image 1: [0, 0, 200, 100]", left, right)
    assert MatchedIoU().score(attempt) == pytest.approx(0.25)  # 0.5 for one of two


def test_too_many_boxes_to_match_earn_nothing() -> None:
    lines = "\n".join(f"Image 2: [{x}, 100, {x + 1}, 200]" for x in range(100, 300))
    assert MatchedIoU().score(make_attempt(lines, TRUE)) == 0.0


@pytest.mark.parametrize(
    ("answer", "score"),
    [
        ("nothing to find", 1.0),
        ("None of the pictures shows it.", 1.0),
        ("[]", 1.0),
        ("", 0.0),
        ("I am not sure", 0.0),
        ("Image 1: [0, 0, 10, 10]", 0.0),
        ("nothing to find, perhaps Image 1: [0, 0, 10, 10]", 0.0),
    ],
)
def test_nothing_to_find(answer: str, score: float) -> None:
    attempt = make_attempt(answer)
    assert Negatives().score(attempt) == score
    assert [r.score(attempt) for r in (GroundingIoU(), ImageIndex(), MatchedIoU())] == [None] * 3


def test_boxes_are_read_in_the_frame_of_the_family() -> None:
    text = "<think>x</think><answer>Image 2: [250, 333, 750, 667]</answer>"
    attempt = Attempt(parse_reply(text), Question(make_sample(TRUE), Dialect.of("qwen3_vl")))
    assert GroundingIoU().score(attempt) == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("answer", ["Image 1: [0, 0, 10, 10]", "nothing to find", ""])
def test_without_sizes_nothing_is_scored_whatever_is_answered(answer: str) -> None:
    text = f"<think>x</think><answer>{answer}</answer>"
    images = (ImageRef(path="a.jpg"), ImageRef(path="b.jpg"))
    for regions in ((), (TRUE,)):
        sample = make_sample(*regions).model_copy(update={"images": images})
        attempt = Attempt(parse_reply(text), Question(sample))
        for reward in (GroundingIoU(), ImageIndex(), MatchedIoU(), Negatives()):
            try:
                assert reward.score(attempt) is None
            except UsageError as error:
                assert "width and height" in str(error)
