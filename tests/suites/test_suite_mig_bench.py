"""MIG-Bench: boxes and IoUs as the official script has them (frozen from its extract_bbox)."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from groundsight.core.types import ImageRef, Sample, SampleRegion
from groundsight.replies.dialect import PIXELS, Dialect
from groundsight.suites import SUITES
from groundsight.suites.mig_bench import NO_SIZE, read_box

SUITE = SUITES["mig_bench"]
QWEN2 = Dialect.of("qwen2_vl")


@pytest.mark.parametrize(
    ("text", "box"),
    [
        ("(100,200),(300,400)", (0.1, 0.2, 0.3, 0.4)),
        ("<|box_start|>(100,200),(300,400)<|box_end|>", (0.1, 0.2, 0.3, 0.4)),
        ("[100, 200, 300, 400]", (0.1, 0.2, 0.3, 0.4)),
        ("[0.1, 0.2, 0.3, 0.4]", (0.1, 0.2, 0.3, 0.4)),
        ("(0.1, 0.2, 0.3, 0.4)", (0.1, 0.2, 0.3, 0.4)),
        ("(0.1,0.2),(0.3,0.4)", (0.1, 0.2, 0.3, 0.4)),
        ("<box>100 200 300 400</box>", (0.1, 0.2, 0.3, 0.4)),
        ("<box>[[100, 200, 300, 400]]</box>", (0.1, 0.2, 0.3, 0.4)),
        # Of several the first, in the first notation that occurs anywhere.
        ("[1, 2, 3, 4] then [100, 200, 300, 400]", (1.0, 0.002, 0.003, 0.004)),
        ("[100, 200, 300, 400] or (500,600),(700,800)", (0.5, 0.6, 0.7, 0.8)),
        # 1 is a thousandth in a single box and the whole among several.
        ("[1, 0, 1000, 999]", (0.001, 0.0, 1.0, 0.999)),
        ("[0.5, 0.5, 1.0, 1.0]", (0.5, 0.5, 0.001, 0.001)),
        # Corners stay as they are; negative and mixed numbers are no box.
        ("(300,400),(100,200)", (0.3, 0.4, 0.1, 0.2)),
        ("[-100, 200, 300, 400]", None),
        ("[0.1, 200, 0.3, 400]", None),
        ("(100, 200, 300, 400)", None),
        ("(0.1, 0.2), (0.3, 0.4)", None),
        ("no box", None),
        ("", None),
    ],
)
def test_reading(text: str, box: tuple[float, ...] | None) -> None:
    read = read_box(text)
    assert read == (None if box is None else pytest.approx(box))


def sample(box: tuple[float, ...] = (0.1, 0.2, 0.6, 0.7), size: int | None = 1000) -> Sample:
    x0, y0, x1, y1 = box
    mended = (min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))
    images = tuple(ImageRef(path=f"{i}.jpg", width=size, height=size) for i in range(2))
    return Sample(
        id="mig_bench/region/0001",
        images=images,
        task="multi_image_grounding",
        question="Find it in Image 2.",
        regions=(SampleRegion(image_index=1, xyxy=mended, frame="xyxy_unit"),),
        extra={"task": "region", "answer": list(box), "asked_image": 1},
    )


def values(reply: str, dialect: Dialect = QWEN2, **given: Any) -> dict[str, float | None]:
    return SUITE.score(sample(**given), reply, dialect=dialect).values


def test_iou_and_thresholds_by_hand() -> None:
    # 0.5 × 0.5 and 0.5 × 0.4 inside it: 0.2 / 0.25.
    found = values("[100, 200, 600, 600]")
    assert found["iou"] == pytest.approx(0.8)
    assert (found["acc@0.7"], found["acc@0.5"], found["acc@0.3"]) == (1, 1, 1)
    # 0.5 × 0.1 of 0.25: 0.2.
    found = values("[100, 200, 600, 300]")
    assert found["iou"] == pytest.approx(0.2)
    assert (found["acc@0.7"], found["acc@0.5"], found["acc@0.3"]) == (0, 0, 0)


@pytest.mark.parametrize(
    ("reply", "official", "strict"),
    [
        ("Image 2: [600, 700, 100, 200]", 0.0, 1.0),  # swapped corners
        ("Image 1: [100, 200, 600, 700]", 1.0, 0.0),  # the wrong picture
        ("[100, 200, 500, 500]", 0.4 * 0.3 / 0.25, 0.4 * 0.3 / 0.25),  # x, y, w, h as corners
        ("[100, 200, 600, 700] [1, 1, 2, 2]", 1.0, 1.0),  # the first of several
        ("nothing to find", 0.0, 0.0),
        ("[300, 300, 300, 300]", 0.0, 0.0),  # no area
    ],
)
def test_corners(reply: str, official: float, strict: float) -> None:
    found = values(reply)
    assert found["iou"] == pytest.approx(official)
    assert found["strict_iou"] == pytest.approx(strict)


def test_a_true_box_with_swapped_corners_meets_nothing() -> None:
    swapped = (0.1, 0.7, 0.6, 0.2)
    assert SUITE.ceiling(sample(swapped), "iou") == 0
    found = values("[100, 200, 600, 700]", box=swapped)
    assert (found["iou"], found["strict_iou"]) == (0, 1)


def test_a_reply_with_sections_is_read_in_its_answer() -> None:
    reply = "<think>perhaps [1, 1, 9, 9]</think>\n<answer>Image 2: [100, 200, 600, 700]</answer>"
    assert values(reply)["iou"] == pytest.approx(1)


def test_pixels_of_a_model_are_divided_by_its_picture() -> None:
    # 1000 × 1000 pixels are 1008 × 1008 to Qwen2.5-VL.
    dialect = Dialect.of("qwen2_5_vl")
    found = values("Image 2: [101, 202, 605, 706]", dialect)
    assert found["iou"] == pytest.approx(1, abs=0.01)
    assert values("Image 2: [100, 200, 600, 700]", PIXELS)["iou"] == pytest.approx(1)


def test_without_picture_sizes_thousandths_are_still_scored() -> None:
    score = SUITE.score(sample(size=None), "[100, 200, 600, 700]", dialect=QWEN2)
    assert score.unscored is None
    assert score.values["iou"] == pytest.approx(1)
    assert score.values["strict_iou"] is None
    assert SUITE.score(sample(size=None), "[1, 2, 3, 4]").unscored == NO_SIZE


def test_the_headline_is_the_mean_over_tasks() -> None:
    scores = []
    for task, hits in (("region", [1, 1, 1, 0]), ("diff", [0])):
        for number, hit in enumerate(hits):
            one = sample().model_copy(update={"id": f"{task}/{number}"})
            one = one.model_copy(update={"extra": {**one.extra, "task": task}})
            reply = "[100, 200, 600, 700]" if hit else "no"
            scores.append(SUITE.score(one, reply, dialect=QWEN2))
    figures = {figure.key: figure for figure in SUITE.summary(scores)}
    assert figures["mean_acc@0.5"].value == pytest.approx((0.75 + 0.0) / 2)
    assert figures["acc@0.5[task=region]"].value == pytest.approx(0.75)
    assert figures["mean_acc@0.5"].num == 5
    assert figures["parse_rate"].value == pytest.approx(3 / 5)


def test_reading_is_linear() -> None:
    for text in ("(" * 300_000, "[1, " * 100_000, "[1,2,3" + " " * 300_000, "1" * 300_000):
        assert read_box(text) is None


def test_numbers_beyond_all_bounds_are_no_match() -> None:
    found = values(f"[{'9' * 400}, 1, {'9' * 500}, 2]")
    assert found["iou"] == 0
    assert np.isfinite(found["iou"] or 0)


def test_ten_tasks_of_the_extract(tmp_path: Path) -> None:
    path = Path(__file__).parents[1] / "data" / "fixtures" / "mig_bench.json"
    tasks = {SUITE.groups(one)["task"] for one in SUITE.samples(path)}
    assert len(tasks) == 10
