"""Every suite: its gold replies earn full marks, ugly replies cost marks and nothing else."""

from pathlib import Path

import pytest
from tests.suites.suite_files import WRITERS, write_suite

from groundsight.data.sources import SOURCES
from groundsight.suites import SUITES, SampleScore, Suite
from groundsight.suites.gold import check_suite, sized_for_boxes
from groundsight.suites.missing import find_missing

SHARED = Path(__file__).parents[3] / "shared" / "benchmarks"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the files are not in ../shared")
DOC = Path(__file__).parents[2] / "docs" / "suites.md"
UGLY = (
    "",
    " \n\t",
    "\x00\ud800",
    "<think>",
    "</answer><answer>",
    "[1,2,3,4]" * 2000,
    "(" * 20_000,
    "[99999999999999999999, 1e400, -5, nan]",
    "<answer>Image 9: [5, 5, 5, 5]</answer>",
    '```json\n{"final_verdict": {"verdict": ["REAL"]}}\n```',
    "<verdict>maybe</verdict>",
    "Yes and no and (A) and (B)",
    "9" * 50_000,
)


@pytest.fixture(params=sorted(SUITES))
def suite(request: pytest.FixtureRequest) -> Suite:
    return SUITES[request.param]


def test_every_suite_has_test_data() -> None:
    assert set(WRITERS) == set(SUITES)


def test_gold_replies_earn_full_marks(suite: Suite, tmp_path: Path) -> None:
    samples = list(suite.samples(write_suite(suite.name, tmp_path / "set")))
    report = check_suite(suite, samples)
    assert report.is_clean, report.short
    assert report.num == report.num_full > 1
    # One of the fixture's boxes has swapped corners.
    assert bool(report.below_one) == (suite.name == "mig_bench")
    by_key = {figure.key: figure for figure in report.figures}
    assert report.figures[0].key == suite.headline or suite.headline in by_key
    assert len(by_key) == len(report.figures), "keys are unique"
    if suite.name == "mc_bench":  # our replies name no groups: two of three figures feel it
        assert by_key["ap50_ungrouped"].value == pytest.approx(1)
        assert by_key["ap50"].value < 1
    elif suite.name != "mig_bench":
        # The rounding of written numbers costs at most a few thousandths of IoU.
        assert by_key[suite.headline].value == pytest.approx(1, abs=0.01)


def test_an_ugly_reply_is_scored_and_never_raises(suite: Suite, tmp_path: Path) -> None:
    (sample, *_) = suite.samples(write_suite(suite.name, tmp_path / "set"))
    sized = sized_for_boxes(sample)
    for reply in UGLY:
        score = suite.score(sized, reply, dialect=suite.gold_dialect)
        assert score.unscored is None
        for name, value in score.values.items():
            assert value is None or 0 <= value <= (1 if suite.ceiling(sized, name) else 1e9), name
        assert SampleScore.model_validate_json(score.model_dump_json()) == score
    assert suite.summary([suite.score(sized, reply) for reply in UGLY])


def test_no_answer_is_counted_and_not_scored_zero(suite: Suite, tmp_path: Path) -> None:
    (sample, *_) = suite.samples(write_suite(suite.name, tmp_path / "set"))
    score = suite.score(sample)
    assert score.unscored is not None
    assert score.values == {}
    assert [(one.key, one.value) for one in suite.summary([score])][:1] == [("num_unscored", 1.0)]
    assert suite.summary([]) == []


def test_rows_are_complete(suite: Suite) -> None:
    assert suite.source in SOURCES
    assert suite.title and suite.about and suite.rule and suite.pictures_from
    for row in suite.published:
        assert row.where and row.values
        assert all(0 <= value <= 1 for value in row.values.values())
        assert any(key == suite.headline for key in row.values)


def test_every_suite_is_in_the_docs() -> None:
    text = DOC.read_text(encoding="utf-8")
    assert [name for name in SUITES if f"`{name}`" not in text] == []


# --- the files of ../shared -----------------------------------------------------------------------


@needs_shared
@pytest.mark.parametrize(
    ("name", "folder", "num", "headline", "pictures"),
    [
        ("loki", "loki", 4434, 1.0, "2,217 of 2,217 pictures are missing"),
        ("loki_pairs", "loki", 2634, 1.0, "2,217 of 2,217 pictures are missing"),
        ("loki_open", "loki", 229, 0.9991, "229 of 229 pictures are missing"),
        ("mig_bench", "mig_bench", 4295, 0.9994, "5,887 of 5,887 pictures are missing"),
    ],
)
def test_whole_files(name: str, folder: str, num: int, headline: float, pictures: str) -> None:
    suite = SUITES[name]
    samples = list(suite.samples(SHARED / folder))
    report = check_suite(suite, samples)
    assert (report.num, report.num_full, report.short) == (num, num, ())
    by_key = {figure.key: figure.value for figure in report.figures}
    assert by_key[suite.headline] == pytest.approx(headline, abs=1e-4)
    # Five true boxes have swapped corners and two reach beyond their picture: no answer meets them.
    unmet = {"iou": 7, "acc@0.7": 5, "acc@0.5": 5, "acc@0.3": 5} if name == "mig_bench" else {}
    assert report.below_one == unmet
    message = find_missing(suite, samples).message
    assert pictures in message
    assert f"{num:,} of {num:,} samples cannot be asked" in message
    assert suite.pictures_from in message
