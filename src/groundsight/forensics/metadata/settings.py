"""What a generator's mark says beyond its name: prompt, model, seed, sampler; bounded excerpts."""

import json
import math
import re
from collections.abc import Iterator
from typing import Any

from groundsight.forensics.metadata.marks import Grammar, settings_line

MAX_EXCERPT_CHARS = 300
MAX_JSON_CHARS = 1 << 18
MAX_NODES = 2_000

# Spellings by generator → the one name that the report uses.
_NAMES = {
    "prompt": "prompt",
    "positive_prompt": "prompt",
    "full_prompt": "prompt",
    "c": "prompt",
    "negative_prompt": "negative_prompt",
    "uc": "negative_prompt",
    "seed": "seed",
    "noise_seed": "seed",
    "steps": "steps",
    "sampler": "sampler",
    "sampler_name": "sampler",
    "scheduler": "scheduler",
    "cfg": "cfg_scale",
    "cfg_scale": "cfg_scale",
    "scale": "cfg_scale",
    "guidance": "guidance",
    "model": "model",
    "base_model": "model",
    "ckpt_name": "model",
    "unet_name": "model",
    "version": "version",
    "mflux_version": "version",
    "unet": "model",
    "app": "app",
}
_NUMBERS = frozenset({"seed", "steps", "cfg_scale", "guidance"})
_PAIR = re.compile(r"(?:^|, )([A-Z][A-Za-z ]{0,30}): ([^,\n]{0,200})")


def read_settings(text: str, grammar: Grammar) -> dict[str, Any]:
    """Prompt and settings in a generator's own notation; {} where nothing can be read.

    Returns:
        JSON values under the names of the right column above, each text at most
        `MAX_EXCERPT_CHARS` characters. Never raises.
    """
    if grammar == "parameters":
        return _from_parameters(text)
    if grammar == "text":
        return {"excerpt": excerpt(text)}
    tree = _load(text)
    if tree is None:
        return {"excerpt": excerpt(text)}
    found: dict[str, Any] = {}
    for name, value in _graph_pairs(tree) if grammar == "graph" else _json_pairs(tree):
        _keep(found, name, value)
    return found


def excerpt(text: str) -> str:
    """One line of at most `MAX_EXCERPT_CHARS` printable characters, cut with an ellipsis."""
    line = " ".join(text[: 4 * MAX_EXCERPT_CHARS].split())
    line = "".join(c if c.isprintable() else "\ufffd" for c in line)
    return line if len(line) <= MAX_EXCERPT_CHARS else line[: MAX_EXCERPT_CHARS - 1] + "…"


def _from_parameters(text: str) -> dict[str, Any]:
    line = settings_line(text)
    prompt, _, negative = text[: text.rfind(line)].partition("Negative prompt:")
    found: dict[str, Any] = {}
    _keep(found, "prompt", prompt)
    _keep(found, "negative_prompt", negative)
    for match in _PAIR.finditer(line):
        _keep(found, match[1].strip().lower().replace(" ", "_"), match[2].strip())
    return found


def _load(text: str) -> Any:
    start = text.find("{", 0, 64)  # ComfyUI writes "prompt:{…}" in EXIF fields
    if start < 0 or len(text) > MAX_JSON_CHARS:
        return None
    try:
        return json.loads(text[start:])
    except (ValueError, RecursionError):
        return None


def _json_pairs(tree: Any) -> Iterator[tuple[str, Any]]:
    level = tree if isinstance(tree, dict) else {}
    yield from level.items()
    for inner in ("sui_image_params", "image", "v2", "model"):
        if isinstance(level.get(inner), dict):
            yield from level[inner].items()


def _graph_pairs(tree: Any) -> Iterator[tuple[str, Any]]:
    """Inputs of a ComfyUI prompt graph: {id: {"class_type": …, "inputs": {…}}}."""
    nodes = list(tree.values())[:MAX_NODES] if isinstance(tree, dict) else []
    for node in nodes:
        inputs = node.get("inputs") if isinstance(node, dict) else None
        if not isinstance(inputs, dict):
            continue
        yield from inputs.items()
        if "TextEncode" in str(node.get("class_type")) and isinstance(inputs.get("text"), str):
            yield "prompt", inputs["text"]


def _keep(found: dict[str, Any], name: str, value: Any) -> None:
    """Store a plain value under its common name; the first of a name stays."""
    common = _NAMES.get(name.lower()) if isinstance(name, str) else None
    if common is None or common in found or isinstance(value, bool):
        return
    if isinstance(value, str) and common in _NUMBERS:
        value = _as_number(value)
    if isinstance(value, str) and value.strip():
        found[common] = excerpt(value)
    elif isinstance(value, int) and abs(value) < 1 << 64:
        found[common] = value
    elif isinstance(value, float) and math.isfinite(value):
        found[common] = value


def _as_number(text: str) -> int | float | str:
    """A number written as text, else the text as it is; very long digit strings stay text."""
    if len(text) > 32:
        return text
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
