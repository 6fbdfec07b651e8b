"""The case bundle: a run as evidence that can be kept, handed on and checked with `verify`.

A folder or a ZIP file of

| name | holds |
|---|---|
| `manifest.json` | who answered, how, with what versions; the SHA-256 of every other file |
| `reports/NAME.json` | the parsed report of one picture |
| `raw/NAME.txt` | the model's own words, where one wrote |
| `overlays/NAME.png` | the picture with its regions |
| `pictures/NAME` | the picture's own bytes, where asked for |
| `prompt.json` | the messages that a model was sent, without the picture |

Times and token counts differ from run to run and are left out, so that the same pictures, engine
and settings give the same bundle, byte for byte.
"""

import json
from hashlib import sha256
from typing import Literal

from pydantic import Field

from groundsight.core.json_values import JsonObject, Text
from groundsight.core.report import EngineInfo, Report
from groundsight.core.types import Document, Value
from groundsight.engines import EngineOptions
from groundsight.engines.questions import prompt_json
from groundsight.replies.dialect import Dialect
from groundsight.tasks import TASKS

SCHEMA: Literal["groundsight.bundle/1"] = "groundsight.bundle/1"
MANIFEST = "manifest.json"
PROMPT = "prompt.json"
# Where a setting is said of this machine, of what is paid, or of where else to write.
UNKEPT_OPTIONS = frozenset({"record", "device", "price_in", "price_out"})


class BundledFile(Value):
    """One file of the bundle."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    num_bytes: int = Field(ge=0)


class Case(Value):
    """One picture of the bundle: names of its files."""

    path: Text
    "As the picture was named when it was examined."
    sha256: str | None
    "Of the picture; None when it could not be read."
    report: str
    raw: str | None = None
    overlay: str | None = None
    picture: str | None = None


class Manifest(Document):
    """What a bundle says of itself."""

    schema_: Literal["groundsight.bundle/1"] = Field(default=SCHEMA, alias="schema")
    groundsight: str
    "Version that wrote it."
    python: str
    packages: dict[str, str]
    "Versions that bear on the answers."
    engine: str
    "The `--engine` value."
    options: JsonObject = Field(default_factory=dict)
    "Engine options that were given, save those of the machine."
    engine_info: EngineInfo | None
    "Who answered; `weights_sha256` covers model and adapter. None in a bundle of no picture."
    settings_sha256: str | None
    "Of the engine's settings as JSON with sorted keys."
    prompt_sha256: str | None = None
    "Of the messages that the model was sent, without the picture; None without a model."
    cases: tuple[Case, ...]
    files: dict[str, BundledFile]
    "Every file but this one."


def settled(report: Report) -> Report:
    """A report without what differs from run to run: times and token counts."""
    evidence = tuple(
        line.model_copy(
            update={"detail": {key: value for key, value in line.detail.items() if key != "usage"}}
        )
        if line.kind == "reasoner"
        else line
        for line in report.evidence
    )
    return report.model_copy(update={"timing_s": 0.0, "evidence": evidence})


def settings_sha256(info: EngineInfo) -> str:
    """Hash of an engine's settings."""
    return sha256(json.dumps(info.settings, sort_keys=True).encode()).hexdigest()


def prompt_sent(info: EngineInfo, options: EngineOptions) -> bytes | None:
    """The messages that an engine's model was sent, as JSON whose hash is the engine's own.

    Returns:
        None for an engine without a prompt, or one whose prompt cannot be made again.
    """
    wanted, frame = info.settings.get("prompt_sha256"), info.settings.get("frame")
    if not isinstance(wanted, str) or not isinstance(frame, str) or options.task not in TASKS:
        return None
    data = prompt_json(TASKS[options.task], Dialect(frame=frame), seed=options.seed)
    return data if sha256(data).hexdigest() == wanted else None
