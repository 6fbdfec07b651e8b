"""Running `groundsight` as a user does: a process of its own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from groundsight.core.report import Report
from groundsight.detect.ledger import LEDGER

ROOT = Path(__file__).parents[2]
TOY = "tests.detect.toy_engine:make_toy"
PROGRAM = [sys.executable, "-c", "from groundsight.cli.app import main; main()"]
ENVIRONMENT = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}


def groundsight(
    *arguments: str | Path, before: Callable[[], None] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *map(str, arguments)],
        capture_output=True,
        encoding="utf-8",
        env=ENVIRONMENT,
        timeout=60,
        check=False,
        preexec_fn=before,
    )


def detect(
    *arguments: str | Path, engine: str = TOY, before: Callable[[], None] | None = None
) -> subprocess.CompletedProcess[str]:
    return groundsight("detect", "--engine", engine, *arguments, before=before)


def lines_of(folder: Path) -> list[Report]:
    text = (folder / LEDGER).read_text(encoding="utf-8")
    return [Report.model_validate_json(line) for line in text.splitlines()]


def assert_one_line(text: str, *words: str) -> None:
    assert "Traceback" not in text
    assert text.count("\n") == 1, text
    for word in words:
        assert word in text
