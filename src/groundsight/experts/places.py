"""Where published weights are looked for on this machine; loads no torch.

$GROUNDSIGHT_EXPERTS/npr/NPR.pth        or, without the variable,
~/.cache/groundsight/experts/npr/NPR.pth
"""

import os
from collections.abc import Iterator
from pathlib import Path

from groundsight.experts.base import ExpertCard

VARIABLE = "GROUNDSIGHT_EXPERTS"
FOLDER_FILE = "expert.json"


def weights_root() -> Path:
    """The folder with one folder an expert."""
    if os.environ.get(VARIABLE):
        return Path(os.environ[VARIABLE]).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(cache) / "groundsight" / "experts"


def usual_place(card: ExpertCard) -> Path:
    """Where the published file of an expert belongs."""
    return weights_root() / card.name / Path(card.official_file).name


def find_weights(card: ExpertCard) -> Path | None:
    """The published file, or the same name ending in .safetensors; None where there is none."""
    if not card.official_file:
        return None
    usual = usual_place(card)
    return next((p for p in (usual, usual.with_suffix(".safetensors")) if p.is_file()), None)


def find_backbone(name: str) -> Path | None:
    """The folder of a hub model that was downloaded before; None where there is none."""
    if Path(name).is_dir():
        return Path(name)
    hub = os.environ.get("HF_HUB_CACHE") or os.path.join(
        os.environ.get("HF_HOME") or os.path.expanduser("~/.cache/huggingface"), "hub"
    )
    snapshots = Path(hub) / f"models--{name.replace('/', '--')}" / "snapshots"
    return next((p.parent for p in sorted(snapshots.glob("*/config.json"))), None)


def find_folders() -> Iterator[Path]:
    """Folders under the root that `save_expert` wrote."""
    yield from (path.parent for path in sorted(weights_root().glob(f"*/{FOLDER_FILE}")))
