"""FakeXplained's rewards: hand-worked values, and what each reply must not earn."""

from typing import Any

import pytest

from groundsight.core.types import ImageRef, Sample, SampleRegion
from groundsight.replies.dialect import PIXELS, Dialect
from groundsight.replies.reply import parse_reply
from groundsight.rewards.base import Attempt, Question
from groundsight.rewards.fakexplained import RelaxedIoU, ReportFormat, VerdictLabel
from groundsight.tasks import TASKS

HAND = SampleRegion(xyxy=(100.0, 100.0, 300.0, 200.0), description="six fingers")
EAR = SampleRegion(xyxy=(400.0, 300.0, 500.0, 400.0), description="a melted ear")


def make_sample(label: Any = 1, regions: tuple[SampleRegion, ...] = (HAND,)) -> Sample:
    image = ImageRef(path="a.jpg", width=1000, height=500)
    return Sample(id="a", images=(image,), task="grounded_detection", label=label, regions=regions)


def make_attempt(text: str, sample: Sample, dialect: Dialect = PIXELS) -> Attempt:
    return Attempt(parse_reply(text), Question(sample, dialect))


def make_report(*lines: str, verdict: str = "fake", prose: str = "I look closely.") -> str:
    think = "\n".join([prose, *lines])
    return f"<think>\n{think}\n</think>\n<tag>anatomy</tag>\n<verdict>{verdict}</verdict>"


FAKE, REAL = make_sample(), make_sample(label=0, regions=())


@pytest.mark.parametrize(
    ("text", "label", "right"),
    [
        (make_report(), 1, True),
        (make_report(verdict="real"), 1, False),
        (make_report(verdict="Real."), 0, True),
        (make_report(verdict="AI-generated"), 1, True),
        (make_report(verdict="it is fake"), 1, False),
        (make_report(verdict="real or fake"), 0, False),
        (make_report(verdict="inconclusive"), 0, False),
        (make_report(verdict=""), 1, False),
        (make_report() + "<verdict>real</verdict>", 1, False),
        (make_report() + "<verdict>real</verdict>", 0, False),
        ("<think>the <verdict>fake</verdict></think>", 1, False),
        ("", 0, False),
    ],
)
def test_verdict_is_right_or_wrong(text: str, label: int, right: bool) -> None:
    sample = make_sample(label, (HAND,) if label else ())
    attempt = make_attempt(text, sample)
    assert VerdictLabel().score(attempt) == (1.0 if right else 0.0)
    staged = VerdictLabel(correct=0.5, wrong=-1.0)
    assert staged.score(attempt) == (0.5 if right else -1.0)
    assert staged.bounds == (-1.0, 0.5)


# HAND is 200 × 100. IoU by hand, then min(1, 1.1·IoU).
@pytest.mark.parametrize(
    ("lines", "iou", "note"),
    [
        (["[100, 100, 300, 200]: fingers"], 1.0, "exact"),
        (["[100, 100, 300, 150]: fingers"], 0.5, "its upper half"),
        (["[200, 100, 400, 200]: fingers"], 1 / 3, "shifted by half"),
        (["[100, 100, 200, 200]: a", "[200, 100, 300, 200]: b"], 1.0, "two halves"),
        (["[100, 100, 250, 200]: a", "[150, 100, 300, 200]: b"], 1.0, "overlap counts once"),
        (["[100, 100, 300, 200]: a", "[600, 100, 800, 200]: b"], 0.5, "one right, one elsewhere"),
        (["[0, 0, 1000, 500]: all"], 20_000 / 500_000, "whole picture"),
        (["[300, 200, 100, 100]: fingers"], 1.0, "corners swapped"),
        (["[600, 100, 800, 200]: fingers"], 0.0, "elsewhere"),
        ([], 0.0, "no box"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_relaxed_iou_by_hand(lines: list[str], iou: float, note: str) -> None:
    attempt = make_attempt(make_report(*lines), FAKE)
    assert RelaxedIoU().score(attempt) == pytest.approx(min(1.0, 1.1 * iou))
    assert RelaxedIoU(eta=0.5).score(attempt) == pytest.approx(0.5 * iou)


def test_relaxation_reaches_one_before_the_boxes_agree() -> None:
    # 190 of 200 columns: IoU 0.95, and 1.1 · 0.95 = 1.045.
    attempt = make_attempt(make_report("[100, 100, 290, 200]: fingers"), FAKE)
    assert RelaxedIoU().score(attempt) == 1.0


def test_true_regions_are_scored_as_one_area() -> None:
    sample = make_sample(regions=(HAND, EAR))
    attempt = make_attempt(make_report("[100, 100, 300, 200]: fingers"), sample)
    assert RelaxedIoU(eta=1.0).score(attempt) == pytest.approx(20_000 / 30_000)


def test_boxes_are_read_in_the_frame_of_the_family() -> None:
    attempt = make_attempt(
        make_report("[100, 200, 300, 400]: fingers"), FAKE, Dialect.of("qwen2_vl")
    )
    assert RelaxedIoU().score(attempt) == 1.0  # per mille of 1000 × 500


@pytest.mark.parametrize(
    ("text", "score"),
    [
        (make_report(verdict="real"), 1.0),
        (make_report(verdict="fake"), 1.0),  # wrong, but it points at nothing
        (make_report("[1, 1, 50, 50]: odd", verdict="real"), 0.0),
        (make_report("[1, 1, 50, 50]: odd"), 0.0),
        ("", 0.0),  # silence is no report
        ("real", 0.0),
        (make_report(verdict="real")[:-3], 0.0),
        ("<think></think><tag></tag><verdict>real</verdict>", 0.0),
    ],
)
def test_a_real_picture_wants_a_report_without_boxes(text: str, score: float) -> None:
    assert RelaxedIoU().score(make_attempt(text, REAL)) == score


def test_hundreds_of_slivers_earn_nothing() -> None:
    strips = [f"[{x}, 100, {x + 2}, 200]: strip" for x in range(100, 300, 2)]
    attempt = make_attempt(make_report(*strips), FAKE)
    assert RelaxedIoU().score(attempt) == 0.0
    assert RelaxedIoU(max_boxes=100).score(attempt) == 1.0  # what the limit is there for
    assert ReportFormat().score(attempt) == -1.0


@pytest.mark.parametrize(
    ("text", "ok", "note"),
    [
        (make_report("[100, 100, 300, 200]: fingers"), True, "a report"),
        (make_report("- [1, 2, 30, 40]: a", "- [5, 6, 70, 80]: b"), True, "two regions"),
        (make_report(), True, "fake without a region still parses"),
        (make_report(verdict="real"), True, "real"),
        (make_report("[100, 100, 300, 200]"), False, "no caption"),
        (make_report("[100, 100, 100, 200]: line"), False, "a box without area"),
        (make_report("[2000, 100, 2300, 200]: far"), False, "outside the picture"),
        (make_report(verdict="maybe"), False, "no verdict"),
        (make_report(verdict="inconclusive"), False, "neither"),
        (make_report(prose=""), False, "no reasoning"),
        (make_report() + " done", False, "text after"),
        (make_report() + "<verdict>fake</verdict>", False, "two verdicts"),
        (make_report().replace("<tag>anatomy</tag>", ""), False, "no tags"),
        (make_report().replace("anatomy", ""), True, "an empty tag section"),
        (make_report().replace("anatomy", "[1, 2, 30, 40]: a"), False, "a box outside think"),
        (make_report()[:-1], False, "last tag cut"),
        ("", False, "nothing"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 40 else None,
)
def test_report_format(text: str, ok: bool, note: str) -> None:
    attempt = make_attempt(text, FAKE)
    assert ReportFormat().score(attempt) == (1.0 if ok else -1.0)
    assert ReportFormat(ok=0.5, bad=-2.0).score(attempt) == (0.5 if ok else -2.0)


def test_captions_are_asked_for_only_where_the_truth_has_some() -> None:
    bare = make_sample(regions=(HAND.model_copy(update={"description": ""}),))
    attempt = make_attempt(make_report("[100, 100, 300, 200]"), bare)
    assert ReportFormat().score(attempt) == 1.0


@pytest.mark.parametrize("family", ["qwen2_vl", "qwen2_5_vl", "qwen3_vl", "internvl", None])
@pytest.mark.parametrize("label", [0, 1])
def test_gold_replies_earn_full_marks(label: int, family: str | None) -> None:
    sample = make_sample(label, (HAND, EAR) if label else ())
    dialect = Dialect.of(family) if family else PIXELS
    text = TASKS["grounded_detection"].gold_reply(sample, dialect)
    attempt = make_attempt(text, sample, dialect)
    for reward in (VerdictLabel(), RelaxedIoU(), ReportFormat()):
        assert reward.score(attempt) == reward.bounds.high


def test_what_is_not_known_is_not_scored() -> None:
    text = make_report("[100, 100, 300, 200]: fingers")
    assert VerdictLabel().score(make_attempt(text, make_sample(label=None))) is None
    assert RelaxedIoU().score(make_attempt(text, make_sample(label=None))) is None
    # A fake whose regions nobody marked: 0 would say that there are none.
    assert RelaxedIoU().score(make_attempt(text, make_sample(regions=()))) is None
