from tests.bench.report.report_run import verdict_line

from groundsight.bench.records import ScoreLine
from groundsight.bench.report.gather import NUM_MISTAKES, gather, mistake_size
from groundsight.suites.base import SampleScore


def placed_line(name: str, iou: float | None, *, accuracy: float | None = None) -> ScoreLine:
    values = {"iou": iou, "accuracy": accuracy}
    return ScoreLine(score=SampleScore(id=name, values=values, parsed=True))


def test_a_wrong_verdict_is_worse_the_surer_it_is() -> None:
    assert mistake_size(verdict_line(0, label=1, p_fake=0.9)) == 0
    assert mistake_size(verdict_line(0, label=0, p_fake=0.9)) == 0.95
    assert mistake_size(verdict_line(0, label=1, p_fake=0.4)) == 0.8
    assert mistake_size(verdict_line(0, label=1, p_fake=None)) == 0.5


def test_places_are_judged_by_their_iou() -> None:
    assert mistake_size(placed_line("a", 0.25)) == 0.375
    assert mistake_size(placed_line("a", 1.0)) == 0
    assert mistake_size(placed_line("a", None)) == 0
    assert mistake_size(placed_line("a", 0.5, accuracy=1.0)) == 0.25
    assert mistake_size(placed_line("a", 1.0, accuracy=0.0)) == 0.5


def test_one_pass_counts_everything() -> None:
    lines = [
        verdict_line(0, label=0, p_fake=0.1),
        verdict_line(1, label=0, p_fake=0.52),
        verdict_line(2, label=1, p_fake=0.9),
        verdict_line(3, label=1, p_fake=0.2),
        verdict_line(4, label=1, p_fake=None),
    ]
    seen = gather(lines)
    assert seen.num == 5
    assert list(zip(seen.labels, seen.p_fake, strict=True)) == [
        (0, 0.1),
        (0, 0.52),
        (1, 0.9),
        (1, 0.2),
    ]
    assert dict(seen.confusion) == {
        (0, "REAL"): 1,
        (0, "INCONCLUSIVE"): 1,
        (1, "AI-GENERATED"): 1,
        (1, "REAL"): 1,
        (1, "unread"): 1,
    }
    assert [one.line.score.id for one in seen.mistakes] == ["ADM/3", "ADM/1", "ADM/4"]


def test_the_worst_are_kept_whatever_their_order() -> None:
    lines = [placed_line(str(k), k / 100) for k in range(100)]
    one, other = gather(lines), gather(lines[::-1])
    assert [m.line.score.id for m in one.mistakes] == [str(k) for k in range(NUM_MISTAKES)]
    assert one.mistakes == other.mistakes
    assert sorted(one.ious) == [k / 100 for k in range(100)]


def test_equal_mistakes_are_drawn_by_name_and_unread_replies_do_not_crowd_out() -> None:
    wrong = [placed_line(f"w{k}", 0.0) for k in range(50)]
    unread = [verdict_line(k, label=1, p_fake=None) for k in range(50)]
    one, other = gather([*wrong, *unread]), gather([*unread, *wrong[::-1]])
    assert one.mistakes == other.mistakes
    assert len(one.mistakes) == NUM_MISTAKES
    assert sum(not m.line.score.parsed for m in one.mistakes) == 3
    first = [m.line.score.id for m in one.mistakes if m.line.score.parsed]
    assert first != [f"w{k}" for k in range(len(first))]
