"""Write the JSON Schema of the report from the code: python scripts/export_schema.py.

A test compares `docs/schema/report.schema.json` with what this makes.
"""

import json
from pathlib import Path

from groundsight.core.report import Report

TARGET = Path(__file__).parents[1] / "docs" / "schema" / "report.schema.json"


def make_schema() -> str:
    """The schema of a report as it is written to disk, as indented JSON."""
    schema = Report.model_json_schema(by_alias=True, mode="serialization")
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:groundsight:report:1",
    }
    return json.dumps(head | schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(make_schema(), encoding="utf-8")
    print(TARGET)
