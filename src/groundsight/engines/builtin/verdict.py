"""The verdict rule of the builtin engine, all of it. `docs/verdict.md` tells it in plain words.

    decision = decide(findings, signal_p)
    decision.verdict, decision.p_fake, decision.step, decision.tags

The first step that applies decides:

1. A signed capture against a mark of generation, or against a signal of at least `high`:
   INCONCLUSIVE.
2. A mark that the whole picture is generated: AI-GENERATED. Except where metadata alone says so,
   a camera is named as well, and the signal is at most `CLEARLY_REAL`: INCONCLUSIVE.
3. A mark that parts are generated, or a manifest that does not fit the file: AI-GENERATED when
   the signal is at least `high`, else INCONCLUSIVE.
4. The signal alone: AI-GENERATED from `high`, REAL up to `low`, INCONCLUSIVE between.
5. No signal: INCONCLUSIVE.

Only step 4 says REAL, so no metadata, manifest or name of a camera ever makes a picture REAL.
`p_fake` is the signal's calibrated probability, raised to `FLOORS` where there is a mark.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from groundsight.core.types import Verdict
from groundsight.engines.builtin.claims import Claim, ClaimKind, read_claims
from groundsight.forensics.finding import Finding, Says

# Between these the signal expert is often wrong: out of fold, 35% of the fit pictures lie there; of
# the rest 92% are right, and 3.2% of the photographs are at HIGH or more.
LOW, HIGH = 0.25, 0.85
# Laundering signs widen the band by this much on each side.
LAUNDERED_MARGIN = 0.10
CLEARLY_REAL = 0.10

# p_fake is at least this under a mark. Choices of this rule, not measurements: they say that such
# marks are rarely put on photographs, and that a signature or watermark is harder to put there
# than a line of text.
FLOORS: dict[ClaimKind, float] = {
    ClaimKind.SIGNED_MANIFEST: 0.99,
    ClaimKind.WATERMARK: 0.98,
    ClaimKind.INTACT_MANIFEST: 0.97,
    ClaimKind.GENERATOR_MARK: 0.97,
    ClaimKind.SOURCE_TYPE: 0.95,
    ClaimKind.PARTLY_GENERATED: 0.50,
    ClaimKind.BROKEN_MANIFEST: 0.50,
}
# The same for marks of the whole picture when the signal is at most CLEARLY_REAL, and for any
# mark that meets a signed capture.
DISPUTED_FLOOR, CONTRADICTED_FLOOR = 0.90, 0.50

WHOLE = frozenset(kind for kind, floor in FLOORS.items() if floor > 0.5)
METADATA = frozenset({ClaimKind.GENERATOR_MARK, ClaimKind.SOURCE_TYPE})


@dataclass(frozen=True)
class Band:
    """Where the signal alone decides nothing.

    Args:
        low: REAL up to here.
        high: AI-GENERATED from here.
    """

    low: float = LOW
    high: float = HIGH

    def leaning(self, signal_p: float) -> Verdict:
        """What the signal says by itself."""
        if signal_p >= self.high:
            return Verdict.AI_GENERATED
        return Verdict.REAL if signal_p <= self.low else Verdict.INCONCLUSIVE


LAUNDERED_BAND = Band(round(LOW - LAUNDERED_MARGIN, 2), round(HIGH + LAUNDERED_MARGIN, 2))


class Step(StrEnum):
    """Which step of the rule decided."""

    CONTRADICTION = "contradiction"
    DOUBTFUL_MARK = "doubtful-mark"
    MARK = "mark"
    PARTIAL_MARK = "partial-mark"
    SIGNAL = "signal"
    NOTHING = "nothing"


@dataclass(frozen=True, kw_only=True)
class Case:
    """What the steps look at.

    Args:
        claims: of the file and the pixels, as `read_claims` orders them.
        signal_p: calibrated p_fake of the signal expert; None where it could not measure.
        laundered: whether there are laundering signs.
    """

    claims: tuple[Claim, ...]
    signal_p: float | None
    laundered: bool

    def of(self, *kinds: ClaimKind) -> list[Claim]:
        """The claims of some kinds."""
        return [claim for claim in self.claims if claim.kind in kinds]

    @property
    def marks(self) -> list[Claim]:
        """All claims of generation, whole or in part."""
        return self.of(*FLOORS)

    @property
    def whole_marks(self) -> list[Claim]:
        """Claims that the whole picture is generated."""
        return self.of(*WHOLE)

    @property
    def captures(self) -> list[Claim]:
        """Claims that a camera took it, signed or not."""
        return self.of(ClaimKind.SIGNED_CAPTURE, ClaimKind.CAPTURE)

    @property
    def band(self) -> Band:
        """Where the signal alone decides nothing, for this file."""
        return LAUNDERED_BAND if self.laundered else Band()

    @property
    def leaning(self) -> Verdict:
        """What the signal alone says; INCONCLUSIVE when there is none."""
        if self.signal_p is None:
            return Verdict.INCONCLUSIVE
        return self.band.leaning(self.signal_p)

    @property
    def clearly_real(self) -> bool:
        """Whether the signal is as sure as it gets that a camera took it."""
        return self.signal_p is not None and self.signal_p <= CLEARLY_REAL


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What the rule says; `reasons.give_reasons` puts it into words.

    Args:
        verdict: of the picture.
        p_fake: 0 to 1; None when neither signal nor mark gives one.
        step: which step decided.
        case: what it looked at.
        tags: short words for programs.
    """

    verdict: Verdict
    p_fake: float | None
    step: Step
    case: Case
    tags: tuple[str, ...]


def decide(findings: Sequence[Finding], signal_p: float | None) -> Decision:
    """Apply the rule.

    Args:
        findings: of all readers but the signal expert, in any order.
        signal_p: calibrated p_fake of the signal expert; None where it could not measure.

    Returns:
        The decision; `p_fake` never falls when a mark is added or `signal_p` rises.
    """
    laundered = any(finding.says is Says.LAUNDERED for finding in findings)
    case = Case(claims=read_claims(findings), signal_p=signal_p, laundered=laundered)
    step = deciding_step(case)
    return Decision(
        verdict=_verdict(step, case),
        p_fake=_p_fake(step, case),
        step=step,
        case=case,
        tags=_tags(case),
    )


def deciding_step(case: Case) -> Step:
    """The first step that applies."""
    contradicted = case.marks or case.leaning is Verdict.AI_GENERATED
    if case.of(ClaimKind.SIGNED_CAPTURE) and contradicted:
        return Step.CONTRADICTION
    if case.whole_marks:
        only_told = all(mark.kind in METADATA for mark in case.whole_marks)
        doubtful = only_told and case.captures and case.clearly_real
        return Step.DOUBTFUL_MARK if doubtful else Step.MARK
    if case.marks:
        return Step.PARTIAL_MARK
    return Step.NOTHING if case.signal_p is None else Step.SIGNAL


def _verdict(step: Step, case: Case) -> Verdict:
    if step is Step.MARK:
        return Verdict.AI_GENERATED
    if step is Step.SIGNAL:
        return case.leaning
    if step is Step.PARTIAL_MARK and case.leaning is Verdict.AI_GENERATED:
        return Verdict.AI_GENERATED
    return Verdict.INCONCLUSIVE


def _p_fake(step: Step, case: Case) -> float | None:
    if not case.marks:
        return case.signal_p
    floor = max(FLOORS[mark.kind] for mark in case.marks)
    if step in (Step.CONTRADICTION, Step.DOUBTFUL_MARK):
        floor = CONTRADICTED_FLOOR
    elif case.clearly_real:
        floor = min(floor, DISPUTED_FLOOR)
    return max(floor, case.signal_p or 0.0)


def _tags(case: Case) -> tuple[str, ...]:
    kinds = {claim.kind for claim in case.claims}
    says_generated = case.whole_marks or case.leaning is Verdict.AI_GENERATED
    says_real = case.captures or case.leaning is Verdict.REAL
    rows = {
        "claims-ai-generated": WHOLE & kinds,
        "claims-ai-edited": ClaimKind.PARTLY_GENERATED in kinds,
        "claims-camera": case.captures,
        "signed-manifest": kinds & {ClaimKind.SIGNED_MANIFEST, ClaimKind.SIGNED_CAPTURE},
        "broken-manifest": ClaimKind.BROKEN_MANIFEST in kinds,
        "watermarked": ClaimKind.WATERMARK in kinds,
        "laundered": case.laundered,
        "evidence-disagrees": says_generated and says_real,
        "not-measured": case.signal_p is None,
    }
    return tuple(tag for tag, holds in rows.items() if holds)
