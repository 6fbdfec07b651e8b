"""A model that was trained for one task says so in its folder, and is asked that one.

    write_own_task(Path("demo/model"), "grounded_detection")
    with_own_task("hf:demo/model", EngineOptions()).task      # "grounded_detection"

A task that the user names goes before it.
"""

import json
from pathlib import Path

from groundsight.core.errors import UsageError
from groundsight.engines.options import EngineOptions
from groundsight.tasks import TASKS

NOTE_FILE = "groundsight.json"
"Beside a model's weights."
_MOST_BYTES = 1 << 16


def write_own_task(folder: Path, task: str) -> None:
    """Note what a model was trained for.

    Raises:
        UnknownNameError: no such task.
    """
    TASKS[task]
    (folder / NOTE_FILE).write_text(json.dumps({"task": task}) + "\n", encoding="utf-8")


def with_own_task(spec: str, options: EngineOptions) -> EngineOptions:
    """Options with the task of the model's own note, where the user names none.

    Args:
        spec: a `--engine` value.
        options: as given.

    Raises:
        UsageError: the note cannot be read, or names no task.
    """
    kind, _, folder = spec.partition(":")
    note = Path(folder.strip()) / NOTE_FILE
    if kind != "hf" or "task" in options.model_fields_set or not note.is_file():
        return options
    task = _read(note)
    if task not in TASKS:
        raise UsageError(f"{note} names task {task!r}, which there is not: give --task")
    return options.model_copy(update={"task": task})


def _read(note: Path) -> str:
    try:
        with note.open("rb") as file:
            tree = json.loads(file.read(_MOST_BYTES))
        return str(tree["task"])
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise UsageError(f"{note} cannot be read: give --task, or remove it") from error
