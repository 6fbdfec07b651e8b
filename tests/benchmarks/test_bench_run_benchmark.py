"""The speed of `bench run` is measured by a script that runs, and what it runs is scored."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.bench_run import measure

ROOT = Path(__file__).parents[2]
PROMISED_S, PROMISED_NUM = 30.0, 10_000
MOST_GROWTH_MB = 60.0


def test_it_prints_one_json_line() -> None:
    command = [sys.executable, "benchmarks/bench_run.py", "--json", "--num", "40"]
    command += ["--suite", "mig_bench"]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    runs = json.loads(done.stdout)["runs"]
    assert [row["suite"] for row in runs] == ["mig_bench"]
    assert all(row["num"] == 40 and row["seconds"] > 0 and row["peak_mb"] > 10 for row in runs)
    # Of 40 replies 2 are no answer and 5 are of another sample.
    assert all(0.75 < row["headline"] < 0.95 for row in runs)


@pytest.mark.slow
def test_ten_thousand_replies_are_as_fast_and_as_small_as_promised() -> None:
    for suite in ("fakexplained", "mig_bench"):
        small, large = measure([suite], [2000, PROMISED_NUM], report=False)
        assert large.cpu_s < PROMISED_S  # by the clock on a machine that does nothing else
        assert large.peak_mb - small.peak_mb < MOST_GROWTH_MB
