"""Provenance: what a C2PA manifest in the file says, and whether its signature holds.

A signature shows that the holder of a key said this of exactly these bytes. It does not show who
that was unless the certificate is on a trust list, and none is shipped: without one anybody can
sign as anybody. So a valid signature by an unknown signer is told as just that.

Nothing is ever fetched: remote manifests, revocation and identity services are switched off.
"""

import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from groundsight.core.report import Evidence
from groundsight.forensics.finding import Finding, Says
from groundsight.forensics.metadata.fields import Field
from groundsight.forensics.metadata.marks import match_mark
from groundsight.forensics.metadata.settings import excerpt
from groundsight.forensics.metadata.source_type import SOURCE_TYPES, source_type_name
from groundsight.vision.images import Picture

MIME_TYPES = {
    "jpeg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "gif": "image/gif",
    "tiff": "image/tiff",
    "avif": "image/avif",
}
MAX_LISTED = 20
MAX_MANIFESTS = 16
# No network: what is not in the file is not looked at.
_SETTINGS: dict[str, Any] = {
    "version": 1,
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_trust": True},
    "core": {
        "allowed_network_hosts": [],
        "decode_identity_assertions": False,
        "max_decompressed_manifest_size_in_mb": 16,
    },
}
_REMOTE = re.compile(rb"dcterms:provenance\s{0,4}=\s{0,4}[\"'](https?://[^\"'\s]{1,500})[\"']")
_REMOTE_SCAN_BYTES = 1 << 20


def read_provenance(picture: Picture, *, trust_anchors: str | None = None) -> list[Finding]:
    """The C2PA manifest of a picture as one evidence line.

    Args:
        picture: only its bytes and format are used.
        trust_anchors: root certificates to trust, PEM; None trusts nobody.

    Returns:
        One finding when the file holds a manifest, readable or not, or names a remote one; else
        none. `signed` is True only when the validation state is Valid or Trusted. A claim of
        generation points to GENERATED whether signed or not; a claim of capture points to CAMERA
        only when signed. Never raises.
    """
    mime = MIME_TYPES.get(picture.format)
    if mime is None:
        return []
    if not may_hold_manifest(picture.data):
        return _remote_manifest(picture.data)
    try:
        store = _read_store(picture.data, mime, trust_anchors)
    except Exception as error:  # the native library reports hostile bytes in many types
        text = "The file holds a C2PA manifest that cannot be read; it shows nothing either way."
        return [_finding(text, {"error": excerpt(str(error))}, Says.NOTHING, signed=False)]
    return [] if store is None else [_judge(store)]


def may_hold_manifest(data: bytes) -> bool:
    """Whether a manifest can be in a file: JUMBF description box and the store's label, in plain.

    Every container (PNG caBX, JPEG APP11, WebP C2PA, …) stores the head of the JUMBF superbox
    uncompressed, so a file without these eight bytes has no manifest that C2PA would find.
    """
    return b"jumd" in data and b"c2pa" in data


@dataclass(frozen=True)
class _Store:
    """The manifests of a file, active one first, then those it is built from."""

    manifests: list[dict[str, Any]]
    state: str
    success: list[str]
    failures: list[str]


def _read_store(data: bytes, mime: str, trust_anchors: str | None) -> _Store | None:
    import c2pa  # 30 ms and a native library; most files need neither

    settings = dict(_SETTINGS)
    if trust_anchors is not None:
        settings["trust"] = {"trust_anchors": trust_anchors}
    # A context is cheap, and a fresh one is safe after a fork.
    with c2pa.Context.from_dict(settings) as context:
        reader = c2pa.Reader.try_create(mime, io.BytesIO(data), context=context)
        if reader is None:
            return None
        with reader:
            tree = json.loads(reader.json())
    results = tree.get("validation_results", {}).get("activeManifest", {})
    return _Store(
        manifests=list(_lineage(tree)),
        state=str(tree.get("validation_state", "Invalid")),
        success=_codes(results.get("success", [])),
        # The status list also covers ingredients, which the active manifest's own does not.
        failures=_codes(tree.get("validation_status", []) + results.get("failure", [])),
    )


def _lineage(tree: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The active manifest and the manifests of what it was made from.

    Ingredients that were only inputs (a reference picture given to a model) are left out.
    """
    manifests = tree.get("manifests", {})
    waiting: list[Any] = [tree.get("active_manifest")]
    seen: set[str] = set()
    while waiting and len(seen) < MAX_MANIFESTS:
        label = waiting.pop(0)
        if label in seen or label not in manifests:
            continue
        seen.add(label)
        yield manifests[label]
        for ingredient in manifests[label].get("ingredients", []):
            if ingredient.get("relationship") in ("parentOf", "componentOf"):
                waiting.append(ingredient.get("active_manifest"))


def _codes(entries: list[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(excerpt(str(entry.get("code"))) for entry in entries))[:MAX_LISTED]


# ---- what it says -------------------------------------------------------------------------------


def _judge(store: _Store) -> Finding:
    signed = store.state in ("Valid", "Trusted")
    detail = _detail(store)
    claim, says = _claim(detail)
    if says is Says.CAMERA and not signed:
        says = Says.NOTHING
    who = detail["issuer"] or "an unnamed issuer"
    tool = detail["claim_generator"]
    source = f"{who} ({tool})" if tool and tool not in who else who
    text = f"A C2PA manifest by {source} says that the picture was {claim}{_standing(store)}."
    return _finding(text, detail, says, signed=signed)


def _detail(store: _Store) -> dict[str, Any]:
    active = store.manifests[0] if store.manifests else {}
    signature = active.get("signature_info") or {}
    actions = [action for manifest in store.manifests for action in _actions(manifest)]
    return {
        "validation_state": store.state,
        "trusted": store.state == "Trusted",
        "signature_matches": "claimSignature.validated" in store.success,
        "content_matches": _content_matches(store),
        "failures": store.failures,
        "issuer": _short(signature.get("issuer")),
        "signer": _short(signature.get("common_name")),
        "signed_at": _short(signature.get("time")),
        "claim_generator": _claim_generator(active),
        "actions": _unique(_short(action.get("action")) for action in actions),
        "software_agents": _unique(_agent(action.get("softwareAgent")) for action in actions),
        "digital_source_types": _unique(
            source_type_name(str(action.get("digitalSourceType", ""))) or "" for action in actions
        ),
        "num_manifests": len(store.manifests),
    }


def _content_matches(store: _Store) -> bool:
    """Whether the hard binding, a hash over the file's bytes, holds."""
    held = any(code.endswith("Hash.match") for code in store.success)
    return held and not any(code.endswith("Hash.mismatch") for code in store.failures)


def _actions(manifest: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for assertion in manifest.get("assertions", []):
        if str(assertion.get("label", "")).startswith("c2pa.actions"):
            data = assertion.get("data")
            listed = data.get("actions") if isinstance(data, dict) else None
            yield from (a for a in listed or [] if isinstance(a, dict))


def _claim(detail: dict[str, Any]) -> tuple[str, Says]:
    """What is claimed, in words that follow "the picture was", and which way that points."""
    types = [(name, SOURCE_TYPES[name]) for name in detail["digital_source_types"]]
    for says in (Says.GENERATED, Says.CAMERA):
        for name, kind in types:
            if kind.says is says:
                return f"{kind.means} ({name})", says
    for agent in [*detail["software_agents"], detail["claim_generator"]]:
        if match_mark(Field("xmp:softwareAgent", agent)):
            return f"handled by a program that generates pictures, {agent}", Says.GENERATED
    if types:
        return f"{types[0][1].means} ({types[0][0]})", Says.NOTHING
    actions = ", ".join(name.removeprefix("c2pa.") for name in detail["actions"][:5])
    return f"handled so: {actions}" if actions else "signed, and no more", Says.NOTHING


def _standing(store: _Store) -> str:
    """What the signature is worth, in words that end the sentence."""
    if store.state == "Trusted":
        return "; the signature holds and its signer is on the trust list given"
    if store.state == "Valid":
        return "; the signature holds for these bytes, but nobody here vouches for the signer"
    if any(code.endswith("Hash.mismatch") for code in store.failures):
        return ", but the picture was changed after signing, so the claim is no proof"
    if "claimSignature.validated" not in store.success:
        return ", but the signature does not hold, so the claim is no proof"
    if "signingCredential.expired" in store.failures:
        return (
            "; the signature fits these bytes, but its certificate has expired and no time of"
            " signing is vouched for, so the claim is no proof"
        )
    return f", but it fails validation ({', '.join(store.failures[:3])}), so the claim is no proof"


def _claim_generator(manifest: dict[str, Any]) -> str:
    infos = manifest.get("claim_generator_info")
    first = infos[0] if isinstance(infos, list) and infos else {}
    name = first.get("name") if isinstance(first, dict) else None
    return _short(name or manifest.get("claim_generator"))


def _agent(value: Any) -> str:
    return _short(value.get("name") if isinstance(value, dict) else value)


def _short(value: Any) -> str:
    return excerpt(str(value))[:100] if value else ""


def _unique(values: Iterator[str]) -> list[str]:
    return list(dict.fromkeys(value for value in values if value))[:MAX_LISTED]


def _remote_manifest(data: bytes) -> list[Finding]:
    head = data[:_REMOTE_SCAN_BYTES]
    found = _REMOTE.search(head) if b"dcterms:provenance" in head else None
    if not found:
        return []
    url = excerpt(found[1].decode("ascii", "replace"))
    text = f"The file names a C2PA manifest kept elsewhere ({url}); it was not fetched."
    return [_finding(text, {"remote_manifest": url}, Says.NOTHING, signed=False)]


def _finding(text: str, detail: dict[str, Any], says: Says, *, signed: bool) -> Finding:
    evidence = Evidence(kind="provenance", name="c2pa", finding=text, detail=detail)
    return Finding(evidence=evidence, says=says, signed=signed)
