"""docs/tasks.md: its examples run, its fourth task works, its table names every problem code."""

import re
import sys
from pathlib import Path

import pytest

from groundsight.tasks import TASKS

ROOT = Path(__file__).parents[2]
DOC = (ROOT / "docs" / "tasks.md").read_text(encoding="utf-8")
BLOCK = re.compile(r'```python(?: title="(?P<title>[\w.]+)")?\n(?P<code>.*?)\n```', re.DOTALL)
BLOCKS = [(match["title"], match["code"]) for match in BLOCK.finditer(DOC)]
FILES = {title: code for title, code in BLOCKS if title}
# How the sources write a problem's code: Problem(code="x"), problem("x", codes.append("x"), …
CODE = re.compile(
    r'(?:code="|\bcode = "|(?:_?problem|_failed|append)\(\s*"|else ")([a-z]+_[a-z_]+|fractions)"'
)


def test_the_first_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(BLOCKS[0][1], "docs/tasks.md", "exec"), {})
    assert capsys.readouterr().out.startswith("AI-GENERATED (63.6")
    assert "- [64, 48, 322, 238]: six fingers" in BLOCKS[0][1]


def test_the_fourth_task_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, code in FILES.items():
        (tmp_path / name).write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "yes_no", raising=False)
    tests: dict[str, object] = {}
    exec(compile(FILES["test_yes_no.py"], "test_yes_no.py", "exec"), tests)
    ran = [check() for name, check in tests.items() if name.startswith("test_") and callable(check)]
    assert len(ran) == 2
    monkeypatch.delitem(sys.modules, "yes_no")


def test_every_task_has_a_row_in_the_table() -> None:
    table = DOC[: DOC.index("```python")]
    assert re.findall(r"^\| `(\w+)`", table, re.MULTILINE) == list(TASKS)


def test_every_problem_code_is_explained() -> None:
    explained = set(re.findall(r"`(\w+)`", DOC[DOC.index("### Problems") : DOC.index("## Add")]))
    written = set()
    for folder in ("replies", "tasks"):
        for path in (ROOT / "src" / "groundsight" / folder).glob("*.py"):
            written.update(CODE.findall(path.read_text(encoding="utf-8")))
    assert {"json_only_in_think", "json_missing", "no_box", "empty_box", "stray_tag"} <= written
    assert written <= explained
    every_section = {
        f"{name}_{fault}"
        for name in ("think", "answer", "tag", "verdict")
        for fault in ("not_closed", "repeated")
    }
    assert explained == written | every_section
