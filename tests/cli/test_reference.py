"""What the docs say of the command line and of the report equals the code."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import jsonschema
import pytest
from tests.detect.toy_engine import ToyEngine
from tests.detect.ugly_pictures import make_ugly_folder

from groundsight.cli.app import app
from groundsight.detect.one import detect_picture

ROOT = Path(__file__).parents[2]


def load_script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("script", "function"), [("cli_reference", "make_reference"), ("export_schema", "make_schema")]
)
def test_a_written_page_equals_the_code(script: str, function: str) -> None:
    module = load_script(script)
    written = module.TARGET.read_text(encoding="utf-8")
    assert written == getattr(module, function)(), f"run: python scripts/{script}.py"


def test_the_reference_names_every_command_and_option() -> None:
    page = load_script("cli_reference").make_reference()
    for command in app.registered_commands:
        assert f"## groundsight {command.name}" in page
    for option in ("--engine TEXT", "--format table\\|json\\|jsonl", "--out DIR", "--resume`"):
        assert option in page


def test_every_report_fits_the_schema(tmp_path: Path) -> None:
    schema = json.loads((ROOT / "docs/schema/report.schema.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    for name in make_ugly_folder(tmp_path):
        line = detect_picture(tmp_path / name, ToyEngine()).to_json_line()
        validator.validate(json.loads(line))


@pytest.mark.parametrize(
    "broken",
    [
        {"verdict": "FAKE"},
        {"p_fake": 1.5},
        {"schema": "groundsight.report/2"},
        {"extra": 1},
        {"timing_s": -1},
    ],
)
def test_the_schema_refuses_what_is_no_report(tmp_path: Path, broken: dict[str, object]) -> None:
    schema = json.loads((ROOT / "docs/schema/report.schema.json").read_text(encoding="utf-8"))
    report = json.loads(detect_picture(tmp_path / "missing", ToyEngine()).to_json_line())
    jsonschema.validate(report, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(report | broken, schema)
