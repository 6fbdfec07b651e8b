"""The verdict rule on hand-made findings: a table of cases, then what always holds."""

import itertools
import re
from pathlib import Path
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.engines.builtin_cases import (
    BROKEN_AI,
    CAPTURES,
    COMFYUI,
    EXIF,
    GOOGLE_EDIT,
    INTACT_AI,
    IPTC_AI,
    IPTC_EDIT,
    LAUNDERED,
    MARKS,
    OTHERS,
    REMOTE,
    SIGNED_AI,
    SIGNED_CAMERA,
    SIGNED_EDIT,
    WATERMARK,
    WEAK_EXIF,
)

from groundsight.core.types import Verdict
from groundsight.engines.builtin.verdict import (
    CLEARLY_REAL,
    CONTRADICTED_FLOOR,
    DISPUTED_FLOOR,
    FLOORS,
    HIGH,
    LAUNDERED_BAND,
    LAUNDERED_MARGIN,
    LOW,
    Step,
    decide,
)
from groundsight.forensics.finding import Finding

Findings: TypeAlias = list[Finding]
REAL, AI, UNSURE = Verdict.REAL, Verdict.AI_GENERATED, Verdict.INCONCLUSIVE
# Just outside and just inside of the usual band, and of the wider one.
REAL_P, LOW_P, MID_P, HIGH_P, FAKE_P = 0.2, LOW - 0.01, 0.5, HIGH + 0.01, 0.95
OVER_MID_P = (0.5 + HIGH) / 2
SURE_P = 0.03


@pytest.mark.parametrize(
    "findings, signal_p, verdict, p_fake, step",
    [
        # the signal alone
        ([], 0.0, REAL, 0.0, Step.SIGNAL),
        ([], LOW, REAL, LOW, Step.SIGNAL),  # the borders belong to the verdicts
        ([], LOW + 1e-6, UNSURE, LOW + 1e-6, Step.SIGNAL),
        ([], HIGH - 1e-6, UNSURE, HIGH - 1e-6, Step.SIGNAL),
        ([], HIGH, AI, HIGH, Step.SIGNAL),
        ([], 1.0, AI, 1.0, Step.SIGNAL),
        ([], None, UNSURE, None, Step.NOTHING),  # too small or flat, and nothing claimed
        ([REMOTE, WEAK_EXIF], MID_P, UNSURE, MID_P, Step.SIGNAL),  # told, but worth nothing
        # laundering: the band is wider by 0.10 on each side
        ([LAUNDERED], LOW_P, UNSURE, LOW_P, Step.SIGNAL),
        ([LAUNDERED], HIGH_P, UNSURE, HIGH_P, Step.SIGNAL),
        ([LAUNDERED], LOW - 0.1, REAL, LOW - 0.1, Step.SIGNAL),
        ([LAUNDERED], HIGH + 0.1, AI, HIGH + 0.1, Step.SIGNAL),
        ([LAUNDERED, LAUNDERED], HIGH + 0.1, AI, HIGH + 0.1, Step.SIGNAL),  # widened once
        ([LAUNDERED], None, UNSURE, None, Step.NOTHING),
        ([LAUNDERED, COMFYUI], MID_P, AI, 0.97, Step.MARK),  # a mark that is there is not weaker
        # marks of the whole picture
        ([SIGNED_AI], MID_P, AI, 0.99, Step.MARK),
        ([WATERMARK], MID_P, AI, 0.98, Step.MARK),
        ([INTACT_AI], MID_P, AI, 0.97, Step.MARK),  # expired certificate, bytes intact
        ([COMFYUI], MID_P, AI, 0.97, Step.MARK),
        ([IPTC_AI], MID_P, AI, 0.95, Step.MARK),
        ([IPTC_AI, WATERMARK], MID_P, AI, 0.98, Step.MARK),  # the strongest counts
        ([COMFYUI], None, AI, 0.97, Step.MARK),  # a mark needs no pixels
        ([COMFYUI], 0.999, AI, 0.999, Step.MARK),  # the surer of the two
        ([COMFYUI], REAL_P, AI, 0.97, Step.MARK),  # the expert errs like this often enough
        ([COMFYUI], SURE_P, AI, 0.90, Step.MARK),  # clearly real, yet marked: disputed
        ([SIGNED_AI], SURE_P, AI, 0.90, Step.MARK),
        ([COMFYUI, EXIF], MID_P, AI, 0.97, Step.MARK),  # a camera's name outweighs no mark
        ([COMFYUI, EXIF], CLEARLY_REAL, UNSURE, 0.5, Step.DOUBTFUL_MARK),  # maybe a photo
        ([IPTC_AI, EXIF], SURE_P, UNSURE, 0.5, Step.DOUBTFUL_MARK),
        ([COMFYUI, WEAK_EXIF], SURE_P, AI, 0.90, Step.MARK),  # make and model alone are no camera
        ([COMFYUI, WATERMARK, EXIF], SURE_P, AI, 0.90, Step.MARK),  # not only metadata marks it
        # marks of a part
        ([SIGNED_EDIT], REAL_P, UNSURE, 0.5, Step.PARTIAL_MARK),  # not wholly a photograph
        ([SIGNED_EDIT], MID_P, UNSURE, 0.5, Step.PARTIAL_MARK),
        ([SIGNED_EDIT], OVER_MID_P, UNSURE, OVER_MID_P, Step.PARTIAL_MARK),
        ([SIGNED_EDIT], FAKE_P, AI, FAKE_P, Step.PARTIAL_MARK),  # the pixels say the whole is
        ([GOOGLE_EDIT], None, UNSURE, 0.5, Step.PARTIAL_MARK),
        ([IPTC_EDIT, LAUNDERED], HIGH_P, UNSURE, HIGH_P, Step.PARTIAL_MARK),  # the wider band
        ([IPTC_EDIT, COMFYUI], MID_P, AI, 0.97, Step.MARK),  # a mark of the whole is more
        # a manifest that does not fit: a finding, never proof
        ([BROKEN_AI], None, UNSURE, 0.5, Step.PARTIAL_MARK),
        ([BROKEN_AI], SURE_P, UNSURE, 0.5, Step.PARTIAL_MARK),
        ([BROKEN_AI], FAKE_P, AI, FAKE_P, Step.PARTIAL_MARK),
        # cameras
        ([EXIF], None, UNSURE, None, Step.NOTHING),  # anyone can write EXIF
        ([EXIF], MID_P, UNSURE, MID_P, Step.SIGNAL),  # … so it lifts nothing to REAL
        ([EXIF], FAKE_P, AI, FAKE_P, Step.SIGNAL),  # … and takes nothing away
        ([SIGNED_CAMERA], None, UNSURE, None, Step.NOTHING),  # signed, but by whom?
        ([SIGNED_CAMERA], MID_P, UNSURE, MID_P, Step.SIGNAL),
        ([SIGNED_CAMERA], REAL_P, REAL, REAL_P, Step.SIGNAL),
        ([SIGNED_CAMERA], FAKE_P, UNSURE, FAKE_P, Step.CONTRADICTION),  # strong lines disagree
        ([SIGNED_CAMERA], HIGH, UNSURE, HIGH, Step.CONTRADICTION),
        ([SIGNED_CAMERA, COMFYUI], MID_P, UNSURE, 0.5, Step.CONTRADICTION),
        ([SIGNED_CAMERA, WATERMARK], None, UNSURE, 0.5, Step.CONTRADICTION),
        ([SIGNED_CAMERA, COMFYUI], FAKE_P, UNSURE, FAKE_P, Step.CONTRADICTION),
    ],
)
def test_the_rule(
    findings: Findings, signal_p: float | None, verdict: Verdict, p_fake: float | None, step: Step
) -> None:
    decision = decide(findings, signal_p)
    assert (decision.verdict, decision.step) == (verdict, step)
    assert decision.p_fake == pytest.approx(p_fake) if p_fake is not None else not decision.p_fake


@pytest.mark.parametrize(
    "findings, signal_p, tags",
    [
        ([], MID_P, ()),
        ([], None, ("not-measured",)),
        ([LAUNDERED], REAL_P, ("laundered",)),
        ([SIGNED_AI], FAKE_P, ("claims-ai-generated", "signed-manifest")),
        ([WATERMARK], FAKE_P, ("claims-ai-generated", "watermarked")),
        ([COMFYUI], REAL_P, ("claims-ai-generated", "evidence-disagrees")),  # signal says real
        ([COMFYUI], MID_P, ("claims-ai-generated",)),  # an unsure signal does not disagree
        ([SIGNED_EDIT], MID_P, ("claims-ai-edited",)),
        ([BROKEN_AI], MID_P, ("broken-manifest",)),
        ([EXIF], REAL_P, ("claims-camera",)),
        ([EXIF], FAKE_P, ("claims-camera", "evidence-disagrees")),
        ([SIGNED_CAMERA], FAKE_P, ("claims-camera", "signed-manifest", "evidence-disagrees")),
    ],
)
def test_tags(findings: Findings, signal_p: float | None, tags: tuple[str, ...]) -> None:
    assert decide(findings, signal_p).tags == tags


# ---- what always holds --------------------------------------------------------------------------

FEW = st.lists(st.sampled_from(MARKS + CAPTURES + OTHERS), max_size=5)
P = st.floats(0, 1) | st.sampled_from(
    [LOW, HIGH, CLEARLY_REAL, LAUNDERED_BAND.low, LAUNDERED_BAND.high]
)
RANK = {REAL: 0, UNSURE: 1, AI: 2}


@given(FEW)
def test_without_the_signal_nothing_is_ever_real(findings: Findings) -> None:
    assert decide(findings, None).verdict is not REAL


@given(FEW, P)
def test_camera_claims_never_lead_to_real(findings: Findings, signal_p: float) -> None:
    without = [f for f in findings if f not in CAPTURES]
    for camera in CAPTURES:
        if decide([*without, camera], signal_p).verdict is REAL:
            assert decide(without, signal_p).verdict is REAL


@given(FEW, st.none() | P, st.sampled_from(MARKS))
def test_a_further_mark_never_lowers_p_fake(
    findings: Findings, signal_p: float | None, mark: Finding
) -> None:
    before, after = decide(findings, signal_p), decide([*findings, mark], signal_p)
    assert after.p_fake is not None and after.p_fake >= (before.p_fake or 0)
    assert after.verdict is not REAL


@given(FEW, st.none() | P)
def test_laundering_makes_nothing_firmer(findings: Findings, signal_p: float | None) -> None:
    before, after = decide(findings, signal_p), decide([*findings, LAUNDERED], signal_p)
    assert after.verdict in (before.verdict, UNSURE)
    assert after.p_fake == before.p_fake


@given(FEW, P, P)
def test_monotone_in_the_signal(findings: Findings, a: float, b: float) -> None:
    low, high = decide(findings, min(a, b)), decide(findings, max(a, b))
    assert low.p_fake is not None and high.p_fake is not None and low.p_fake <= high.p_fake
    assert RANK[low.verdict] <= RANK[high.verdict]


@given(FEW, st.none() | P)
def test_the_order_and_repeats_of_findings_do_not_matter(
    findings: Findings, signal_p: float | None
) -> None:
    decisions = [
        decide(list(order), signal_p)
        for order in itertools.islice(itertools.permutations(findings), 6)
    ]
    decisions.append(decide(findings * 2, signal_p))
    assert len({(d.verdict, d.p_fake, d.step, d.tags) for d in decisions}) == 1


@given(FEW, st.none() | P)
def test_verdict_and_p_fake_never_contradict_each_other(
    findings: Findings, signal_p: float | None
) -> None:
    decision = decide(findings, signal_p)
    if decision.verdict is AI:
        assert decision.p_fake is not None and decision.p_fake >= HIGH
    if decision.verdict is REAL:
        assert decision.p_fake is not None and decision.p_fake <= LOW


def test_the_constants_are_in_order() -> None:
    assert 0 < CLEARLY_REAL < LAUNDERED_BAND.low < LOW < 0.5 < HIGH < LAUNDERED_BAND.high < 1
    assert all(0.5 <= floor < 1 for floor in FLOORS.values())


# ---- the page -----------------------------------------------------------------------------------

PAGE = (Path(__file__).parents[2] / "docs/verdict.md").read_text(encoding="utf-8")


def test_the_page_tells_the_rules_own_numbers() -> None:
    told = [float(number) for number in re.findall(r"^\|.*\| (0\.\d\d) \|", PAGE, re.MULTILINE)]
    assert told == [*FLOORS.values(), DISPUTED_FLOOR, CONTRADICTED_FLOOR]
    band, wide = f"p_fake ≥ {HIGH} → AI-GENERATED, p_fake ≤ {LOW} → REAL", LAUNDERED_BAND
    assert band in PAGE
    assert f"REAL up to {wide.low} and AI-GENERATED from {wide.high}" in PAGE
    assert f"{LAUNDERED_MARGIN:.2f} more on each side" in PAGE
    assert f"(p_fake ≤ {CLEARLY_REAL:.2f})" in PAGE


def test_the_page_lists_every_tag() -> None:
    told = set(re.findall(r"^\| `([a-z-]+)` \|", PAGE, re.MULTILINE))
    given = {
        tag
        for pair in itertools.combinations(MARKS + CAPTURES + OTHERS, 2)
        for signal_p in (None, SURE_P, FAKE_P)
        for tag in decide(pair, signal_p).tags
    }
    assert told == given
