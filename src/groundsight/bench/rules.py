"""The code that scores a suite, as a hash that comments, docstrings and layout do not change."""

import ast
from collections.abc import Iterator
from functools import lru_cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from groundsight.suites.base import Suite

# What a score is made of: how replies are read, boxes compared, figures worked out.
_PARTS = tuple(
    f"groundsight.{part}" for part in ("suites", "tasks", "replies", "metrics", "vision.boxes")
)


def rules_sha256(suite: Suite) -> str:
    """Hex digest of the suite's own module and of all of the package that it scores with."""
    return _of_module(type(suite).__module__)


@lru_cache(maxsize=64)
def _of_module(start: str) -> str:
    seen: dict[str, str] = {}
    waiting = [start]
    while waiting:
        name = waiting.pop()
        path = None if name in seen else _source(name)
        if path is None:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        waiting += [found for found in _imported(tree) if found.startswith(_PARTS)]
        seen[name] = ast.unparse(_plain(tree))
    text = "\0".join(f"{name}\0{code}" for name, code in sorted(seen.items()))
    return sha256(text.encode()).hexdigest()


def _source(name: str) -> Path | None:
    try:
        spec = find_spec(name)
    except (ImportError, ValueError):  # the name of an attribute, or of a module run as a script
        return None
    origin = spec.origin if spec is not None else None
    return Path(origin) if origin is not None and origin.endswith(".py") else None


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def _plain(tree: ast.Module) -> ast.Module:
    """The code without strings that stand alone."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            kept = [line for line in body if not _is_text(line)]
            node.body = kept or [ast.Pass()]  # type: ignore[attr-defined]
    return tree


def _is_text(line: ast.AST) -> bool:
    return (
        isinstance(line, ast.Expr)
        and isinstance(line.value, ast.Constant)
        and isinstance(line.value.value, str)
    )
