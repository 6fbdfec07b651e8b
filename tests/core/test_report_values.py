import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from groundsight.core.json_values import MAX_DEPTH, mend_text, to_json_value
from groundsight.core.report import (
    SCHEMA,
    EngineInfo,
    Evidence,
    ImageInfo,
    Problem,
    Reasoning,
    Region,
    Report,
)
from groundsight.core.types import FinalVerdict, Verdict

HALF = "\ud83d"  # half a surrogate pair, as json.loads makes it from hostile metadata
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=()))
    | st.binary(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=12,
)


def make_report(**changes: Any) -> Report:
    fields: dict[str, Any] = {
        "image": ImageInfo(path="photo.jpg"),
        "verdict": Verdict.INCONCLUSIVE,
        "engine": EngineInfo(name="builtin", version="1"),
        "timing_s": 0.25,
    }
    return Report(**(fields | changes))


def make_region(**changes: Any) -> Region:
    fields: dict[str, Any] = {
        "xyxy_px": (1, 2, 3, 4),
        "description": "hand",
        "source": "signal",
    }
    return Region(**(fields | changes))


def test_one_line_of_json_with_the_schema_in_it_that_reads_back() -> None:
    report = make_report(regions=(make_region(score=0.5),), raw="two\nlines")
    line = report.to_json_line()
    assert "\n" not in line
    assert json.loads(line)["schema"] == SCHEMA == "groundsight.report/1"
    assert Report.model_validate_json(line) == report


def test_hostile_text_never_stops_a_report_from_being_written() -> None:
    verdict = FinalVerdict(verdict=Verdict.REAL, reason=HALF)
    report = make_report(
        image=ImageInfo(path=HALF),
        regions=(make_region(description=HALF),),
        tags=(HALF,),
        reasoning=Reasoning(quick_scan=HALF, final_verdict=verdict, written_by="model"),
        raw=HALF,
        evidence=(
            Evidence(kind="metadata", name="png", finding=HALF, detail={HALF: [HALF, math.nan]}),
        ),
        problems=(Problem(code="damaged", message=HALF),),
    )
    tree = json.loads(report.to_json_line())
    assert tree["raw"] == r"\ud83d"
    assert tree["evidence"][0]["detail"] == {r"\ud83d": [r"\ud83d", None]}


@pytest.mark.parametrize(
    "build",
    [
        lambda: make_region(xyxy_px=(3, 2, 1, 4)),
        lambda: make_region(xyxy_px=(1, 2, 1, 4)),
        lambda: make_region(xyxy_px=(1, 2, math.nan, 4)),
        lambda: make_region(xyxy_px=(1, 2, math.inf, 4)),
        lambda: make_region(xyxy_px=(1, 2, 3)),
        lambda: make_region(image_index=-1),
        lambda: make_region(score=1.01),
        lambda: make_report(p_fake=math.nan),
        lambda: make_report(p_fake=-0.1),
        lambda: make_report(timing_s=-1),
        lambda: make_report(verdict="MAYBE"),
        lambda: make_report(surprise=1),
    ],
)
def test_a_report_that_breaks_its_contract_cannot_be_made(build: Callable[[], object]) -> None:
    with pytest.raises(ValidationError):
        build()


def test_records_are_frozen() -> None:
    with pytest.raises(ValidationError):
        setattr(make_report(), "verdict", Verdict.REAL)  # noqa: B010


def test_a_label_of_1_means_generated() -> None:
    assert Verdict.from_label(1) is Verdict.AI_GENERATED
    assert Verdict.from_label(0) is Verdict.REAL


@pytest.mark.parametrize(
    ("value", "becomes"),
    [
        ((1, 2), [1, 2]),
        (math.inf, None),
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.array([[1, 2]]), [[1, 2]]),
        (np.array([math.nan]), [None]),
        ({1: "a"}, {"1": "a"}),
        (Verdict.REAL, "REAL"),
        (b"\xff", r"b'\xff'"),
        (2**80, 2**80),
        (True, True),
    ],
)
def test_values_become_the_closest_json(value: object, becomes: object) -> None:
    found = to_json_value(value)
    assert found == becomes
    assert type(found) is type(becomes)


@given(ANYTHING)
def test_whatever_is_put_in_utf8_json_comes_out(value: object) -> None:
    text = json.dumps(to_json_value(value), ensure_ascii=False, allow_nan=False)
    assert json.loads(text.encode("utf-8")) == to_json_value(value)


@given(st.text())
def test_good_text_is_left_as_it_is(text: str) -> None:
    assert mend_text(text) == text


def test_a_bottomless_tree_is_cut() -> None:
    tree: list[Any] = []
    for _ in range(10_000):
        tree = [tree]
    assert json.dumps(to_json_value(tree)) == "[" * (MAX_DEPTH + 1) + '"\\u2026"' + "]" * (
        MAX_DEPTH + 1
    )
