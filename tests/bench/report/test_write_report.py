import re
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.bench.report.report_run import draw_picture, verdict_line, verdict_lines, write_run

from groundsight.bench.records import NONE, ScoreLine, Unanswered
from groundsight.bench.report import write_report
from groundsight.bench.report.gather import Mistake
from groundsight.bench.report.mistakes import mistake_card
from groundsight.core.errors import UsageError
from groundsight.core.report import Problem
from groundsight.core.types import SampleRegion
from groundsight.suites.base import SampleScore
from groundsight.vision.images import decode_picture

HOSTILE = "</pre><script>alert(1)</script>\x1b[2J\u202e"


def body_of(page: Path) -> str:
    return page.read_text(encoding="utf-8").partition("<body>")[2]


def test_a_report_of_verdicts_under_perturbations(tmp_path: Path) -> None:
    lines = [
        *verdict_lines(tmp_path, num=16),
        *verdict_lines(tmp_path, num=16, perturbation="jpeg-75", gain=1.0),
        *verdict_lines(tmp_path, num=16, perturbation="crop-0.5", gain=0.3),
    ]
    run = write_run(
        tmp_path / "run",
        "genimage",
        lines,
        perturbations=(NONE, "jpeg-75", "crop-0.5"),
        unanswered={NONE: {"not_found": 3}},
    )
    files = write_report(tmp_path / "run")
    assert list(files.plots) == ["groups", "confusion", "reliability", "robustness"]
    for path in files.plots.values():
        pixels = np.asarray(Image.open(path).convert("RGB"))
        assert min(pixels.shape[:2]) > 200
        assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 20  # something is drawn
        assert path.with_suffix(".pdf").read_bytes().startswith(b"%PDF")
    page = body_of(files.page)
    mean = run.figure("mean_accuracy")
    assert mean is not None
    assert f"{100 * mean.value:.1f} %" in page
    assert "3 have no answer; they count for nothing" in page
    assert page.count('<article class="mistake') == 12
    assert page.count("data:image/png;base64,") == 4
    assert "ThinkFake (arXiv 2509.19841)" in page
    assert "not finished" not in page
    text = files.markdown.read_text(encoding="utf-8")
    assert "| jpeg 75 |" in text
    assert "![robustness](plots/robustness.png)" in text
    latex = files.latex.read_text(encoding="utf-8")
    assert latex.count(r"\begin{table}") == latex.count(r"\end{table}") >= 3


def test_the_page_takes_nothing_from_anywhere(tmp_path: Path) -> None:
    write_run(tmp_path / "run", "folder", verdict_lines(tmp_path, num=8))
    page = write_report(tmp_path / "run").page.read_text(encoding="utf-8")
    assert "default-src 'none'; img-src data:" in page
    assert "<script" not in page
    assert not re.search(r'(src|href)="(?!data:)', page)


def test_the_same_run_gives_the_same_files(tmp_path: Path) -> None:
    write_run(tmp_path / "run", "folder", verdict_lines(tmp_path, num=8))
    names = ("report.html", "report.md", "report.tex", "plots/groups.png", "plots/groups.pdf")
    written = []
    for _ in range(2):
        write_report(tmp_path / "run")
        written.append([(tmp_path / "run" / name).read_bytes() for name in names])
    assert written[0] == written[1]


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    line = verdict_line(0, label=1, p_fake=0.1, generator=HOSTILE)
    line = line.model_copy(
        update={
            "raw": HOSTILE,
            "question": HOSTILE,
            "images": (f"{tmp_path}/{HOSTILE}.png",),
            "known": (SampleRegion(xyxy=(0, 0, 9, 9), description=HOSTILE),),
            "problems": (Problem(code="x", message=HOSTILE),),
        }
    )
    lines = [line, verdict_line(1, label=0, p_fake=0.2)]
    write_run(tmp_path / "run", "folder", lines, engine=HOSTILE, complete=False)
    nobody = Unanswered(id=HOSTILE, code="not_found", message=HOSTILE)
    (tmp_path / "run" / "unanswered.jsonl").write_text(nobody.model_dump_json() + "\n")
    files = write_report(tmp_path / "run")
    page = files.page.read_text(encoding="utf-8")
    assert "<script" not in page
    assert "\x1b" not in page.replace("\\x1b", "")
    assert "\u202e" not in page.replace("\\u202e", "").partition("<pre>")[0]
    assert "This run is not finished" in page
    for path in (files.markdown, files.latex):
        text = path.read_text(encoding="utf-8")
        assert "\x1b" not in text
        assert "\u202e" not in text
    assert not re.search(r"(?<!\\)<script", files.markdown.read_text(encoding="utf-8"))


def test_regions_lie_where_they_are_on_every_picture(tmp_path: Path) -> None:
    paths = tuple(draw_picture(tmp_path / f"{k}.png", k, (400, 200)) for k in range(2))
    line = ScoreLine(
        score=SampleScore(id="q", values={"iou": 0.1, "acc@0.5": 0.0}, parsed=True),
        images=(*paths, str(tmp_path / "gone.png")),
        question="Find the cup.",
        known=(SampleRegion(image_index=1, xyxy=(100, 50, 300, 150), description="cup"),),
        said=(
            SampleRegion(image_index=1, xyxy=(0, 0, 40, 20)),
            SampleRegion(image_index=0, xyxy=(0.5, 0.5, 1, 1), frame="xyxy_unit"),
            SampleRegion(image_index=9, xyxy=(0, 0, 1, 1)),
        ),
    )
    run = write_run(tmp_path / "run", "mig_bench", [line])
    card = mistake_card(Mistake(line, 0.45), run)
    first, second, gone = card.pictures
    assert [(b.kind, b.number, b.x, b.y, b.width, b.height) for b in first.boxes] == [
        ("said", 2, 50, 50, 50, 50)
    ]
    assert [(b.kind, b.number, b.x, b.y, b.width, b.height) for b in second.boxes] == [
        ("true", 1, 25, 25, 50, 50),
        ("said", 1, 0, 0, 10, 10),
    ]
    assert gone.jpeg is None
    assert gone.problem == "no such file"
    assert [(r.kind, r.number, r.image_index) for r in card.regions] == [
        ("true", 1, 1),
        ("said", 1, 1),
        ("said", 2, 0),
        ("said", 3, 9),
    ]
    assert card.values == (("IoU", "10.0"),)
    page = body_of(write_report(tmp_path / "run").page)
    assert 'class="mistake several"' in page
    assert "no such file" in page


def test_a_perturbed_mistake_shows_the_perturbed_picture(tmp_path: Path) -> None:
    path = draw_picture(tmp_path / "a.png", 3, (400, 200))
    line = verdict_line(0, label=1, p_fake=0.1, perturbation="crop-0.5", image=path)
    other = verdict_line(1, label=0, p_fake=0.2, perturbation="crop-0.5", image=path)
    run = write_run(tmp_path / "run", "folder", [line, other], perturbations=("crop-0.5",))
    (picture,) = mistake_card(Mistake(line, 0.9), run).pictures
    assert picture.jpeg is not None
    shown = decode_picture(picture.jpeg)
    assert (shown.width, shown.height) == (200, 100)
    assert "under crop-0.5" in body_of(write_report(tmp_path / "run").page)


def test_a_run_without_a_score_says_so(tmp_path: Path) -> None:
    write_run(tmp_path / "run", "loki", [], unanswered={NONE: {"not_found": 7}})
    files = write_report(tmp_path / "run")
    assert files.plots == {}
    page = body_of(files.page)
    assert "Nothing was scored" in page
    assert "7 × not_found" in page


def test_plots_of_an_earlier_run_are_taken_away(tmp_path: Path) -> None:
    write_run(tmp_path / "run", "folder", verdict_lines(tmp_path, num=8))
    assert "reliability" in write_report(tmp_path / "run").plots
    write_run(tmp_path / "run", "folder", [verdict_line(0, label=1, p_fake=None)])
    assert "reliability" not in write_report(tmp_path / "run").plots
    assert not list((tmp_path / "run" / "plots").glob("reliability.*"))


def test_without_matplotlib_there_is_a_report_without_plots(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_run(tmp_path / "run", "folder", verdict_lines(tmp_path, num=8))
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    files = write_report(tmp_path / "run")
    assert files.plots == {}
    assert "groundsight[bench]" in files.no_plots
    assert "No plots: " in body_of(files.page)
    assert "Accuracy" in files.markdown.read_text(encoding="utf-8")


def test_a_suite_from_outside_that_is_gone_is_still_reported(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", "folder", verdict_lines(tmp_path, num=8))
    gone = run.model_copy(update={"suite": "no_such_package.mod:SUITE"})
    (tmp_path / "run" / "run.json").write_text(gone.model_dump_json())
    assert "Accuracy" in body_of(write_report(tmp_path / "run").page)


def test_folders_that_hold_no_run_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no benchmark run in"):
        write_report(tmp_path)
