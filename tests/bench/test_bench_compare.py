"""Two runs compared: first what was measured otherwise, then who is better, with paired tests."""

from pathlib import Path
from typing import Any

import pytest
from tests.bench.bench_cases import TOY, grey, grey_folder, job_of, run_all, run_some
from tests.bench.report.report_run import write_run

from groundsight.bench.compare import compare_runs
from groundsight.bench.pairs import Pairs, compare_values, pair_up
from groundsight.bench.records import ScoreLine
from groundsight.bench.report import write_comparison
from groundsight.core.errors import UsageError
from groundsight.suites.base import SampleScore


def line(name: str, right: float, **more: Any) -> ScoreLine:
    score = SampleScore(
        id=name,
        values={"accuracy": right, "iou": right / 2},
        groups={"label": "fake"},
        label=1,
        unit=more.pop("unit", None),
        unscored=more.pop("unscored", None),
    )
    return ScoreLine(score=score, **more)


def pairs_of(first: list[float], second: list[float], unit: str | None = None) -> Pairs:
    def scores(rights: list[float]) -> list[SampleScore]:
        return [line(f"s{k}", right, unit=unit).score for k, right in enumerate(rights)]

    return Pairs(
        perturbation="none",
        first=scores(first),
        second=scores(second),
        num_only_first=0,
        num_only_second=0,
        num_changed=0,
    )


def test_mcnemar_by_hand() -> None:
    # Six questions only the second gets right, none only the first: p = 2 / 2^6.
    found = {one.name: one for one in compare_values(pairs_of([1, 0, 0, 0, 0, 0, 0], [1] * 7))}
    accuracy = found["accuracy"]
    assert (accuracy.num_only_first, accuracy.num_only_second) == (0, 6)
    assert accuracy.p_value == pytest.approx(2 / 2**6)
    assert accuracy.difference == pytest.approx(6 / 7) and accuracy.is_clear
    assert found["iou"].p_value is None and found["iou"].difference == pytest.approx(3 / 7)


def test_what_is_neither_right_nor_wrong_has_no_mcnemar() -> None:
    def scores(rights: list[float]) -> list[SampleScore]:
        values = [{"accuracy": right, "false_regions": 1 - right} for right in rights]
        return [
            line(f"s{k}", 1).score.model_copy(update={"values": value})
            for k, value in enumerate(values)
        ]

    pairs = pairs_of([], [])
    pairs.first.extend(scores([1, 0, 0]))
    pairs.second.extend(scores([1, 1, 1]))
    found = {one.name: one for one in compare_values(pairs)}
    assert found["accuracy"].p_value == pytest.approx(2 / 2**2)
    assert found["false_regions"].p_value is None
    assert found["false_regions"].difference == pytest.approx(-2 / 3)


def test_questions_about_one_picture_are_drawn_together() -> None:
    (accuracy, _) = compare_values(pairs_of([1, 0, 0, 0], [1, 1, 1, 1], unit="one picture"))
    assert accuracy.p_value is None
    assert accuracy.low == accuracy.high == pytest.approx(0.75)  # a single unit: no spread to see


def test_pairs_are_the_same_sample_with_the_same_picture(tmp_path: Path) -> None:
    known = {"sample_sha256": "q", "pictures_sha256": "p"}
    first = [line("same", 1, **known), line("other picture", 1, **known), line("a", 1)]
    second = [
        line("same", 0, **known),
        line("other picture", 0, **known | {"pictures_sha256": "x"}),
    ]
    second += [line("b", 1), line("c", 1), line("silent", 0, unscored="timed_out")]
    write_run(tmp_path / "a", "folder", first)
    write_run(tmp_path / "b", "folder", second)
    pairs = pair_up(tmp_path / "a", tmp_path / "b", "none")
    assert [score.id for score in pairs.first] == [score.id for score in pairs.second] == ["same"]
    assert (pairs.num_only_first, pairs.num_only_second, pairs.num_changed) == (1, 2, 1)
    assert pairs.too_few == "they share only 1 samples, too few to tell detectors apart"


def test_few_shared_samples_of_many_are_told() -> None:
    pairs = pairs_of([1.0] * 120, [0.0] * 120)
    assert pairs.too_few is None
    many = Pairs(
        perturbation="none",
        first=pairs.first,
        second=pairs.second,
        num_only_first=500,
        num_only_second=900,
        num_changed=0,
    )
    assert many.too_few == "they share only 120 of the 620 samples of the smaller run"


def test_the_fingerprint_comes_first(tmp_path: Path) -> None:
    data = grey_folder(tmp_path / "data")
    run_all(job_of(data, tmp_path / "a", perturbations=("jpeg-75",)))
    run_all(job_of(data, tmp_path / "b", engine=f"{TOY}:slow=0", perturbations=("blur-1",)))
    found = compare_runs(tmp_path / "a", tmp_path / "b")
    assert {one.place for one in found.differences} == {
        "engine.settings",
        "engine.settings.slow",
        "perturbations.names",
    }
    assert list(found.meanings) == ["engine", "perturbations"] and all(found.meanings.values())
    assert found.only_first == ("jpeg-75",) and found.only_second == ("blur-1",)
    (plain,) = found.perturbations
    assert plain.num_shared == 8 and plain.too_few
    assert plain.figures[0].key == "accuracy" and plain.figures[0].first.value == 0.75
    assert {one.name for one in plain.values} >= {"accuracy", "decided", "auc"}
    assert all(one.difference == 0 and not one.is_clear for one in plain.values)


def test_a_run_compared_with_itself_differs_in_nothing(tmp_path: Path) -> None:
    data = grey_folder(tmp_path / "data")
    run_all(job_of(data, tmp_path / "a"))
    found = compare_runs(tmp_path / "a", tmp_path / "a")
    assert found.differences == () and found.meanings == {} and found.incomplete == ()


def test_a_better_detector_shows_on_what_both_have_seen(tmp_path: Path) -> None:
    data = tmp_path / "data"
    for level in range(0, 120):
        grey(data / "real" / f"{level:03d}.png", level, (8, 8))
        grey(data / "fake" / f"{level:03d}.png", level + 60, (8, 8))
    run_all(job_of(data, tmp_path / "a"))
    darker = "tests.bench.dark_engine:make_dark"
    run_all(job_of(data, tmp_path / "b", engine=darker))
    (plain,) = compare_runs(tmp_path / "a", tmp_path / "b").perturbations
    (accuracy,) = [one for one in plain.values if one.name == "accuracy"]
    # The toy calls 128 and more generated: 52 of 120 fakes. At 90, 90 of them, and 30 of the reals.
    assert accuracy.first == pytest.approx((52 + 120) / 240)
    assert accuracy.second == pytest.approx((90 + 90) / 240)
    assert (accuracy.num_only_first, accuracy.num_only_second) == (30, 38)
    (auc,) = [one for one in plain.values if one.name == "auc"]
    assert auc.difference == 0.0  # the order of the pictures is the same
    assert plain.too_few is None


def test_a_stopped_run_is_told(tmp_path: Path) -> None:
    data = grey_folder(tmp_path / "data")
    run_all(job_of(data, tmp_path / "a"))
    run_some(job_of(data, tmp_path / "b"), 3)
    found = compare_runs(tmp_path / "a", tmp_path / "b")
    assert found.incomplete == (str(tmp_path / "b"),)
    assert found.perturbations[0].num_only_first == 5
    # The pictures of three lines are not those of eight.
    assert {one.place for one in found.differences} == {"data.pictures_sha256"}


def test_runs_of_two_suites_are_not_compared(tmp_path: Path) -> None:
    write_run(tmp_path / "a", "folder", [line("x", 1)])
    write_run(tmp_path / "b", "genimage", [line("x", 1)])
    with pytest.raises(UsageError, match="runs of one suite"):
        compare_runs(tmp_path / "a", tmp_path / "b")
    with pytest.raises(UsageError, match="no benchmark run in"):
        compare_runs(tmp_path / "a", tmp_path / "nowhere")


def test_the_page_says_what_the_terminal_says_and_escapes_it(tmp_path: Path) -> None:
    known = {"sample_sha256": "q", "pictures_sha256": "p"}
    names, rights = [f"s{k}" for k in range(7)], [1, 0, 0, 0, 0, 0, 0]
    first = [line(name, right, **known) for name, right in zip(names, rights, strict=True)]
    folders = tmp_path / "<b>a</b>", tmp_path / "b"
    write_run(folders[0], "folder", first, complete=False)
    write_run(folders[1], "folder", [line(name, 1, **known) for name in [*names, "more"]])
    page = write_comparison(compare_runs(*folders), tmp_path / "out")
    text = page.read_text("utf-8")
    markdown = (tmp_path / "out" / "comparison.md").read_text("utf-8")
    # Worked by hand: 1 of 7 against 7 of 7, six only B; p = 2 / 2^6.
    for part in ("14.3", "100.0", "+85.7", "0.0312", "clear", "was stopped before its end"):
        assert part in text and part in markdown
    assert "left out: 1 only in B" in text and "The fingerprints are the same" in text
    assert "<b>" not in text and "&lt;b&gt;a" in text and "\\<b\\>" in markdown
    assert "default-src 'none'" in text


def test_what_was_measured_otherwise_stands_first_on_the_page(tmp_path: Path) -> None:
    data = grey_folder(tmp_path / "data")
    for name, seed in (("a", 0), ("b", 1)):
        run_all(job_of(data, tmp_path / name, seed=seed, num=6))
    text = write_comparison(compare_runs(tmp_path / "a", tmp_path / "b"), tmp_path / "out")
    told = text.read_text("utf-8")
    assert told.index("perturbations.seed") < told.index("Means over samples")
    assert "perturbations: other perturbations, or drawn otherwise" in told


def test_a_page_where_a_file_is_in_the_way(tmp_path: Path) -> None:
    write_run(tmp_path / "a", "folder", [line("s", 1)])
    (tmp_path / "out").write_text("")
    with pytest.raises(UsageError, match="out"):
        write_comparison(compare_runs(tmp_path / "a", tmp_path / "a"), tmp_path / "out")
