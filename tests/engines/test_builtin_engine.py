import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from groundsight.core.errors import UsageError
from groundsight.core.report import EngineInfo
from groundsight.core.types import Verdict
from groundsight.data.pictures import find_pictures
from groundsight.detect.one import detect_picture
from groundsight.engines.builtin.engine import READERS, BuiltinEngine, make_builtin
from groundsight.engines.builtin.verdict import HIGH, LOW
from groundsight.forensics.finding import Finding
from groundsight.forensics.signal.expert import NO_CELLS, SignalScore, load_signal_expert
from groundsight.forensics.signal.weights import ARRAYS_FILE, HERE
from groundsight.vision.images import Picture, RGBArray, decode_picture, open_picture

SHARED = Path(__file__).parents[3] / "shared/images"
needs_weights = pytest.mark.skipif(
    not (HERE / ARRAYS_FILE).exists(), reason="the shipped signal weights are not fitted yet"
)
needs_pictures = pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/images is not here")


class BrightnessExpert:
    """The brighter, the more generated; below 16 pixels it can not say, at 17 it breaks."""

    def score(self, rgb: RGBArray) -> SignalScore:
        if rgb.shape[1] == 17:
            raise ZeroDivisionError("of\nthe expert")
        if rgb.shape[1] == 18:
            raise MemoryError
        if rgb.shape[1] < 16:
            return SignalScore(None, "too small", {}, NO_CELLS, 8.0)
        return SignalScore(float(rgb.mean()) / 255, "", {"linear": 0.0}, NO_CELLS, 8.0)


def make_engine(**readers: object) -> BuiltinEngine:
    info = EngineInfo(name="builtin", version="test")
    return BuiltinEngine(info, BrightnessExpert(), READERS | readers)  # type: ignore[arg-type]


def make_picture(level: int = 255, width: int = 64, **texts: str) -> Picture:
    info, buffer = PngInfo(), io.BytesIO()
    for key, text in texts.items():
        info.add_text(key, text)
    Image.new("RGB", (width, 64), (level,) * 3).save(buffer, "PNG", pnginfo=info)
    return decode_picture(buffer.getvalue(), "made.png")


A1111 = "a cat\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Version: v1.6.0"


def test_file_and_pixels_meet_in_one_answer() -> None:
    bright, marked, dark, tiny = make_engine().examine(
        [
            make_picture(255),
            make_picture(128, parameters=A1111),
            make_picture(0),
            make_picture(width=8),
        ]
    )
    assert (bright.verdict, bright.p_fake) == (Verdict.AI_GENERATED, 1.0)
    assert (marked.verdict, marked.p_fake) == (Verdict.AI_GENERATED, 0.97)
    assert [line.name for line in marked.evidence] == ["generator-mark", "signal"]
    assert (dark.verdict, dark.p_fake) == (Verdict.REAL, 0.0)
    assert (tiny.verdict, tiny.p_fake, tiny.tags) == (
        Verdict.INCONCLUSIVE,
        None,
        ("not-measured",),
    )
    assert not any(answer.problems for answer in (bright, marked, dark, tiny))


def test_lines_come_in_the_order_of_the_reports_kinds() -> None:
    exif, buffer = Image.Exif(), io.BytesIO()
    exif[0x0131] = "Midjourney"
    Image.new("RGB", (64, 64), "grey").save(buffer, "JPEG", quality=40, exif=exif)
    (answer,) = make_engine().examine([decode_picture(buffer.getvalue())])
    assert [line.kind for line in answer.evidence] == ["metadata", "expert", "stability"]
    assert answer.tags == ("claims-ai-generated", "laundered")


def test_a_reader_that_fails_is_a_problem_and_the_rest_stands() -> None:
    def broken(picture: Picture) -> list[Finding]:
        raise KeyError("nothing\nhere")

    (answer,) = make_engine(watermark=broken).examine([make_picture(128, parameters=A1111)])
    assert [(p.code, p.message) for p in answer.problems] == [
        ("reader_failed", "watermark: KeyError: 'nothing\\nhere'")
    ]
    assert answer.verdict is Verdict.AI_GENERATED
    assert answer.reasoning and "failed: watermark" in (answer.reasoning.quick_scan or "")


def test_an_expert_that_fails_leaves_the_file_evidence() -> None:
    marked, plain = make_engine().examine(
        [make_picture(128, width=17, parameters=A1111), make_picture(128, width=17)]
    )
    assert marked.problems[0].message == "signal: ZeroDivisionError: of the expert"
    assert (marked.verdict, marked.p_fake) == (Verdict.AI_GENERATED, 0.97)
    assert (plain.verdict, plain.p_fake) == (Verdict.INCONCLUSIVE, None)
    assert plain.evidence[-1].finding.endswith("could not be judged: the signal expert failed.")


def test_a_full_memory_is_the_runs_problem() -> None:
    report = detect_picture(make_picture(128, width=18), make_engine())
    assert [problem.code for problem in report.problems] == ["out_of_memory"]


def test_builtin_takes_no_argument() -> None:
    with pytest.raises(UsageError, match="takes no argument, got 'x'"):
        make_builtin("x")


# ---- with the shipped weights -------------------------------------------------------------------


@needs_weights
def test_the_report_can_be_repeated() -> None:
    noise = np.random.default_rng(0).normal(128, 20, (160, 200, 3)).clip(0, 255)
    buffer = io.BytesIO()
    Image.fromarray(noise.astype(np.uint8)).save(buffer, "JPEG", quality=85)
    picture = decode_picture(buffer.getvalue(), "noise.jpg")
    engine, again = make_builtin(""), make_builtin("")
    assert engine.examine([picture]) == again.examine([picture, picture])[1:]
    assert engine.info == again.info and len(engine.info.weights_sha256 or "") == 64
    assert engine.info.settings == {"low": LOW, "high": HIGH, "laundered_margin": 0.1}
    (answer,) = engine.examine([picture])
    assert answer.p_fake is not None and not answer.problems
    assert set(answer.evidence[-1].detail["log_odds"]) == {"linear", "neural", "trees", "network"}


@needs_weights
@pytest.mark.parametrize(
    "size", [(1, 1), (1, 600), (600, 1), (7, 9), (63, 64), (64, 64), (3000, 9)]
)
def test_odd_sizes_end_as_an_answer_without_problems(size: tuple[int, int]) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    picture = Picture(path="odd", data=b"", rgb=noise, format="png")
    (answer,) = make_builtin("").examine([picture])
    assert not answer.problems
    assert (answer.p_fake is None) == (min(size) < 64)


@needs_weights
@pytest.mark.parametrize(
    "size, cells", [((64, 64), (8, 8)), ((70, 200), (25, 9)), ((128, 65), (9, 16))]
)
def test_the_map_does_not_reach_beyond_a_small_picture(
    size: tuple[int, int], cells: tuple[int, int]
) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    assert load_signal_expert().score(noise).cells.shape == cells


@needs_weights
def test_a_flat_picture_is_not_judged() -> None:
    (answer,) = make_builtin("").examine([make_picture(90, width=300)])
    assert (answer.verdict, answer.p_fake) == (Verdict.INCONCLUSIVE, None)


@needs_weights
@needs_pictures
def test_every_picture_with_a_mark_is_called_generated() -> None:
    engine = make_builtin("")
    paths = find_pictures([SHARED / "metadata"]).paths
    verdicts = {path: detect_picture(path, engine).verdict for path in paths}
    assert len(verdicts) == 13
    assert {path for path, verdict in verdicts.items() if verdict != "AI-GENERATED"} == set()


@needs_pictures
def test_no_photograph_is_taken_for_marked() -> None:
    paths = find_pictures([SHARED / "real"]).paths[::8]
    engine = make_engine()
    for path in paths:
        (answer,) = engine.examine([open_picture(path)])
        wrong = {"claims-ai-generated", "claims-ai-edited", "broken-manifest", "watermarked"}
        assert not wrong & set(answer.tags) and not answer.problems, path


@needs_weights
def test_neither_torch_nor_scipy_is_loaded() -> None:
    program = (
        "import sys; from groundsight.engines import load_engine; load_engine('builtin'); "
        "sys.exit(' '.join({'torch', 'scipy', 'transformers'} & set(sys.modules)) or 0)"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    assert subprocess.run([sys.executable, "-c", program], env=environment).returncode == 0
