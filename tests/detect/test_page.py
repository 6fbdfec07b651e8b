"""report.html: complete, self-contained, and deaf to hostile text."""

import base64
import json
import re
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import pytest
from tests.detect.ugly_pictures import make_picture, make_ugly_folder

from groundsight.core.report import EngineInfo, Evidence, ImageInfo, Problem, Reasoning, Region
from groundsight.core.report import Report as FullReport
from groundsight.core.types import FinalVerdict, Verdict
from groundsight.detect.examiner import OutputError
from groundsight.detect.job import Job, detect_pictures
from groundsight.detect.ledger import LEDGER
from groundsight.detect.page import write_page

HOSTILE = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{7*7}}"


class Seen(HTMLParser):
    """Every tag with its attributes, and the text between."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.tags)


def hostile_report(path: str = HOSTILE) -> FullReport:
    return FullReport(
        image=ImageInfo(path=path, sha256="0" * 64, width=100, height=50, format="png"),
        verdict=Verdict.INCONCLUSIVE,
        p_fake=0.5,
        regions=(Region(xyxy_px=(10, 10, 60, 30), description=HOSTILE, score=0.9, source="toy"),),
        tags=(HOSTILE,),
        raw=HOSTILE,
        reasoning=Reasoning(
            written_by="model",
            quick_scan=HOSTILE,
            final_verdict=FinalVerdict(verdict=Verdict.INCONCLUSIVE, reason=HOSTILE),
        ),
        evidence=(
            Evidence(kind="metadata", name=HOSTILE, finding=HOSTILE, detail={HOSTILE: HOSTILE}),
            Evidence(kind="expert", name="toy", p_fake=0.25, finding="calm"),
        ),
        engine=EngineInfo(name=HOSTILE, version=HOSTILE),
        problems=(Problem(code=HOSTILE, message=HOSTILE),),
        timing_s=0,
    )


def page_of(folder: Path, *reports: FullReport) -> str:
    lines = "".join(report.to_json_line() + "\n" for report in reports)
    (folder / LEDGER).write_text(lines, encoding="utf-8")
    return write_page(folder, title="<b>title</b>").read_text(encoding="utf-8")


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    seen = Seen(page_of(tmp_path, hostile_report()))
    assert seen.count("script") == 1  # ours
    assert seen.count("img") == 0  # no thumbnail was drawn
    assert not any(name.startswith("on") for _, attributes in seen.tags for name in attributes)
    assert seen.text.count(HOSTILE) >= 8  # all of it is shown, as it is
    assert "49" not in re.sub(r"\d{3,}", "", seen.text)  # {{7*7}} was not evaluated
    assert "<b>title</b>" in seen.text


def test_the_page_asks_for_nothing_outside_itself(tmp_path: Path) -> None:
    make_ugly_folder(tmp_path / "in")
    paths = [str(path) for path in sorted((tmp_path / "in").iterdir()) if path.is_file()]
    job = Job(engine="tests.detect.toy_engine:make_toy", num_workers=1, out=tmp_path / "out")
    assert list(detect_pictures(paths, job))
    text = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    seen = Seen(text)
    assert not {"link", "iframe", "object", "embed", "base", "form"} & {t for t, _ in seen.tags}
    for tag, attributes in seen.tags:
        source = attributes.get("src")
        assert source is None or str(source).startswith("data:image/jpeg;base64,"), tag
        assert "style" not in attributes  # the policy forbids it
        link = attributes.get("href")
        assert link is None or (tmp_path / "out" / str(link)).exists()
    assert seen.count("img") == sum(tag == "a" for tag, _ in seen.tags) >= 10


def test_the_policy_names_script_and_style_by_their_hash(tmp_path: Path) -> None:
    text = page_of(tmp_path, hostile_report())
    policy = next(
        str(attributes["content"])
        for tag, attributes in Seen(text).tags
        if attributes.get("http-equiv") == "Content-Security-Policy"
    )
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for tag in ("script", "style"):
        inner = text.split(f"<{tag}>")[1].split(f"</{tag}>")[0]
        digest = base64.b64encode(sha256(inner.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_boxes_lie_over_the_thumbnail_in_per_cent(tmp_path: Path) -> None:
    make_picture(tmp_path / "x.png", size=(200, 100))
    job = Job(engine="tests.detect.toy_engine:make_toy", num_workers=1, out=tmp_path / "out")
    assert list(detect_pictures([str(tmp_path / "x.png")], job))
    seen = Seen((tmp_path / "out" / "report.html").read_text(encoding="utf-8"))
    (box,) = [a for tag, a in seen.tags if tag == "rect" and a.get("class") == "over"]
    assert [box[side] for side in ("x", "y", "width", "height")] == [
        "0.0%",
        "0.0%",
        "50.0%",
        "50.0%",
    ]


def test_counts_verdicts_and_scores_are_shown(tmp_path: Path) -> None:
    reports = [
        hostile_report("a").model_copy(update={"verdict": verdict, "p_fake": p_fake})
        for verdict, p_fake in (
            (Verdict.AI_GENERATED, 0.9),
            (Verdict.REAL, 0.1),
            (Verdict.REAL, 0.2),
            (Verdict.INCONCLUSIVE, None),
        )
    ]
    unread = reports[3].model_copy(update={"image": ImageInfo(path="b")})
    seen = Seen(page_of(tmp_path, *reports, unread))
    words = " ".join(seen.text.split())
    for button in ("All 5", "AI-generated 1", "Inconclusive 1", "Real 2", "Not examined 1"):
        assert button in words
    cards = [attributes for tag, attributes in seen.tags if tag == "article"]
    assert [card["data-p"] for card in cards] == ["0.9", "0.1", "0.2", "", ""]
    assert [card["data-status"] for card in cards] == [
        *("generated", "real", "real", "inconclusive", "failed")
    ]
    assert "never a proof" in words


def test_an_empty_folder_makes_an_empty_page(tmp_path: Path) -> None:
    assert "All 0" in page_of(tmp_path)


def test_a_page_that_cannot_be_written_leaves_the_earlier_one(tmp_path: Path) -> None:
    before = page_of(tmp_path, hostile_report())
    (tmp_path / "report.html.new").mkdir()
    with pytest.raises(OutputError, match=r"cannot write .*report.html"):
        write_page(tmp_path)
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == before


def test_endless_facts_are_cut(tmp_path: Path) -> None:
    long = Evidence(kind="metadata", name="x", finding="y", detail={"prompt": "z" * 1_000_000})
    report = hostile_report("a").model_copy(update={"evidence": (long,)})
    assert len(page_of(tmp_path, report)) < 100_000
    assert json.loads((tmp_path / LEDGER).read_text(encoding="utf-8"))["evidence"]
