"""MC-Bench, LISA, Ref-L4, ODINW: by hand, and against frozen outputs of MC-Bench's script."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.suites.suite_files import grounding_sample

from groundsight.suites import SUITES, Figure, Found, SampleScore, Suite
from groundsight.suites.average_precision import Detections
from groundsight.suites.boxes import coco_hits, overlap_areas
from groundsight.vision.boxes import Boxes

MC_BENCH = SUITES["mc_bench"]
WIDTH, HEIGHT, TEXTS = 400, 300, 25
# What mcbench_eval of XuYunqiu/MC-Bench gives (with pycocotools 2.0.11) for `random_case(seed)`.
OFFICIAL = {
    0: (0.17628709454796412, 0.6),
    1: (0.16213641987445931, 0.56),
    3: (0.24173936388929318, 0.8),
    7: (0.25113369750450965, 0.72),
}


def keyed(figures: list[Figure]) -> dict[str, Figure]:
    return {figure.key: figure for figure in figures}


def random_case(seed: int) -> tuple[dict[str, Any], dict[str, str]]:
    """An annotation file, and replies that find some of its boxes."""
    draw = random.Random(seed)

    def box() -> list[float]:
        x, y = draw.uniform(0, 300), draw.uniform(0, 200)
        sides = round(draw.uniform(10, 99), 1), round(draw.uniform(10, 99), 1)
        return [round(x, 1), round(y, 1), *sides]

    images: list[dict[str, Any]] = []
    boxes: list[dict[str, Any]] = []
    texts: list[dict[str, Any]] = []
    replies: dict[str, str] = {}
    for text in range(TEXTS):
        first, second, last = 2 * text, 2 * text + 1, text == TEXTS - 1
        own: list[tuple[int, list[float], int]] = []
        for image in (first, second):
            name = {"id": image, "text_id": text, "file_name": f"{image}.jpg"}
            images.append({**name, "height": HEIGHT, "width": WIDTH})
            if text % 5 != 4 or last:
                own.extend((image, box(), 1) for _ in range(draw.randint(0, 3)))
        if last:
            own.extend([(first, box(), 2), (first, box(), 1)])
        boxes.extend(
            {"image_id": image, "text_id": text, "bbox": at, "category_id": group}
            for image, at, group in own
        )
        texts.append(
            {
                "id": text,
                "images_id": [first, second],
                "text": "x",
                "positive_sample": bool(own),
                "text_style": "S",
            }
        )
        replies[f"mc_bench/{text}"] = _reply(draw, own, box, first, last)
    return {"descriptions": texts, "images": images, "annotations": boxes}, replies


def _reply(
    draw: random.Random, own: list[tuple[int, list[float], int]], box: Any, first: int, last: bool
) -> str:
    said: list[tuple[int, list[int]]] = []
    for image, at, group in own:
        if (last and group == 2) or draw.random() >= 0.7:
            continue
        near = [value + draw.uniform(-12, 12) for value in at]
        near[0], near[1] = max(0, near[0]), max(0, near[1])
        near[2], near[3] = min(near[2], WIDTH - near[0]), min(near[3], HEIGHT - near[1])
        whole = [round(value) for value in near]
        if whole[2] > 0 and whole[3] > 0:
            said.append((image, whole))
    if draw.random() < 0.3:
        said.append((draw.choice((first, first + 1)), [round(value) for value in box()]))
    said.sort(key=lambda one: one[0])
    lines = [
        f"Image {image - first + 1}: [{x}, {y}, {x + w}, {y + h}]" for image, (x, y, w, h) in said
    ]
    return f"<think>x</think><answer>{chr(10).join(lines) or 'nothing to find'}</answer>"


@pytest.mark.parametrize("seed", sorted(OFFICIAL))
def test_mc_bench_equals_its_script(seed: int, tmp_path: Path) -> None:
    tree, replies = random_case(seed)
    path = tmp_path / "mc.json"
    path.write_text(json.dumps(tree))
    scores = [MC_BENCH.score(one, replies[one.id]) for one in MC_BENCH.samples(path)]
    random.Random(seed).shuffle(scores)  # a resumed run writes in any order
    figures = keyed(MC_BENCH.summary(scores))
    ap50, accuracy = OFFICIAL[seed]
    assert figures["ap50"].value == pytest.approx(ap50, abs=1e-9)
    assert figures["image_accuracy"].value == pytest.approx(accuracy)
    interval = figures["ap50"].interval
    assert interval is not None and interval.low < interval.high


# --- average precision by hand --------------------------------------------------------------------


def detections(*rows: tuple[list[tuple[float, bool]], int]) -> Detections:
    return Detections.of(
        SampleScore(
            id=f"s/{number}",
            found={"1": tuple(Found(score, (hit,)) for score, hit in found)},
            num_true={"1": num_true},
        )
        for number, (found, num_true) in enumerate(rows)
    )


def test_average_precision_by_hand() -> None:
    # Two true boxes; hit, miss, hit: precision 1 up to recall 0.5, then 2/3 up to 1.
    table = detections(([(0.9, True), (0.5, False), (0.3, True)], 2))
    assert table.average_precision("1") == pytest.approx((51 * 1 + 50 * 2 / 3) / 101)
    # The certainty orders boxes across samples.
    table = detections(([(0.3, False)], 1), ([(0.9, True)], 0))
    assert table.average_precision("1") == pytest.approx(1.0)
    assert detections(([], 3)).average_precision("1") == 0.0
    assert detections(([(0.9, False)], 0)).average_precision("1") == 0.0


def test_pairing_by_hand() -> None:
    true = Boxes.px([[0, 0, 10, 10], [20, 0, 30, 10]])
    found = Boxes.px([[0, 0, 10, 9], [0, 0, 10, 10], [20, 0, 30, 6]])
    # The first box takes the first true one, so the better second box has none left.
    assert coco_hits(found, true, (0.5, 0.75)) == ((True, True), (False, False), (True, False))
    assert coco_hits(Boxes.px([]), true, (0.5,)) == ()
    assert coco_hits(found, Boxes.px([]), (0.5,)) == ((False,),) * 3


def test_areas_by_hand() -> None:
    found = Boxes.px([[0, 0, 10, 10], [5, 0, 15, 10]])  # 150 together
    both, either = overlap_areas(found, Boxes.px([[10, 0, 20, 10]]))
    assert (both, either) == (50, 200)
    assert overlap_areas(Boxes.px([]), Boxes.px([])) == (0, 0)


# --- the sets -------------------------------------------------------------------------------------


def figures_of(suite: Suite, *cases: tuple[Any, str]) -> dict[str, Figure]:
    return keyed(suite.summary([suite.score(sample, f"{reply}") for sample, reply in cases]))


def test_lisa_by_hand() -> None:
    found = figures_of(
        SUITES["lisa"],
        (grounding_sample(1, [(0, 0, 100, 100)]), "[0, 0, 100, 50]"),  # 5000 / 10000
        (grounding_sample(2, [(0, 0, 10, 10)]), "[200, 200, 210, 210]"),  # 0 / 200
        (grounding_sample(3, []), "nothing to find"),  # 1, and nothing to the sums
    )
    assert found["giou"].value == pytest.approx((0.5 + 0 + 1) / 3)
    assert found["ciou"].value == pytest.approx(5000 / 10200)


def test_ref_l4_by_hand() -> None:
    found = figures_of(
        SUITES["ref_l4"],
        (grounding_sample(1, [(0, 0, 100, 100)], category="a"), "[0, 0, 100, 50]"),  # IoU 0.5
        (grounding_sample(2, [(0, 0, 100, 100)], category="a"), "[0, 0, 100, 76]"),  # 0.76
        (grounding_sample(3, [(0, 0, 300, 300)], category="b"), "[0, 0, 300, 300]"),  # 1
    )
    # Above 0.5, not at it.
    assert found["acc@0.5"].value == pytest.approx(2 / 3)
    assert found["acc@0.75"].value == pytest.approx(2 / 3)
    assert found["acc@0.9"].value == pytest.approx(1 / 3)
    assert found["macc"].value == pytest.approx((0 + 6 / 10 + 1) / 3)
    assert found["acc@0.5[size=small]"].num == 2
    assert found["acc@0.5[size=large]"].value == 1.0
    assert found["class_acc@0.5"].value == pytest.approx((0.5 + 1) / 2)


def test_odinw_means_over_classes_and_thresholds() -> None:
    cup, hand = ({"category": name} for name in ("cup", "hand"))
    found = figures_of(
        SUITES["odinw"],
        (grounding_sample(1, [(0, 0, 100, 100)], **cup), "[0, 0, 100, 76]"),  # right up to 0.75
        (grounding_sample(2, [(0, 0, 50, 50)], **hand), "nothing to find"),
    )
    assert found["map"].value == pytest.approx((6 / 10 + 0) / 2)
    assert found["ap50"].value == pytest.approx(0.5)
    assert found["recall@0.5"].value == 0.5
    assert found["precision@0.5"].num == 1


def test_a_thousand_boxes_cost_no_time() -> None:
    boxes = " ".join(f"[{i % 300}, 0, {i % 300 + 9}, 9]" for i in range(1000))
    for name in ("lisa", "ref_l4", "odinw"):
        score = SUITES[name].score(grounding_sample(1, [(0, 0, 100, 100)]), boxes)
        assert score.unscored is None
        assert all(np.isfinite(value) for value in score.values.values() if value is not None)


def test_boxes_without_a_picture_size_are_not_scored() -> None:
    sample = grounding_sample(1, [(0, 0, 1, 1)])
    bare = sample.images[0].model_copy(update={"width": None})
    score = SUITES["lisa"].score(sample.model_copy(update={"images": (bare,)}), "[0, 0, 1, 1]")
    assert score.unscored is not None and "size" in score.unscored
