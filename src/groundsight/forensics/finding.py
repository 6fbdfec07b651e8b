"""What a forensic reader hands up: one evidence line, and which way it points."""

from dataclasses import dataclass
from enum import StrEnum

from groundsight.core.report import Evidence


class Says(StrEnum):
    """Which way a finding points, for the verdict rule; how far is the rule's business."""

    GENERATED = "generated"
    "A claim or mark that names an AI generator, or a signal that looks like one."
    CAMERA = "camera"
    "A claim that a camera took it. Anyone can write such a claim."
    LAUNDERED = "laundered"
    "The picture was re-shipped so that other evidence is weaker."
    NOTHING = "nothing"
    "Looked, and found nothing either way, or something that is only worth telling."


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One line of evidence and its direction.

    Args:
        evidence: the line as the report shows it.
        says: which way it points.
        signed: True when the claim is covered by a signature that verified.
    """

    evidence: Evidence
    says: Says
    signed: bool = False
