"""IPTC DigitalSourceType: the field's own vocabulary for how a picture came to be.

Source: https://cv.iptc.org/newscodes/digitalsourcetype/ and C2PA's two additions. The same terms
appear in XMP (Iptc4xmpExt:DigitalSourceType) and in the actions of a C2PA manifest.
"""

import re
from dataclasses import dataclass

from groundsight.forensics.finding import Says


@dataclass(frozen=True)
class SourceType:
    """One term: which way it points and what it says in plain words."""

    says: Says
    means: str


_GENERATED, _CAMERA, _NOTHING = Says.GENERATED, Says.CAMERA, Says.NOTHING
SOURCE_TYPES = {
    "trainedAlgorithmicMedia": SourceType(_GENERATED, "made by a trained (AI) model"),
    "compositeWithTrainedAlgorithmicMedia": SourceType(
        _GENERATED, "a composite with parts made by a trained (AI) model"
    ),
    "trainedAlgorithmicData": SourceType(_GENERATED, "data made by a trained (AI) model"),
    "compositeSynthetic": SourceType(_GENERATED, "a composite with synthetic parts"),
    "softwareImage": SourceType(_NOTHING, "made with software"),
    "algorithmicMedia": SourceType(_NOTHING, "made by an algorithm that was not trained"),
    "algorithmicallyEnhanced": SourceType(_NOTHING, "enhanced by an algorithm"),
    "dataDrivenMedia": SourceType(_NOTHING, "drawn from data"),
    "digitalArt": SourceType(_NOTHING, "digital art by a person"),
    "digitalCreation": SourceType(_NOTHING, "created by a person with digital tools"),
    "virtualRecording": SourceType(_NOTHING, "recorded from a virtual scene"),
    "screenCapture": SourceType(_NOTHING, "a screen capture"),
    "humanEdits": SourceType(_NOTHING, "edited by a person"),
    "minorHumanEdits": SourceType(_NOTHING, "lightly edited by a person"),
    "composite": SourceType(_NOTHING, "a composite"),
    "compositeCapture": SourceType(_NOTHING, "a composite of captures"),
    "digitalCapture": SourceType(_CAMERA, "captured by a camera"),
    "computationalCapture": SourceType(_CAMERA, "captured by a camera with computation"),
    "multiFrameComputationalCapture": SourceType(_CAMERA, "several frames of one camera"),
    "negativeFilm": SourceType(_CAMERA, "digitised from negative film"),
    "positiveFilm": SourceType(_CAMERA, "digitised from positive film"),
    "print": SourceType(_CAMERA, "digitised from a print"),
}
_BY_LOWER = {name.lower(): name for name in SOURCE_TYPES}


def source_type_name(value: str) -> str | None:
    """The vocabulary's term in a value, a URL or a bare word in any case; None for others."""
    tail = re.split(r"[/#]", value[:512].strip().rstrip("/"))[-1]
    return _BY_LOWER.get(tail.lower())
