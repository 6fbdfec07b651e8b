"""Hand-made findings, one builder a kind of claim, as the readers hand them up."""

from typing import Any

from groundsight.core.report import Evidence, EvidenceKind
from groundsight.forensics.finding import Finding, Says


def make_finding(
    kind: EvidenceKind,
    name: str,
    says: Says,
    *,
    signed: bool = False,
    detail: dict[str, Any] | None = None,
) -> Finding:
    evidence = Evidence(
        kind=kind, name=name, finding=f"The line {name} says so.", detail=detail or {}
    )
    return Finding(evidence=evidence, says=says, signed=signed)


def make_manifest(
    *types: str,
    signed: bool = True,
    intact: bool = True,
    actions: tuple[str, ...] = ("c2pa.created",),
    says: Says = Says.GENERATED,
) -> Finding:
    detail = {
        "digital_source_types": list(types),
        "actions": list(actions),
        "signature_matches": intact,
        "content_matches": intact,
    }
    return make_finding("provenance", "c2pa", says, signed=signed, detail=detail)


TRAINED, COMPOSITE = "trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia"

SIGNED_AI = make_manifest(TRAINED)
INTACT_AI = make_manifest(TRAINED, signed=False)
BROKEN_AI = make_manifest(TRAINED, signed=False, intact=False)
SIGNED_EDIT = make_manifest(COMPOSITE, actions=("c2pa.opened", "c2pa.edited"))
SIGNED_CAMERA = make_manifest("digitalCapture", says=Says.CAMERA)
WATERMARK = make_finding("watermark", "sd-watermark", Says.GENERATED, detail={"payload": "SDV2"})
COMFYUI = make_finding(
    "metadata", "generator-mark", Says.GENERATED, detail={"generator": "ComfyUI"}
)
GOOGLE_EDIT = make_finding(
    "metadata",
    "generator-mark",
    Says.GENERATED,
    detail={"generator": "Google AI", "partly": True},
)
IPTC_AI = make_finding(
    "metadata", "digital-source-type", Says.GENERATED, detail={"digital_source_type": TRAINED}
)
IPTC_EDIT = make_finding(
    "metadata", "digital-source-type", Says.GENERATED, detail={"digital_source_type": COMPOSITE}
)
EXIF = make_finding("metadata", "camera-exif", Says.CAMERA, detail={"Make": "Canon"})
WEAK_EXIF = make_finding("metadata", "camera-exif", Says.NOTHING, detail={"Make": "Canon"})
REMOTE = make_finding("provenance", "c2pa", Says.NOTHING, detail={"remote_manifest": "https://x"})
LAUNDERED = make_finding("stability", "strong-compression", Says.LAUNDERED)

MARKS = [SIGNED_AI, INTACT_AI, BROKEN_AI, SIGNED_EDIT, WATERMARK, COMFYUI, GOOGLE_EDIT]
MARKS += [IPTC_AI, IPTC_EDIT]
CAPTURES = [SIGNED_CAMERA, EXIF]
OTHERS = [WEAK_EXIF, REMOTE, LAUNDERED]
