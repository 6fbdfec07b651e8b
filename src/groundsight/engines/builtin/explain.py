"""The five steps of reasoning, composed by rules from the evidence lines.

Each step names the lines that it rests on. What no reader looked at (lighting, shadows,
reflections, surfaces, the scene) stays None: nothing is invented.
"""

from collections.abc import Sequence

from groundsight.core.report import Evidence, Reasoning, Region
from groundsight.core.types import (
    DetailedObservation,
    FinalVerdict,
    SpecialistAnalysis,
    TechnicalAnalysis,
    Verdict,
)
from groundsight.engines.builtin.reasons import give_reasons
from groundsight.engines.builtin.signal_line import leaning_words
from groundsight.engines.builtin.verdict import Decision
from groundsight.vision.images import Picture

WHO = "Fixed rules wrote this from the evidence lines, no language model; a score is no proof."
_LOOKED_FOR = {
    "provenance": "a C2PA manifest",
    "metadata": "a generator's or camera's mark in the metadata",
    "watermark": "a known watermark",
    "stability": "signs of re-shipping",
}


def explain(
    picture: Picture,
    decision: Decision,
    evidence: Sequence[Evidence],
    regions: Sequence[Region],
    failed: Sequence[str] = (),
) -> Reasoning:
    """Put evidence and decision into ThinkFake's five steps.

    Args:
        picture: for its size and format.
        decision: of the verdict rule.
        evidence: every line of the report.
        regions: of the report.
        failed: names of readers that failed, whose silence means nothing.
    """
    signal_p = decision.case.signal_p
    return Reasoning(
        written_by="rules",
        quick_scan=_quick_scan(picture, evidence, failed),
        detailed_observation=DetailedObservation(texture=_texture(signal_p, evidence)),
        technical_analysis=TechnicalAnalysis(structure=_structure(evidence, regions)),
        specialist_analysis=SpecialistAnalysis(prob_frequency=signal_p),
        final_verdict=FinalVerdict(
            verdict=decision.verdict, reason=" ".join([*_conclusion(decision, regions), WHO])
        ),
    )


def _quick_scan(picture: Picture, evidence: Sequence[Evidence], failed: Sequence[str]) -> str:
    """Size and format, which lines there are, and what was looked for in vain."""
    told = dict.fromkeys(line.kind for line in evidence)
    missing = [
        words for kind, words in _LOOKED_FOR.items() if kind not in told and kind not in failed
    ]
    article = "An" if picture.format[:1] in "aeiou" else "A"
    parts = [
        f"{article} {picture.format.upper()} of {picture.width}×{picture.height} pixels.",
        f"Evidence lines: {', '.join(line.name for line in evidence) or 'none'}.",
    ]
    if missing:
        parts.append(f"Looked for and not found: {', '.join(missing)}.")
    if failed:
        parts.append(f"Readers that failed: {', '.join(failed)}.")
    return " ".join(parts)


def _texture(signal_p: float | None, evidence: Sequence[Evidence]) -> str | None:
    """Step 2, from the line `signal`."""
    line = next((line for line in evidence if line.kind == "expert"), None)
    if line is None:
        return None
    if signal_p is None:
        return f"{line.finding} (signal)"
    return f"The finest structure {leaning_words(signal_p)} (signal, p_fake {signal_p:.2f})."


def _structure(evidence: Sequence[Evidence], regions: Sequence[Region]) -> str | None:
    """Step 3: source tracing from the file's own lines, and where the pixels stand out."""
    kinds = ("provenance", "metadata", "watermark", "stability")
    parts = [f"{line.finding} ({line.name})" for line in evidence if line.kind in kinds]
    if regions:
        number = f"{len(regions)} region{'s' * (len(regions) > 1)}"
        sources = " and ".join(sorted({region.source for region in regions}))
        parts.append(f"{number} stand{'s' * (len(regions) == 1)} out ({sources}).")
    return " ".join(parts) or None


def _conclusion(decision: Decision, regions: Sequence[Region]) -> list[str]:
    sentences = list(give_reasons(decision))
    if regions and decision.verdict is not Verdict.AI_GENERATED:
        stand_out = "The region drawn stands out" if len(regions) == 1 else "The regions stand out"
        sentences.append(f"{stand_out}; worth a look, but not counted towards the verdict.")
    return sentences
