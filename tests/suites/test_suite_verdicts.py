"""Suites of verdicts: replies and reports, abstention, LOKI's and GenImage's own means."""

from pathlib import Path
from typing import Any

import pytest
from tests.suites.suite_files import write_suite

from groundsight.core.report import EngineInfo, ImageInfo, Problem, Region, Report
from groundsight.core.types import ImageRef, Label, Sample, Verdict
from groundsight.suites import SUITES, Figure, SampleScore
from groundsight.suites.verdicts import NO_LABEL

FOLDER = SUITES["folder"]
LOKI = SUITES["loki"]
GENIMAGE = SUITES["genimage"]


def sample(label: Label | None, number: int = 0, **more: Any) -> Sample:
    image = ImageRef(path=f"{number}.png", width=100, height=100)
    known = {"id": f"s/{number}", "images": (image,), "task": "forgery_reasoning", "label": label}
    return Sample.model_validate({**known, **more})


def report(verdict: Verdict, p_fake: float | None = None, **more: Any) -> Report:
    known = {
        "image": ImageInfo(path="a.png"),
        "engine": EngineInfo(name="toy", version="1"),
        "timing_s": 0.0,
    }
    return Report.model_validate({**known, "verdict": verdict, "p_fake": p_fake, **more})


def keyed(figures: list[Figure]) -> dict[str, Figure]:
    return {figure.key: figure for figure in figures}


@pytest.mark.parametrize(
    ("reply", "right", "parsed"),
    [
        ("<verdict>fake</verdict>", 1.0, True),
        ("<verdict>real</verdict>", 0.0, True),
        ('```json\n{"final_verdict": {"verdict": "AI-GENERATED"}}\n```', 1.0, True),
        ("I cannot tell.", 0.0, False),
        ("", 0.0, False),
    ],
)
def test_a_reply_is_read_by_its_task(reply: str, right: float, parsed: bool) -> None:
    score = FOLDER.score(sample(1), reply)
    assert (score.values["accuracy"], score.parsed, score.unscored) == (right, parsed, None)


def test_a_report_is_taken_over() -> None:
    score = FOLDER.score(sample(1), report=report(Verdict.AI_GENERATED, 0.9))
    assert (score.values["accuracy"], score.p_fake) == (1.0, 0.9)
    assert (score.verdict, score.parsed) == (Verdict.AI_GENERATED, True)


@pytest.mark.parametrize(("p_fake", "right"), [(0.6, 1.0), (0.5, 0.0), (0.2, 0.0)])
def test_an_undecided_report_is_decided_at_one_half(p_fake: float, right: float) -> None:
    score = FOLDER.score(sample(1), report=report(Verdict.INCONCLUSIVE, p_fake))
    assert score.values == {"accuracy": right, "decided": 0.0, "accuracy_decided": None}
    assert score.verdict is Verdict.INCONCLUSIVE


def test_a_report_that_says_nothing_is_not_scored() -> None:
    unread = report(
        Verdict.INCONCLUSIVE, problems=(Problem(code="not_found", message="no such file"),)
    )
    score = FOLDER.score(sample(1), report=unread)
    assert (score.unscored, score.values) == ("not_found", {})


def test_a_reply_without_a_verdict_in_a_report_is_wrong() -> None:
    score = FOLDER.score(sample(1), report=report(Verdict.INCONCLUSIVE, raw="Hm."))
    assert (score.unscored, score.parsed, score.values["accuracy"]) == (None, False, 0.0)


def test_a_picture_without_a_label_is_not_scored() -> None:
    assert FOLDER.score(sample(None), "<verdict>fake</verdict>").unscored == NO_LABEL


def test_figures_by_hand() -> None:
    cases: list[tuple[Label, Verdict, float]] = [
        (1, Verdict.AI_GENERATED, 0.9),
        (1, Verdict.AI_GENERATED, 0.8),
        (1, Verdict.REAL, 0.2),
        (0, Verdict.REAL, 0.1),
    ]
    scores = [
        FOLDER.score(sample(label, i), report=report(verdict, p_fake))
        for i, (label, verdict, p_fake) in enumerate(cases)
    ]
    figures = keyed(FOLDER.summary(scores))
    assert figures["accuracy"].value == pytest.approx(3 / 4)
    assert figures["accuracy[label=fake]"].value == pytest.approx(2 / 3)
    assert figures["accuracy[label=real]"].value == 1.0
    assert figures["balanced_accuracy"].value == pytest.approx(5 / 6)
    assert figures["auc"].value == 1.0
    assert figures["tpr@fpr=0.05"].value == 1.0
    assert figures["ece"].value == pytest.approx((0.1 + 0.2 + 0.8 + 0.1) / 4)


def test_genimage_takes_val_and_averages_generators(tmp_path: Path) -> None:
    samples = list(GENIMAGE.samples(write_suite("genimage", tmp_path)))
    assert len(samples) == 16
    wrong_about = {"Midjourney", "ADM"}
    scores = []
    for one in samples:
        subset = GENIMAGE.groups(one)["generator"]
        says_fake = (one.label == 1) != (subset in wrong_about)
        scores.append(GENIMAGE.score(one, f"<verdict>{'fake' if says_fake else 'real'}</verdict>"))
    figures = keyed(GENIMAGE.summary([*scores, *scores[:2]]))
    assert figures["mean_accuracy"].value == pytest.approx(6 / 8)
    assert figures["accuracy[generator=ADM]"].value == 0.0
    assert figures["accuracy[generator=SD v1.5]"].value == 1.0
    assert sum(key.startswith("accuracy[generator=") for key in figures) == 8


# --- LOKI ----------------------------------------------------------------------------------------


def judgment(number: int, label: Label, asks: str, category: str) -> Sample:
    words = {"real": "Is this image taken from the real world?", "fake": "Is this AI-generated?"}
    answer = "Yes" if (label == 1) == (asks == "fake") else "No"
    extra = {"answer": answer, "category": category}
    return sample(label, number, question=words[asks], extra=extra)


def test_loki_weighs_categories_by_their_generated_pictures() -> None:
    scores: list[SampleScore] = []
    # scene: 3 of 4 right on generated, 1 of 2 on real; doc: 0 of 2 on generated, no real.
    for number, right in enumerate((True, True, True, False)):
        scores.append(LOKI.score(judgment(number, 1, "fake", "scene"), "Yes" if right else "No"))
    for number, right in enumerate((True, False), start=4):
        scores.append(LOKI.score(judgment(number, 0, "fake", "scene"), "No" if right else "Yes"))
    for number in (6, 7):
        scores.append(LOKI.score(judgment(number, 1, "real", "doc"), "Yes"))
    figures = keyed(LOKI.summary(scores))
    assert figures["loki_accuracy[category=scene]"].value == pytest.approx((3 / 4 + 1 / 2) / 2)
    assert figures["loki_accuracy[category=doc]"].value == 0.0
    assert figures["loki_accuracy"].value == pytest.approx((4 * 0.625 + 2 * 0.0) / 6)
    assert figures["accuracy[asks=real]"].value == 0.0


def test_loki_asks_both_ways_round() -> None:
    pair = [judgment(1, 1, "fake", "doc"), judgment(1, 1, "real", "doc")]
    says_yes = [LOKI.score(one, "Yes") for one in pair]
    assert [score.values["accuracy"] for score in says_yes] == [1.0, 0.0]
    assert keyed(LOKI.summary(says_yes))["accuracy_both_ways"].value == 0.0
    right = [LOKI.score(one, said) for one, said in zip(pair, ("Yes", "No"), strict=True)]
    assert keyed(LOKI.summary(right))["accuracy_both_ways"].value == 1.0


def test_loki_reads_four_characters_of_plain_replies_only() -> None:
    one = judgment(1, 1, "fake", "doc")
    plain = LOKI.score(one, "**Yes**, the hands are wrong")
    assert (plain.values["accuracy"], plain.values["accuracy_read"], plain.parsed) == (0, 1, False)
    written = LOKI.score(one, "<think>odd</think><verdict>fake</verdict>")
    assert (written.values["accuracy"], written.parsed) == (1.0, True)
    answered = LOKI.score(one, "<think>No wait.</think>\n<answer>Yes</answer>")
    assert answered.values["accuracy"] == 1.0


def test_a_report_answers_loki_both_ways_round_and_ranks_pictures_once() -> None:
    labels: tuple[Label, ...] = (0, 1)
    asked = [(label, asks) for label in labels for asks in ("real", "fake")]
    pairs = [judgment(label, label, asks, "doc") for label, asks in asked]
    scores = [
        LOKI.score(one, report=report(Verdict.from_label(one.label or 0), float(one.label or 0)))
        for one in pairs
    ]
    figures = keyed(LOKI.summary(scores))
    assert figures["loki_accuracy"].value == pytest.approx(1.0)
    assert (figures["auc"].value, figures["auc"].num) == (1.0, 2)


# --- regions -------------------------------------------------------------------------------------


def test_fakexplained_by_hand(tmp_path: Path) -> None:
    suite = SUITES["fakexplained"]
    fake, real = suite.samples(write_suite("fakexplained", tmp_path))
    # True: 50 × 60 and 80 × 80. Said: the first alone, and what stands there.
    said = "<think>[10, 20, 60, 80]: six fingers on the hand</think><verdict>fake</verdict>"
    score = suite.score(fake, said)
    assert score.values["iou"] == pytest.approx(3000 / (3000 + 6400))
    assert (score.values["accuracy"], score.values["pointing"]) == (1.0, 1.0)
    bleu, rouge = score.values["bleu_2"], score.values["rouge_l"]
    assert bleu is not None and 0 < bleu < 1
    # 5 of 5 words found, 5 of 10 true ones.
    assert rouge == pytest.approx(2 * 1.0 * 0.5 / 1.5)
    false = suite.score(real, "<think>[1, 1, 9, 9]: blur</think><verdict>real</verdict>")
    assert false.values["false_regions"] == 1.0
    assert "iou" not in false.values
    figures = keyed(suite.summary([score, false]))
    assert figures["iou"].num == 1
    assert figures["accuracy"].value == 1.0


def test_regions_of_a_report_count_like_those_of_a_reply(tmp_path: Path) -> None:
    suite = SUITES["fakexplained"]
    fake, _ = suite.samples(write_suite("fakexplained", tmp_path))
    region = Region(xyxy_px=(10, 20, 60, 80), description="six fingers on the hand", source="toy")
    from_report = suite.score(fake, report=report(Verdict.AI_GENERATED, 0.9, regions=(region,)))
    said = "<think>[10, 20, 60, 80]: six fingers on the hand</think><verdict>fake</verdict>"
    from_reply = suite.score(fake, said)
    assert from_report.values == from_reply.values
