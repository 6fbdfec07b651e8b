"""Experts on disk: the published file, or a folder of ours.

FOLDER/expert.json          schema, name, settings, temperature, backbone, card
FOLDER/model.safetensors    the state, names and shapes as in the published file
FOLDER/README.md            the card for people
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from groundsight.core.errors import MissingExtraError, UsageError
from groundsight.core.json_values import JsonObject, to_json_value
from groundsight.core.types import Value
from groundsight.data.run_folder import write_whole
from groundsight.experts.base import Expert
from groundsight.experts.places import FOLDER_FILE, find_weights, usual_place

WEIGHTS_FILE = "model.safetensors"
CARD_FILE = "README.md"
MOST_BYTES = 1 << 20
"Of an `expert.json`."


class ExpertFile(Value):
    """What `expert.json` holds."""

    schema_name: Literal["groundsight.expert/1"] = Field("groundsight.expert/1", alias="schema")
    name: str
    "Row of `EXPERTS`, or import path of an expert from outside."
    settings: JsonObject = Field(default_factory=dict)
    temperature: float = Field(default=1.0, gt=0.0)
    "The logit is divided by it before the sigmoid."
    backbone: str | None = None
    "Hub name or folder of the frozen tower."
    card: JsonObject = Field(default_factory=dict)
    "What was trained on what, and what it measured."


def build(
    kind: type[Expert], settings: Mapping[str, Any], *, backbone: str | Path | None, device: str
) -> Expert:
    """An expert with fresh weights on a device.

    Raises:
        MissingExtraError: torch is not installed.
        UsageError: a setting that does not fit, no such device or backbone.
    """
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(f"the expert {kind.card.name}", "local") from error
    from groundsight.models.families import pick_device

    try:
        chosen = kind.Settings.model_validate(dict(settings))
    except ValidationError as error:
        raise UsageError(f"settings of {kind.card.name}: {_first_fault(error)}") from None
    expert = kind(chosen, backbone=backbone)
    expert.network.to(pick_device(device))
    return expert


def load(
    name_or_folder: str | Path,
    *,
    weights: Path | None,
    backbone: str | Path | None,
    device: str,
    settings: Mapping[str, Any],
) -> Expert:
    """See `groundsight.experts.load_expert`."""
    if is_folder(name_or_folder):
        return _load_folder(Path(name_or_folder), weights, backbone, device, settings)
    from groundsight.experts import EXPERTS

    kind = EXPERTS[str(name_or_folder)]
    # Without a published file everything lies in the backbone.
    file = _official_file(kind, weights) if kind.card.official_file else weights
    expert = build(kind, settings, backbone=backbone, device=device)
    if file is not None:
        _fill(expert, file)
    return expert


def is_folder(name_or_folder: str | Path) -> bool:
    """Whether a folder of ours is meant, not a name.

    Raises:
        UsageError: a path that holds no expert.
    """
    path = Path(name_or_folder)
    if (path / FOLDER_FILE).is_file():
        return True
    if isinstance(name_or_folder, Path) or path.is_absolute() or os.sep in str(name_or_folder):
        raise UsageError(
            f"{path} is no folder of an expert: it has no {FOLDER_FILE} (groundsight experts train "
            "writes one; published weights go with --weights)"
        )
    return False


def read_expert_file(folder: Path) -> ExpertFile:
    """What a folder of ours says of its expert; loads no torch.

    Raises:
        UsageError: not readable, or not of the schema.
    """
    path = folder / FOLDER_FILE
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UsageError(f"{path} is over {MOST_BYTES} bytes: not an expert's")
        return ExpertFile.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from None
    except ValidationError as error:
        raise UsageError(f"{path}: {_first_fault(error)}") from None


def save(expert: Expert, folder: Path, card_fields: Mapping[str, Any]) -> Path:
    """See `groundsight.experts.save_expert`. A reader never sees half a file."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    state = expert.official_module().state_dict()
    weights = folder / f".{WEIGHTS_FILE}"
    save_file({name: value.cpu().contiguous() for name, value in state.items()}, weights)
    os.replace(weights, folder / WEIGHTS_FILE)
    told = ExpertFile(
        schema="groundsight.expert/1",
        name=_table_name(expert),
        settings=expert.settings.model_dump(mode="json"),
        temperature=expert.temperature,
        backbone=expert.backbone,
        card=dict(card_fields),
    )
    write_whole(folder / CARD_FILE, _card_text(expert, told))
    write_whole(folder / FOLDER_FILE, told.model_dump_json(by_alias=True, indent=2) + "\n")
    return folder


def _load_folder(
    folder: Path,
    weights: Path | None,
    backbone: str | Path | None,
    device: str,
    settings: Mapping[str, Any],
) -> Expert:
    from groundsight.experts import EXPERTS

    told = read_expert_file(folder)
    expert = build(
        EXPERTS[told.name],
        {**told.settings, **settings},
        backbone=backbone or told.backbone,
        device=device,
    )
    _fill(expert, weights or folder / WEIGHTS_FILE)
    expert.temperature = told.temperature
    return expert


def _fill(expert: Expert, file: Path) -> None:
    from groundsight.experts.weights import fill, read_state

    fill(expert.official_module(), expert.drop_unused(read_state(file)), file)
    expert.network.eval()


def _official_file(kind: type[Expert], weights: Path | None) -> Path:
    file = weights or find_weights(kind.card)
    if file is None:
        card = kind.card
        raise UsageError(
            f"no weights of {card.name} on this machine: get {card.official_file} from "
            f"{card.official_from} ({card.official_code}) and put it at {usual_place(card)}, or "
            "name it with --weights where a command has that"
        )
    return file


def _table_name(expert: Expert) -> str:
    from groundsight.experts import EXPERTS

    kind = type(expert)
    return kind.card.name if kind.card.name in EXPERTS else f"{kind.__module__}:{kind.__qualname__}"


def _card_text(expert: Expert, told: ExpertFile) -> str:
    card = expert.card
    rows = {
        "method": card.paper,
        "official code": card.official_code,
        "sees": card.sees,
        "input": card.input,
        **{f"setting `{name}`": value for name, value in told.settings.items()},
        "temperature": told.temperature,
        "backbone": told.backbone,
        **told.card,
    }
    lines = [f"# {card.title}", "", "| what | value |", "|---|---|"]
    lines += [f"| {_cell(name)} | {_cell(value)} |" for name, value in rows.items()]
    lines += ["", "Load it with `groundsight.experts.load_expert`; `expert.json` has the same.", ""]
    return "\n".join(lines)


def _cell(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(to_json_value(value), ensure_ascii=False)
    return " ".join(text.split()).replace("|", "\\|")


def _first_fault(error: ValidationError) -> str:
    fault = error.errors()[0]
    where = ".".join(str(part) for part in fault["loc"]) or "it"
    return f"{where}: {fault['msg']} (got {str(fault['input'])[:60]!r})"
