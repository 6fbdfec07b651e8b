"""The example of scoring replies runs and shows what it says."""

import runpy
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "score_replies.py"


def test_it_runs(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(EXAMPLE), run_name="__main__")
    totals = [
        line.split("(")[0].split("total")[1].strip()
        for line in capsys.readouterr().out.splitlines()
    ]
    # right: 0.5·1 + 1 + 1; too large: 0.5·1.1·(9800/235200) + 2; wrong: 0 + 0 + 1;
    # cut off: 0.5·1 + 0 − 1.
    assert totals == ["+2.50", "+2.02", "+1.00", "-0.50"]
