"""Figures of replies, by hand."""

import pytest

from groundsight.bench.records import ScoreLine
from groundsight.core.errors import UsageError
from groundsight.core.types import ImageRef, Sample, SampleRegion
from groundsight.demo.measuring import figures, judge
from groundsight.demo.settings import SUITE_OF
from groundsight.rewards.rubric import Rubric, RubricConfig
from groundsight.suites import SUITES

RUBRIC = Rubric(
    RubricConfig.model_validate(
        {
            "task": "grounded_detection",
            "rewards": [
                {"type": "relaxed_iou", "name": "grounding", "weight": 1.0, "eta": 1.0},
                {"type": "verdict", "name": "label", "weight": 1.0},
                {"type": "report_format", "name": "format", "weight": 1.0},
            ],
        }
    )
)
ACROSS = Rubric(
    RubricConfig.model_validate(
        {
            "task": "multi_image_grounding",
            "rewards": [
                {"type": "format_think_answer", "name": "format"},
                {"type": "grounding_iou", "name": "grounding"},
                {"type": "negatives", "name": "nothing"},
            ],
        }
    )
)
IMAGE = ImageRef(path="a.png", width=100, height=100)
FAKE = Sample(
    id="fake",
    images=(IMAGE,),
    task="grounded_detection",
    label=1,
    regions=(SampleRegion(xyxy=(0, 0, 40, 40), description="smear"),),
)
REAL = Sample(id="real", images=(IMAGE,), task="grounded_detection", label=0)
PAIR = Sample(
    id="pair",
    images=(IMAGE, IMAGE),
    task="multi_image_grounding",
    question="Where do they differ?",
    regions=(SampleRegion(image_index=1, xyxy=(0, 0, 40, 40)),),
)
NOTHING = PAIR.model_copy(update={"id": "nothing", "regions": ()})


def report(box: str | None, verdict: str) -> str:
    line = f"\n- {box}: smear" if box else ""
    return f"<think>I look.{line}</think>\n<tag></tag>\n<verdict>{verdict}</verdict>"


def answer(text: str) -> str:
    return f"<think>I look at both.</think>\n<answer>{text}</answer>"


def line(sample: Sample, reply: str) -> ScoreLine:
    suite = SUITES[{str(task): name for task, name in SUITE_OF.items()}[sample.task]]
    return ScoreLine(score=suite.score(sample, reply), raw=reply)


@pytest.mark.parametrize(
    ("sample", "reply", "wanted"),
    [
        (FAKE, report("[0, 0, 40, 40]", "fake"), (1.0, 1.0, 1.0, 3.0)),
        (FAKE, report("[0, 0, 40, 20]", "fake"), (1.0, 0.5, 1.0, 2.5)),
        (FAKE, report(None, "real"), (0.0, 0.0, 1.0, 1.0)),
        (FAKE, "fake, I am sure", (0.0, 0.0, 0.0, -1.0)),
        (REAL, report(None, "real"), (1.0, None, 1.0, 3.0)),
        (REAL, report("[0, 0, 40, 20]", "fake"), (0.0, None, 1.0, 1.0)),
        (REAL, "", (0.0, None, 0.0, -1.0)),
    ],
)
def test_one_picture(
    sample: Sample, reply: str, wanted: tuple[float, float | None, float, float]
) -> None:
    (one,) = judge([line(sample, reply)], {sample.id: sample}, rubric=RUBRIC)
    assert tuple(one) == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("sample", "reply", "wanted"),
    [
        (PAIR, answer("Image 2: [0, 0, 40, 40]"), (1.0, 1.0, 1.0, 2.0)),
        (PAIR, answer("Image 2: [0, 0, 40, 20]"), (1.0, 0.5, 1.0, 1.5)),
        (PAIR, answer("Image 1: [0, 0, 40, 40]"), (0.0, 0.0, 1.0, 1.0)),
        (PAIR, answer("nothing to find"), (0.0, 0.0, 1.0, 1.0)),
        (NOTHING, answer("nothing to find"), (1.0, None, 1.0, 2.0)),
        (NOTHING, answer("Image 1: [0, 0, 40, 40]"), (0.0, None, 1.0, 1.0)),
        (NOTHING, "well", (0.0, None, 0.0, 0.0)),
    ],
)
def test_several_pictures(
    sample: Sample, reply: str, wanted: tuple[float, float | None, float, float]
) -> None:
    (one,) = judge([line(sample, reply)], {sample.id: sample}, rubric=ACROSS)
    assert tuple(one) == pytest.approx(wanted)


def test_figures_are_means_with_intervals() -> None:
    lines = [line(FAKE, report("[0, 0, 40, 20]", "fake")), line(REAL, "")]
    found = figures(judge(lines, {"fake": FAKE, "real": REAL}, rubric=RUBRIC))
    assert found["accuracy"].value == 0.5
    assert found["iou"].value == pytest.approx(0.5)
    assert found["reward"].value == pytest.approx(0.75)
    assert found["accuracy"].low <= 0.5 <= found["accuracy"].high


def test_without_regions_there_is_no_iou() -> None:
    assert "iou" not in figures(judge([line(REAL, "")], {"real": REAL}, rubric=RUBRIC))


def test_a_line_of_another_sample_is_refused() -> None:
    with pytest.raises(UsageError, match="not among the held-out"):
        judge([line(REAL, "")], {}, rubric=RUBRIC)


def test_the_suites_take_the_questions_of_their_task() -> None:
    for task, name in SUITE_OF.items():
        suite = SUITES[name]
        assert [one.task for one in (FAKE, PAIR) if suite.takes(one)] == [task]
        assert not suite.published and suite.source == "samples"
