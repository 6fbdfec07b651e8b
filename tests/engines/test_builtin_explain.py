import itertools

import numpy as np
import pytest
from tests.engines.builtin_cases import (
    BROKEN_AI,
    CAPTURES,
    COMFYUI,
    EXIF,
    INTACT_AI,
    LAUNDERED,
    MARKS,
    OTHERS,
    SIGNED_CAMERA,
    SIGNED_EDIT,
    WATERMARK,
)

from groundsight.core.report import Region
from groundsight.core.types import (
    DetailedObservation,
    SpecialistAnalysis,
    TechnicalAnalysis,
    Verdict,
)
from groundsight.engines.builtin.explain import WHO, explain
from groundsight.engines.builtin.reasons import give_reasons
from groundsight.engines.builtin.signal_line import CAPTIONS, leaning_words, signal_evidence
from groundsight.engines.builtin.verdict import HIGH, LAUNDERED_BAND, LOW, decide
from groundsight.forensics.finding import Finding
from groundsight.forensics.signal.expert import NO_CELLS, SignalScore
from groundsight.forensics.where import Why
from groundsight.vision.images import Picture

PICTURE = Picture(path="p.jpg", data=b"", rgb=np.zeros((48, 64, 3), dtype=np.uint8), format="jpeg")
USUAL = f"{LOW:.2f} and {HIGH:.2f}"
WIDE = f"{LAUNDERED_BAND.low:.2f} and {LAUNDERED_BAND.high:.2f}"
REGION = Region(
    xyxy_px=(0, 0, 8, 8), description=CAPTIONS[Why.UNLIKE_THE_REST], score=0.7, source="signal"
)


def make_score(p_fake: float | None) -> SignalScore:
    parts = {} if p_fake is None else {"linear": 1.23456789, "trees": -0.5, "network": 2.0}
    return SignalScore(p_fake, "" if parts else "too little to see", parts, NO_CELLS, 8.0)


@pytest.mark.parametrize(
    "findings, signal_p, words",
    [
        ([], 0.2, ["Nothing marks", "gives 0.20", f"up to {LOW:.2f} it is called REAL"]),
        ([], 0.5, ["gives 0.50", f"between {USUAL} it is often wrong"]),
        ([], 0.999, ["gives over 0.99", f"from {HIGH:.2f} on it is called AI-GENERATED"]),
        ([], None, ["could not be measured"]),
        ([LAUNDERED], HIGH, [f"between {WIDE} it is often wrong", f"than the usual {USUAL}"]),
        ([LAUNDERED, SIGNED_EDIT], 0.5, [f"must reach {LAUNDERED_BAND.high:.2f} instead of"]),
        ([COMFYUI], 0.9, ["metadata that names ComfyUI", "agrees (0.90)"]),
        ([COMFYUI], 0.5, ["alone would not decide (0.50)"]),
        ([COMFYUI, WATERMARK], 0.004, ["watermark SDV2 and metadata", "disagrees (under 0.01)"]),
        ([INTACT_AI], None, ["not validated", "could not measure"]),
        ([COMFYUI, EXIF], 0.05, ["names a camera too", "may be a photograph that went through"]),
        ([SIGNED_EDIT], 0.2, ["made by it in part", "takes it for a photograph (0.20)"]),
        ([BROKEN_AI], 0.2, ["does not fit this file: no proof"]),
        ([SIGNED_CAMERA], 0.9, ["contradict", "the signal expert (0.90) says", "A person must"]),
        (
            [SIGNED_CAMERA, COMFYUI],
            0.9,
            ["metadata that names ComfyUI and the signal expert (0.90) say that AI"],
        ),
        ([SIGNED_CAMERA], 0.2, ["that alone never makes it REAL"]),
        ([EXIF], 0.2, ["counts for nothing here"]),
        ([EXIF], 0.9, ["so it changes nothing"]),
    ],
)
def test_the_reason_says_what_decided(
    findings: list[Finding], signal_p: float | None, words: list[str]
) -> None:
    text = " ".join(give_reasons(decide(findings, signal_p)))
    for part in words:
        assert part in text


EVERYTHING = MARKS + CAPTURES + OTHERS


@pytest.mark.parametrize("signal_p", [None, 0.0, 0.05, 0.3, 0.5, 0.7, 0.9, 1.0])
def test_every_case_has_whole_sentences_and_says_who_wrote_them(signal_p: float | None) -> None:
    line = signal_evidence(make_score(signal_p))
    for findings in itertools.combinations(EVERYTHING, 2):
        decision = decide(findings, signal_p)
        evidence = [*(finding.evidence for finding in findings), line]
        said = explain(PICTURE, decision, evidence, [REGION])
        reason = said.final_verdict.reason or ""
        assert said.written_by == "rules" and reason.endswith(WHO)
        assert said.final_verdict.verdict is decision.verdict
        for sentence in (reason, said.quick_scan or "", said.technical_analysis.structure or ""):
            assert sentence[0].isupper() and sentence[-1] in ".)"
            assert "  " not in sentence and ".." not in sentence and "None" not in sentence


def test_what_nothing_examined_stays_empty() -> None:
    line = signal_evidence(make_score(0.9))
    said = explain(PICTURE, decide([], 0.9), [line], [])
    assert said.detailed_observation == DetailedObservation(
        texture="The finest structure looks like that of AI-generated pictures "
        "(signal, p_fake 0.90)."
    )
    assert said.technical_analysis == TechnicalAnalysis()
    assert said.specialist_analysis == SpecialistAnalysis(prob_frequency=0.9)


def test_the_scan_names_lines_gaps_and_failures() -> None:
    line = signal_evidence(make_score(0.8))
    said = explain(PICTURE, decide([COMFYUI], 0.8), [COMFYUI.evidence, line], [], ["watermark"])
    assert said.quick_scan == (
        "A JPEG of 64×48 pixels. Evidence lines: generator-mark, signal. "
        "Looked for and not found: a C2PA manifest, signs of re-shipping. "
        "Readers that failed: watermark."
    )


@pytest.mark.parametrize("signal_p, told", [(0.2, True), (0.5, True), (0.9, False)])
def test_regions_that_did_not_count_are_said_not_to(signal_p: float, told: bool) -> None:
    line = signal_evidence(make_score(signal_p))
    said = explain(PICTURE, decide([], signal_p), [line], [REGION])
    assert ("not counted" in (said.final_verdict.reason or "")) is told
    assert "1 region stands out (signal)" in (said.technical_analysis.structure or "")


def test_the_signal_line() -> None:
    line = signal_evidence(make_score(0.9))
    assert (line.kind, line.name, line.p_fake) == ("expert", "signal", 0.9)
    assert line.detail == {"log_odds": {"linear": 1.2346, "trees": -0.5, "network": 2.0}}
    empty = signal_evidence(make_score(None))
    assert empty.p_fake is None and empty.detail == {}
    assert empty.finding.endswith("could not be judged: too little to see.")


def test_words_change_at_the_borders_of_the_band() -> None:
    steps = [LOW, LOW + 1e-6, HIGH - 1e-6, HIGH]
    words = [leaning_words(p) for p in steps]
    assert words[1] == words[2] and len(set(words)) == 3
    assert Verdict.REAL in decide([], LOW).verdict
