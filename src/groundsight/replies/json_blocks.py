"""JSON in a reply: ```json blocks, and JSON without a fence, read strictly and safely.

Strict: no NaN or Infinity, no number that does not fit a float. Safe: nothing raises, however deep
or long the text is.
"""

import json
import math
from dataclasses import dataclass
from typing import Any

from groundsight.core.report import Problem

MAX_JSON_CHARS = 65_536
"A longer block is not read: no prompt of ours asks for more than a few thousand characters."
MAX_BLOCKS = 16
"Later ```json blocks are not looked at."
FENCE = "```json"


@dataclass(frozen=True)
class JsonBlock:
    """One ```json block: where its text begins and ends in the reply."""

    start: int
    end: int
    closed: bool


@dataclass(frozen=True)
class JsonRead:
    """What reading one piece of JSON gave: a value, or the problem that prevented it."""

    value: Any = None
    problems: tuple[Problem, ...] = ()
    ok: bool = True


def find_blocks(text: str, low: int, high: int) -> tuple[JsonBlock, ...]:
    """The ```json blocks of a stretch of a reply, at most `MAX_BLOCKS`, in order."""
    blocks: list[JsonBlock] = []
    position = text.find(FENCE, low, high)
    while position >= 0 and len(blocks) < MAX_BLOCKS:
        start = position + len(FENCE)
        end = text.find("```", start, high)
        if end < 0:
            blocks.append(JsonBlock(start, high, closed=False))
            break
        blocks.append(JsonBlock(start, end, closed=True))
        position = text.find(FENCE, end + 3, high)
    return tuple(blocks)


def read_json(text: str) -> JsonRead:
    """Read one JSON value.

    Problems: `json_too_long`, `json_empty`, `json_invalid`, `json_too_deep` (no value), and
    `json_duplicate_key` (the last one counts, as in every JSON reader).
    """
    if len(text) > MAX_JSON_CHARS:
        return _failed("json_too_long", f"over {MAX_JSON_CHARS} characters of JSON")
    if not text or text.isspace():
        return _failed("json_empty", "the JSON block is empty")
    try:
        return JsonRead(_STRICT.decode(text))
    except _DuplicateKeyError as error:
        problem = Problem(code="json_duplicate_key", message=f"key {str(error)[:80]} stands twice")
        return JsonRead(_LAST_WINS.decode(text), (problem,))
    except RecursionError:
        return _failed("json_too_deep", "JSON is nested too deeply")
    except ValueError as error:
        return _failed("json_invalid", f"JSON does not parse: {str(error)[:120]}")


def read_first_object(text: str) -> dict[str, Any]:
    """The JSON object that a text begins with, whatever follows it; {} when there is none."""
    try:
        value, _ = _LAST_WINS.raw_decode(text[:MAX_JSON_CHARS])
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _failed(code: str, message: str) -> JsonRead:
    return JsonRead(None, (Problem(code=code, message=message),), ok=False)


class _DuplicateKeyError(Exception):
    """Not a ValueError: the JSON is well formed, and is read again with the last key counting."""


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    tree = dict(pairs)
    if len(tree) != len(pairs):
        keys = [key for key, _ in pairs]
        raise _DuplicateKeyError(repr(next(key for key in keys if keys.count(key) > 1)))
    return tree


def _integer(digits: str) -> int:
    """An int that a float can hold; 300 digits also keep int() linear for our purposes."""
    if len(digits) > 300:
        raise ValueError("a number with over 300 digits")
    return int(digits)


def _finite(digits: str) -> float:
    if len(digits) > 300 or math.isinf(number := float(digits)):
        raise ValueError("a number too large for a float")
    return number


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


_HOOKS: dict[str, Any] = {
    "parse_int": _integer,
    "parse_float": _finite,
    "parse_constant": _no_constant,
}
_STRICT = json.JSONDecoder(object_pairs_hook=_refuse_duplicates, **_HOOKS)
_LAST_WINS = json.JSONDecoder(**_HOOKS)
