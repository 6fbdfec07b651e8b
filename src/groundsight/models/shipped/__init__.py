"""Models that ship inside the package.

    folder = shipped_base()        # a normal model folder, or None in a checkout without it

`nano_base`: see its README.md; made by `scripts/pretrain_nano.py`.
"""

from importlib.resources import files
from pathlib import Path

NANO_BASE = "nano_base"
FAMILY = "qwen3_vl"
"Of the nano base."


def shipped_base() -> Path | None:
    """Folder of the pretrained nano base; None where it is not there."""
    folder = Path(str(files("groundsight.models.shipped"))) / NANO_BASE
    return folder if (folder / "config.json").is_file() else None
