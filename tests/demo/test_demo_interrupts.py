"""Ctrl-C at every stage of a demo: it says that it stops, goes on, and ends at the same figures."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from groundsight.demo.finish import METRICS_FILE
from groundsight.demo.outline import STAGES

pytest.importorskip("skimage", reason="the sample photographs ship inside scikit-image")
pytestmark = [
    pytest.mark.slow,  # about three minutes: eleven starts of torch
    pytest.mark.skipif(os.name != "posix", reason="sends SIGINT to a process group"),
]


def start(base: Path, out: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "groundsight", "demo", "--size", "tenth"]
    return subprocess.Popen(
        [*command, "--base", str(base), "--out", str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        start_new_session=True,
        # A parent in the background may have handed down that SIGINT is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def stop_in(stage_number: int, process: "subprocess.Popen[str]") -> tuple[str, str]:
    """Send Ctrl-C to all its processes when it tells that the stage begins."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(f"[{stage_number}/"):
            break
    os.killpg(process.pid, signal.SIGINT)
    return process.communicate(timeout=120)


def figures(out: Path) -> Any:
    import json

    return json.loads((out / METRICS_FILE).read_text(encoding="utf-8"))["stages"]


def test_a_demo_that_is_stopped_at_every_stage_ends_at_the_same_figures(tmp_path: Path) -> None:
    from groundsight.models.nano import save_nano
    from groundsight.models.nano_size import TOY

    base = save_nano(tmp_path / "toy", "qwen3_vl", size=TOY)
    for number in range(1, len(STAGES) + 1):
        process = start(base, tmp_path / "cut")
        told, faults = stop_in(number, process)
        assert process.returncode == 130, (number, told, faults)
        assert "the same command goes on" in told and "Traceback" not in faults
    for out in ("cut", "whole"):
        process = start(base, tmp_path / out)
        told, faults = process.communicate(timeout=600)
        assert process.returncode == 0, (told, faults)
    assert figures(tmp_path / "cut") == figures(tmp_path / "whole")
