r"""Text and JSON values that any file can hold, whatever hostile bytes they were read from.

A picture's metadata may hold half a surrogate pair (`json.loads('"\ud800"')` makes one) or a NaN;
neither can be written as UTF-8 JSON. Report fields of these types mend such values when they are
made, so that writing a report never fails.
"""

import math
from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import AfterValidator, BeforeValidator, JsonValue

MAX_DEPTH = 32


def mend_text(text: str) -> str:
    r"""The same text, with surrogates that no UTF-8 file can hold written as \udXXX."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def to_json_value(value: object, depth: int = 0) -> JsonValue:
    """The closest JSON value: tuples become lists, NaN becomes None, the unknown its `str`.

    Args:
        value: anything; numpy scalars and arrays are read as numbers and lists.
        depth: how deep in a tree the value lies; past `MAX_DEPTH` a branch becomes "…".
    """
    if depth > MAX_DEPTH:
        return "…"
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return mend_text(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {mend_text(str(key)): to_json_value(of, depth + 1) for key, of in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_json_value(item, depth + 1) for item in value]
    if isinstance(value, np.generic | np.ndarray):
        return to_json_value(value.tolist(), depth)
    return mend_text(str(value))


def _mend(value: object) -> object:
    return mend_text(value) if isinstance(value, str) else value


def _json_object(value: dict[str, Any]) -> dict[str, Any]:
    return {mend_text(key): to_json_value(of, 1) for key, of in value.items()}


Text = Annotated[str, BeforeValidator(_mend)]
"A string that UTF-8 can hold."
JsonObject = Annotated[dict[str, Any], AfterValidator(_json_object)]
"A JSON object: whatever is put in comes out as JSON values."
