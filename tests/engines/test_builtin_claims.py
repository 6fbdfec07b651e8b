import pytest
from tests.engines import builtin_cases as cases
from tests.engines.builtin_cases import COMPOSITE, TRAINED, make_manifest

from groundsight.engines.builtin.claims import ClaimKind, read_claims
from groundsight.engines.builtin.verdict import FLOORS
from groundsight.forensics.finding import Finding, Says
from groundsight.forensics.metadata import read_metadata


@pytest.mark.parametrize(
    "finding, kind",
    [
        (cases.SIGNED_AI, ClaimKind.SIGNED_MANIFEST),
        (cases.INTACT_AI, ClaimKind.INTACT_MANIFEST),  # e.g. the certificate has expired
        (cases.BROKEN_AI, ClaimKind.BROKEN_MANIFEST),  # changed after signing
        (cases.SIGNED_EDIT, ClaimKind.PARTLY_GENERATED),
        (make_manifest(TRAINED, intact=False), ClaimKind.SIGNED_MANIFEST),  # the state counts
        (make_manifest(COMPOSITE, signed=False), ClaimKind.PARTLY_GENERATED),
        (
            make_manifest(COMPOSITE, signed=False, intact=False),
            ClaimKind.BROKEN_MANIFEST,
        ),  # that it is broken counts before what it says
        (make_manifest(TRAINED, "digitalCapture"), ClaimKind.PARTLY_GENERATED),  # AI in a photo
        (
            make_manifest(TRAINED, actions=("c2pa.created", "c2pa.placed")),
            ClaimKind.PARTLY_GENERATED,
        ),  # put into something else
        (
            make_manifest(actions=("c2pa.opened", "c2pa.edited")),
            ClaimKind.PARTLY_GENERATED,
        ),  # a generator as the agent of an edit
        (make_manifest(actions=("c2pa.created",)), ClaimKind.SIGNED_MANIFEST),  # … of the making
        (
            make_manifest(TRAINED, actions=("c2pa.opened", "c2pa.edited")),
            ClaimKind.SIGNED_MANIFEST,
        ),  # an AI picture that was opened and edited is still one
        (cases.WATERMARK, ClaimKind.WATERMARK),
        (cases.COMFYUI, ClaimKind.GENERATOR_MARK),
        (cases.GOOGLE_EDIT, ClaimKind.PARTLY_GENERATED),  # "Edited with Google AI"
        (cases.IPTC_AI, ClaimKind.SOURCE_TYPE),
        (cases.IPTC_EDIT, ClaimKind.PARTLY_GENERATED),
        (cases.SIGNED_CAMERA, ClaimKind.SIGNED_CAPTURE),
        (make_manifest("digitalCapture", signed=False, says=Says.CAMERA), ClaimKind.CAPTURE),
        (cases.EXIF, ClaimKind.CAPTURE),
        (cases.WEAK_EXIF, None),  # a name without exposure data
        (cases.REMOTE, None),
        (cases.LAUNDERED, None),
    ],
)
def test_each_finding_makes_one_kind_of_claim(finding: Finding, kind: ClaimKind | None) -> None:
    assert [claim.kind for claim in read_claims([finding])] == ([] if kind is None else [kind])


def test_claims_come_strongest_first_and_each_once() -> None:
    findings = [cases.EXIF, cases.COMFYUI, cases.COMFYUI, cases.SIGNED_AI]
    kinds = [claim.kind for claim in read_claims(findings)]
    assert kinds == [ClaimKind.SIGNED_MANIFEST, ClaimKind.GENERATOR_MARK, ClaimKind.CAPTURE]


def test_the_order_of_kinds_is_that_of_their_floors() -> None:
    floors = [FLOORS[kind] for kind in ClaimKind if kind in FLOORS]
    assert floors == sorted(floors, reverse=True)
    assert set(ClaimKind) - set(FLOORS) == {ClaimKind.CAPTURE, ClaimKind.SIGNED_CAPTURE}


def test_a_mark_of_editing_in_a_real_file_is_read_as_such() -> None:
    import io

    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    from groundsight.vision.images import decode_picture

    def kinds(credit: str) -> list[ClaimKind]:
        info, buffer = PngInfo(), io.BytesIO()
        info.add_text("Credit", credit)
        Image.new("RGB", (8, 8)).save(buffer, "PNG", pnginfo=info)
        findings = read_metadata(decode_picture(buffer.getvalue()))
        return [claim.kind for claim in read_claims(findings)]

    assert kinds("Edited with Google AI") == [ClaimKind.PARTLY_GENERATED]
    assert kinds("Made with Google AI") == [ClaimKind.GENERATOR_MARK]
    assert kinds("A. Photographer") == []
