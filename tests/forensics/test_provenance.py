import datetime
import io
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from groundsight.forensics.finding import Says
from groundsight.forensics.provenance import may_hold_manifest, read_provenance
from groundsight.vision.images import Picture, decode_picture

pytest.importorskip("cryptography")
GPT_IMAGE = Path(__file__).parents[3] / "shared/images/metadata/gpt-image-1_0022.png"
TRAINED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
CAPTURE = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"
CREATION = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCreation"


@cache
def credentials() -> tuple[bytes, bytes, str]:
    """(certificate chain, private key, root): a signer that no trust list knows."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    def name(common: str) -> x509.Name:
        organisation = x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Test Camera Works")
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common), organisation])

    def usage(*, sign: bool, certify: bool) -> x509.KeyUsage:
        return x509.KeyUsage(sign, False, False, False, False, certify, certify, False, False)

    def certificate(subject: str, public: Any, issuer: Any, *, ca: bool, number: int) -> Any:
        builder = (
            x509.CertificateBuilder()
            .subject_name(name(subject))
            .issuer_name(name("Test Root"))
            .public_key(public)
            .serial_number(number)
            .not_valid_before(datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC))
            .not_valid_after(datetime.datetime(2074, 1, 1, tzinfo=datetime.UTC))
            .add_extension(x509.BasicConstraints(ca, None), True)
            .add_extension(usage(sign=not ca, certify=ca), True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key()), False
            )
        )
        if not ca:
            mail = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
            builder = builder.add_extension(mail, False)
        return builder.sign(issuer, hashes.SHA256())

    root_key, leaf_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root = certificate("Test Root", root_key.public_key(), root_key, ca=True, number=1)
    leaf = certificate("Test Signer", leaf_key.public_key(), root_key, ca=False, number=2)
    pem = serialization.Encoding.PEM
    plain, pkcs8 = serialization.NoEncryption(), serialization.PrivateFormat.PKCS8
    chain = leaf.public_bytes(pem) + root.public_bytes(pem)
    return chain, leaf_key.private_bytes(pem, pkcs8, plain), root.public_bytes(pem).decode()


def encoded(fmt: str) -> bytes:
    ramp = np.arange(64 * 64 * 3, dtype=np.uint32).reshape(64, 64, 3) // 48
    file = io.BytesIO()
    Image.fromarray(ramp.astype(np.uint8)).save(file, fmt)
    return file.getvalue()


@cache
def signed_file(fmt: str = "png", source_type: str = TRAINED, agent: str = "Model 9") -> bytes:
    """A picture that carries a manifest with one action, really signed."""
    import c2pa

    action = {
        "action": "c2pa.created",
        "softwareAgent": agent,
        "digitalSourceType": source_type,
    }
    manifest = {
        "claim_generator_info": [{"name": "groundsight tests", "version": "1"}],
        "assertions": [{"label": "c2pa.actions", "data": {"actions": [action]}}],
    }
    chain, key, _ = credentials()
    out = io.BytesIO()
    with c2pa.Signer.from_info(c2pa.C2paSignerInfo(b"es256", chain, key, None)) as signer:
        builder = c2pa.Builder.from_json(json.dumps(manifest))
        builder.sign(signer, f"image/{fmt}", io.BytesIO(encoded(fmt)), out)
    return out.getvalue()


def as_picture(data: bytes, fmt: str = "png") -> Picture:
    return Picture(path="p", data=data, rgb=np.zeros((1, 1, 3), np.uint8), format=fmt)


@pytest.mark.parametrize("fmt", ["png", "jpeg", "webp", "gif", "tiff"])
def test_a_signed_claim_of_generation_is_read_in_every_container(fmt: str) -> None:
    picture = decode_picture(signed_file(fmt))
    assert picture.format == fmt
    (finding,) = read_provenance(picture)
    assert finding.says is Says.GENERATED
    assert finding.signed
    detail = finding.evidence.detail
    assert detail["validation_state"] == "Valid"
    assert detail["digital_source_types"] == ["trainedAlgorithmicMedia"]
    assert detail["issuer"] == "Test Camera Works"
    assert detail["claim_generator"] == "groundsight tests"
    assert detail["actions"] == ["c2pa.created"]
    assert detail["software_agents"] == ["Model 9"]
    assert not detail["trusted"]
    assert "nobody here vouches for the signer" in finding.evidence.finding
    json.dumps(detail, allow_nan=False)


def test_a_signer_on_the_trust_list_given_is_trusted() -> None:
    _, _, root = credentials()
    (finding,) = read_provenance(as_picture(signed_file()), trust_anchors=root)
    assert finding.signed
    assert finding.evidence.detail["trusted"]
    assert finding.evidence.detail["validation_state"] == "Trusted"


def test_a_changed_pixel_byte_makes_the_claim_unsigned() -> None:
    data = bytearray(signed_file())
    data[data.rindex(b"IDAT") + 20] ^= 1
    (finding,) = read_provenance(as_picture(bytes(data)))
    assert not finding.signed
    assert finding.says is Says.GENERATED
    assert finding.evidence.detail["content_matches"] is False
    assert finding.evidence.detail["signature_matches"] is True
    assert "changed after signing" in finding.evidence.finding


def test_a_capture_claim_points_to_a_camera_only_while_its_signature_holds() -> None:
    data = signed_file(source_type=CAPTURE)
    (whole,) = read_provenance(as_picture(data))
    assert (whole.says, whole.signed) == (Says.CAMERA, True)
    broken = bytearray(data)
    broken[broken.rindex(b"IDAT") + 20] ^= 1
    (finding,) = read_provenance(as_picture(bytes(broken)))
    assert (finding.says, finding.signed) == (Says.NOTHING, False)


@pytest.mark.parametrize(
    ("source_type", "agent", "says"),
    [
        (TRAINED.replace("trained", "compositeWithTrained"), "x", Says.GENERATED),
        (TRAINED.replace("trainedA", "a"), "x", Says.NOTHING),  # an algorithm that learnt nothing
        (CREATION, "Adobe Firefly", Says.GENERATED),
        (CREATION, "Darkroom 3", Says.NOTHING),
    ],
)
def test_other_claims(source_type: str, agent: str, says: Says) -> None:
    (finding,) = read_provenance(as_picture(signed_file("jpeg", source_type, agent), "jpeg"))
    assert finding.says is says
    assert finding.signed


def test_a_file_without_manifest_gives_nothing_and_loads_no_library() -> None:
    data = encoded("jpeg")
    assert not may_hold_manifest(data)
    assert read_provenance(as_picture(data, "jpeg")) == []
    assert read_provenance(as_picture(signed_file(), "bmp")) == []  # C2PA knows no BMP


def test_words_that_look_like_a_manifest_are_none() -> None:
    assert read_provenance(as_picture(encoded("png") + b"jumd c2pa")) == []


def test_a_remote_manifest_is_named_and_not_fetched() -> None:
    xmp = b'<x dcterms:provenance="https://example.com/m.c2pa"/>'
    (finding,) = read_provenance(as_picture(encoded("png") + xmp))
    assert finding.says is Says.NOTHING
    assert finding.evidence.detail == {"remote_manifest": "https://example.com/m.c2pa"}


def mutations() -> list[Callable[[bytes, int, int], bytes]]:
    return [
        lambda data, at, value: data[: at % len(data)],
        lambda data, at, value: (
            data[: at % len(data)] + bytes([value]) + data[at % len(data) + 1 :]
        ),
        lambda data, at, value: data[: at % len(data)] + data[at % len(data) + value :],
    ]


@settings(max_examples=150, deadline=None)
@given(
    mutation=st.sampled_from(mutations()),
    places=st.lists(
        st.tuples(st.integers(0, 1 << 20), st.integers(0, 255)), min_size=1, max_size=4
    ),
)
def test_damage_never_raises_and_never_changes_what_passes_for_signed(
    mutation: Callable[[bytes, int, int], bytes], places: list[tuple[int, int]]
) -> None:
    data = original = signed_file("webp")
    for at, value in places:
        data = mutation(data, at, value) or b"\0"
    (whole,) = read_provenance(as_picture(original, "webp"))
    for finding in read_provenance(as_picture(data, "webp")):
        if finding.signed:
            # A manifest holds padding that no hash covers; all else must be as it was signed.
            assert finding == whole
            assert len(data) == len(original)
            assert outside_manifest(data) == outside_manifest(original)


def outside_manifest(webp: bytes) -> tuple[bytes, bytes]:
    at = webp.index(b"C2PA")
    end = at + 8 + int.from_bytes(webp[at + 4 : at + 8], "little")
    return webp[:at], webp[end:]


@given(data=st.binary(max_size=200))
def test_random_bytes_with_the_right_words(data: bytes) -> None:
    for fmt in ("png", "jpeg", "webp", "gif", "tiff", "avif"):
        read_provenance(as_picture(b"jumdc2pa" + data, fmt))


@pytest.mark.skipif(not GPT_IMAGE.exists(), reason="needs shared/images")
def test_a_real_picture_of_gpt_image_1() -> None:
    data = GPT_IMAGE.read_bytes()
    (finding,) = read_provenance(as_picture(data))
    detail = finding.evidence.detail
    assert finding.says is Says.GENERATED
    assert detail["issuer"] == "OpenAI"
    assert detail["claim_generator"] == "ChatGPT"
    assert detail["software_agents"] == ["GPT-4o", "OpenAI API"]
    assert detail["digital_source_types"] == ["trainedAlgorithmicMedia"]
    assert detail["signature_matches"]
    assert detail["content_matches"]
    # Its certificate has run out and no time stamp vouches for the time of signing.
    assert not finding.signed
    assert "signingCredential.expired" in detail["failures"]


@pytest.mark.skipif(not GPT_IMAGE.exists(), reason="needs shared/images")
def test_the_real_picture_tampered_with() -> None:
    data = bytearray(GPT_IMAGE.read_bytes())
    data[-3000] ^= 1
    (finding,) = read_provenance(as_picture(bytes(data)))
    assert finding.evidence.detail["content_matches"] is False
    assert "changed after signing" in finding.evidence.finding
