"""Recorded completions: what rejection sampling writes and rehearsal reads, as JSON Lines.

    {"sample": {"id": "a", "task": "forgery_reasoning", …}, "completions": ["<think>…", "…"]}

One line a question, or one line a completion with `completion`; lines of the same sample id make
one group.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from groundsight.core.errors import UsageError
from groundsight.core.types import Sample, Value
from groundsight.rewards.batches import completion_text


class RecordedGroup(Value):
    """One question and what a model answered to it."""

    sample: Sample
    completions: tuple[str, ...]
    "In the order recorded."


def read_groups(path: Path) -> list[RecordedGroup]:
    """Read a file of recorded completions, groups in the order in which they begin.

    Raises:
        UsageError: no such file, nothing in it, or a line that does not fit, with its number.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {path}: {error}") from error
    samples: dict[str, Sample] = {}
    completions: dict[str, list[str]] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        sample, said = _read_line(line, f"{path} line {number}")
        if samples.setdefault(sample.id, sample) != sample:
            raise UsageError(
                f"{path} line {number}: sample {sample.id!r} stands above with other contents; "
                "ids must name one sample"
            )
        completions.setdefault(sample.id, []).extend(said)
    if not samples:
        raise UsageError(f"{path} holds no completions: a line is {{sample, completions}}")
    return [
        RecordedGroup(sample=sample, completions=tuple(completions[name]))
        for name, sample in samples.items()
    ]


def write_groups(path: Path, groups: Iterable[RecordedGroup]) -> None:
    """Write groups, one a line."""
    text = "".join(group.model_dump_json(exclude_defaults=True) + "\n" for group in groups)
    path.write_text(text, encoding="utf-8")


def _read_line(line: str, where: str) -> tuple[Sample, list[str]]:
    try:
        tree: Any = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{where} is no JSON: {error}") from error
    said = tree.get("completions", [tree.get("completion")]) if isinstance(tree, dict) else None
    if not isinstance(said, list) or "sample" not in tree:
        raise UsageError(f"{where}: expected an object with sample and completions")
    try:
        sample = Sample.model_validate(tree["sample"])
        return sample, [completion_text(completion) for completion in said]
    except ValidationError as error:
        first = error.errors()[0]
        at = ".".join(map(str, first["loc"])) or "top level"
        raise UsageError(f"{where}: sample, {at}: {first['msg']}") from error
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from error
