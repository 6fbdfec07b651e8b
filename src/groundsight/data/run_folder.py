"""Folders that a run writes and a later run goes on with: one run at a time, the same settings."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from groundsight import __version__
from groundsight.core.errors import UsageError

SETTINGS_FILE = "settings.json"
LOCK_FILE = ".lock"


class _HasHandle(Protocol):
    def fileno(self) -> int: ...


def lock(file: _HasHandle, folder: Path) -> None:
    """Keep other runs out of a folder while the file is open, where the system can.

    Raises:
        UsageError: another run is there.
    """
    try:
        import fcntl
    except ModuleNotFoundError:  # Windows
        return
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UsageError(f"another run is writing to {folder}") from None
    except OSError:  # a disk without locks
        return


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Make a folder and keep other runs out of it.

    Raises:
        UsageError: another run is there, or the folder cannot be made.
    """
    with told(folder):
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / LOCK_FILE).open("ab")
    with file:
        lock(file, folder)
        yield


@contextmanager
def told(place: Path) -> Iterator[None]:
    """Faults of the disk as the user's to mend."""
    try:
        yield
    except (FileExistsError, NotADirectoryError):
        raise UsageError(f"cannot use {place}: a file is there, where a folder is wanted") from None
    except OSError as error:
        raise UsageError(f"cannot use {place}: {error.strerror or error}") from error


def check_settings(folder: Path, settings: dict[str, Any], *, holds: bool) -> None:
    """Write the settings of a run, which must be those that its folder was begun with.

    Args:
        folder: of the run.
        settings: JSON values.
        holds: whether there is anything of an earlier run.

    Raises:
        UsageError: the earlier run had other ones.
    """
    path = folder / SETTINGS_FILE
    wanted = {"version": __version__} | json.loads(json.dumps(settings))
    if holds:
        held = _held_settings(path)
        other = sorted(key for key in {*held, *wanted} if held.get(key) != wanted.get(key))
        if other:
            raise UsageError(
                f"{folder} was begun with another {', '.join(other)} (see its {SETTINGS_FILE}): "
                "give the same again, or name another --out"
            )
    write_whole(path, json.dumps(wanted, indent=2) + "\n")


def write_whole(path: Path, text: str) -> None:
    """Write a file in one step, so that a killed run leaves the old one or the new one."""
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)


def _held_settings(path: Path) -> dict[str, Any]:
    try:
        tree = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return tree if isinstance(tree, dict) else {}
