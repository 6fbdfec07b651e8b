"""Detectors: each looks at a picture and says p_fake. Torch is loaded when one is built.

    expert_names()                              # no torch
    expert_card("npr").licence                  # no torch
    expert = load_expert("npr", weights=Path("NPR.pth"))     # the published file as it is
    expert = load_expert("runs/npr")                         # a folder that we wrote
    expert.score([Image.open("photo.jpg")])     # (1,) float32

One detector is one file here and one row below; one from outside is named by its import path
(`load_expert("my_package.mod:MyExpert")`). The builtin signal expert needs no torch to run: it is
in `groundsight.forensics.signal`, and `experts.signal` is how it is fitted.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundsight.core.table import Table
from groundsight.experts.base import Expert, ExpertCard, ExpertSettings

if TYPE_CHECKING:
    from groundsight.core.json_values import JsonObject

__all__ = [
    "EXPERTS",
    "Expert",
    "ExpertCard",
    "ExpertSettings",
    "build_expert",
    "expert_card",
    "expert_names",
    "load_expert",
    "save_expert",
]

_HERE = "groundsight.experts"
EXPERTS: Table[type[Expert]] = Table(
    "expert",
    {
        "univfd": f"{_HERE}.univfd:UnivFD",
        "npr": f"{_HERE}.npr:Npr",
        "cnnspot": f"{_HERE}.cnnspot:CnnSpot",
        "aide": f"{_HERE}.aide:Aide",
        "aeroblade": f"{_HERE}.aeroblade:Aeroblade",
        "fredect": f"{_HERE}.fredect:FreDect",
        "patchcraft": f"{_HERE}.patchcraft:PatchCraft",
    },
)


def expert_names() -> tuple[str, ...]:
    """Names of the table, in its order."""
    return tuple(EXPERTS)


def expert_card(name: str) -> ExpertCard:
    """What an expert is and where its weights come from; loads no torch.

    Raises:
        UnknownNameError: no such row.
    """
    return EXPERTS[name].card


def build_expert(
    name: str,
    *,
    settings: Mapping[str, Any] | None = None,
    backbone: str | Path | None = None,
    device: str = "auto",
) -> Expert:
    """An expert with fresh weights (those of a backbone apart), to be trained or filled.

    Args:
        name: row of `EXPERTS` or import path.
        settings: fields of its `Settings` that differ from the defaults.
        backbone: hub name or folder of the frozen tower, for experts that have one.
        device: torch's name of a device, or "auto".

    Raises:
        UsageError: unknown name, setting or device; a backbone that is not there.
    """
    from groundsight.experts.folder import build

    return build(EXPERTS[name], settings or {}, backbone=backbone, device=device)


def load_expert(
    name_or_folder: str | Path,
    *,
    weights: Path | None = None,
    backbone: str | Path | None = None,
    device: str = "auto",
    settings: Mapping[str, Any] | None = None,
) -> Expert:
    """An expert that is ready to score, in evaluation mode.

    Args:
        name_or_folder: row of `EXPERTS` or import path (the published weights are loaded), or a
            folder that `save_expert` wrote.
        weights: the published file; None looks where `groundsight experts list` looks.
        backbone: hub name or folder of the tower; None takes the published one, or the folder's.
        device: torch's name of a device, or "auto".
        settings: fields of its `Settings` to change.

    Raises:
        UsageError: unknown name, weights that are not there or do not fit.
    """
    from groundsight.experts.folder import load

    return load(
        name_or_folder, weights=weights, backbone=backbone, device=device, settings=settings or {}
    )


def save_expert(
    expert: Expert, folder: str | Path, card_fields: "Mapping[str, Any] | JsonObject | None" = None
) -> Path:
    """Write `expert.json`, `model.safetensors` and a card; `load_expert` reads them back.

    Args:
        expert: any of the table.
        folder: made where it is not there.
        card_fields: what the card tells beyond the settings: data, figures, seeds, …

    Returns:
        The folder.
    """
    from groundsight.experts.folder import save

    return save(expert, Path(folder), card_fields or {})
