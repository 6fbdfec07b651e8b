"""On a terminal: a bar on standard error, rows above it, and pipes that stay clean."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from tests.cli.command_line import ENVIRONMENT, PROGRAM, TOY
from tests.detect.ugly_pictures import make_picture

from groundsight.core.report import Report

pty = pytest.importorskip("pty", reason="pseudo-terminals are a thing of Unix")
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


def run_on_terminal(folder: Path, *arguments: str, pipe_stdout: bool) -> tuple[str, str]:
    """What lands in the pipe (if any) and on the terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*PROGRAM, "detect", str(folder), "--engine", f"{TOY}:slow=0.01", *arguments],
        stdout=subprocess.PIPE if pipe_stdout else theirs,
        stderr=theirs,
        stdin=subprocess.DEVNULL,
        env=ENVIRONMENT | {"TERM": "xterm-256color", "COLUMNS": "60"},
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            block = os.read(ours, 65536)
        except OSError:  # Linux says so when the other end is closed
            break
        if not block:
            break
        shown += block
    piped = process.stdout.read().decode() if process.stdout else ""
    assert process.wait(timeout=30) == 0
    os.close(ours)
    return piped, shown.decode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for k in range(6):
        make_picture(tmp_path / ("a-long-name-" * 6) / f"{k}.png", size=(8, 8))
    return tmp_path


def test_rows_land_whole_above_the_bar(folder: Path) -> None:
    _, shown = run_on_terminal(folder, "--workers", "1", pipe_stdout=False)
    assert "6/6" in shown
    assert "\x1b[1;32mREAL" in shown
    rows = ESCAPE.sub("", shown).replace("\r", "\n").splitlines()
    for k in range(6):
        (row,) = [row for row in rows if row.endswith(f"/{k}.png")]
        assert row.startswith("REAL")  # not broken at the 60 columns of the terminal


def test_a_pipe_stays_clean_while_the_bar_runs(folder: Path) -> None:
    piped, shown = run_on_terminal(folder, "--workers", "1", "--format", "jsonl", pipe_stdout=True)
    assert len([Report.model_validate_json(line) for line in piped.splitlines()]) == 6
    assert "6/6" in shown
    assert "schema" not in shown


def test_no_bar_and_no_colour_where_there_is_no_terminal(folder: Path) -> None:
    done = subprocess.run(
        [*PROGRAM, "detect", str(folder), "--engine", TOY, "--workers", "1"],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        check=True,
    )
    assert "\x1b" not in done.stdout + done.stderr
