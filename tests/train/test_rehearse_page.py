"""What docs/rehearse.md shows is what the command prints."""

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from groundsight.cli.app import app

ROOT = Path(__file__).parents[2]


def test_the_page_shows_the_real_output(monkeypatch: pytest.MonkeyPatch) -> None:
    page = (ROOT / "docs" / "rehearse.md").read_text(encoding="utf-8")
    found = re.search(r"```console\n\$ groundsight ([^\n]+)\n(.*?)```", page, re.DOTALL)
    assert found
    monkeypatch.chdir(ROOT)
    done = CliRunner().invoke(app, shlex.split(found[1]))
    assert done.exit_code == 0, done.output
    assert done.stdout == found[2]
