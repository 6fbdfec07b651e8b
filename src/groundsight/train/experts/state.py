"""What a killed run goes on from: one file, replaced as a whole, read without running code."""

import os
from pathlib import Path
from typing import Any

import torch

from groundsight.core.errors import UsageError

CHECKPOINT_FILE = "checkpoint.pt"
_SCHEMA = "groundsight.expert-training/1"


def save_checkpoint(folder: Path, state: dict[str, Any]) -> None:
    """Write tensors, numbers and lists; a kill in the middle leaves the former file."""
    fresh = folder / f".{CHECKPOINT_FILE}"
    with fresh.open("wb") as file:
        torch.save({"schema": _SCHEMA, **state}, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, folder / CHECKPOINT_FILE)


def read_checkpoint(folder: Path) -> dict[str, Any] | None:
    """The last state, on the CPU; None where none was written.

    Raises:
        UsageError: the file is damaged, or of another version.
    """
    path = folder / CHECKPOINT_FILE
    if not path.exists():
        return None
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # the unpickler of a damaged file raises anything
        raise UsageError(f"cannot go on from {path}: it is damaged; give another --out") from error
    if not isinstance(state, dict) or state.get("schema") != _SCHEMA:
        raise UsageError(f"cannot go on from {path}: it is of another version; give another --out")
    return state


def drop_checkpoint(folder: Path) -> None:
    """Remove the state of a run that is finished."""
    (folder / CHECKPOINT_FILE).unlink(missing_ok=True)
