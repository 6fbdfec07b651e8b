"""What the findings claim about the picture, in the few kinds that the verdict rule tells apart."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from groundsight.core.json_values import JsonObject
from groundsight.forensics.finding import Finding, Says
from groundsight.forensics.metadata.source_type import SOURCE_TYPES

_COMPOSITES = frozenset({"compositeWithTrainedAlgorithmicMedia", "compositeSynthetic"})
_CAPTURES = frozenset(name for name, kind in SOURCE_TYPES.items() if kind.says is Says.CAMERA)


class ClaimKind(StrEnum):
    """Kinds of claims; what each is worth is the verdict rule's business."""

    SIGNED_MANIFEST = "signed-manifest"
    "A manifest whose signature holds for these bytes says that AI made the picture."
    WATERMARK = "watermark"
    "The pixels carry a generator's watermark."
    INTACT_MANIFEST = "intact-manifest"
    "A manifest says so; it fits these bytes, but its signature could not be validated."
    GENERATOR_MARK = "generator-mark"
    "Metadata names a generator."
    SOURCE_TYPE = "source-type"
    "Metadata declares a trained model as the source."
    PARTLY_GENERATED = "partly-generated"
    "Anything that says only that parts were generated, or that AI edited the picture."
    BROKEN_MANIFEST = "broken-manifest"
    "A manifest says that AI took part, but the file was changed since, or the signature is wrong."
    SIGNED_CAPTURE = "signed-capture"
    "A manifest whose signature holds for these bytes says that a camera took the picture."
    CAPTURE = "capture"
    "Metadata says that a camera took it."


@dataclass(frozen=True)
class Claim:
    """One claim.

    Args:
        kind: which row of the rule it falls under.
        words: who claims it, as a noun phrase for the reasons.
    """

    kind: ClaimKind
    words: str


def read_claims(findings: Iterable[Finding]) -> tuple[Claim, ...]:
    """The claims that findings make, in the order of `ClaimKind`; what says nothing is left out."""
    order = list(ClaimKind)
    claims = {claim: None for finding in findings if (claim := _claim(finding))}
    return tuple(sorted(claims, key=lambda claim: order.index(claim.kind)))


def _claim(finding: Finding) -> Claim | None:
    if finding.says is Says.CAMERA:
        return _capture(finding)
    if finding.says is not Says.GENERATED:
        return None
    evidence = finding.evidence
    if evidence.kind == "provenance":
        return _manifest(finding)
    if evidence.kind == "watermark":
        words = f"the invisible watermark {evidence.detail.get('payload', 'of a generator')}"
        return Claim(ClaimKind.WATERMARK, words)
    return _metadata(evidence.detail)


def _capture(finding: Finding) -> Claim:
    if finding.evidence.kind == "provenance" and finding.signed:
        return Claim(ClaimKind.SIGNED_CAPTURE, "a signed C2PA manifest")
    return Claim(ClaimKind.CAPTURE, "metadata that names a camera")


def _manifest(finding: Finding) -> Claim:
    detail = finding.evidence.detail
    intact = bool(detail.get("signature_matches") and detail.get("content_matches"))
    if not (finding.signed or intact):
        return Claim(ClaimKind.BROKEN_MANIFEST, "a C2PA manifest that does not fit this file")
    words = "a signed C2PA manifest" if finding.signed else "a C2PA manifest that is not validated"
    if _made_in_part(detail):
        return Claim(ClaimKind.PARTLY_GENERATED, words)
    kind = ClaimKind.SIGNED_MANIFEST if finding.signed else ClaimKind.INTACT_MANIFEST
    return Claim(kind, words)


def _made_in_part(detail: JsonObject) -> bool:
    """Whether a manifest speaks of AI parts in something else, not of one AI-made picture."""
    types, actions = set(detail.get("digital_source_types", ())), set(detail.get("actions", ()))
    if types & (_COMPOSITES | _CAPTURES) or "c2pa.placed" in actions:
        return True
    opened = actions & {"c2pa.opened", "c2pa.edited"}
    return bool(opened) and "c2pa.created" not in actions and "trainedAlgorithmicMedia" not in types


def _metadata(detail: JsonObject) -> Claim:
    source_type = detail.get("digital_source_type")
    if source_type:
        partly = source_type in _COMPOSITES
        kind = ClaimKind.PARTLY_GENERATED if partly else ClaimKind.SOURCE_TYPE
        return Claim(kind, f"metadata that declares {source_type}")
    partly = bool(detail.get("partly"))
    kind = ClaimKind.PARTLY_GENERATED if partly else ClaimKind.GENERATOR_MARK
    return Claim(kind, f"metadata that names {detail.get('generator', 'a generator')}")
