"""Configuration: strict pydantic schemas, TOML files, dotted overrides, the resolved copy.

    class Recipe(Config):
        seed: int = 0
        "Root of every random stream."
    recipe = load_config(Recipe, Path("run.toml"), overrides=["seed=3"])

A run is one TOML file; flags only override it: `a.b=value` one value, `@other.toml` what another
file says. No torch here, so that `--help`, validation and dry runs stay instant.
"""

import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from groundsight.core.errors import ConfigError


class Config(BaseModel):
    """Base of every schema: unknown keys are refused, values are frozen, docs sit under fields."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


C = TypeVar("C", bound=BaseModel)


def load_config(schema: type[C], path: Path, overrides: Iterable[str] = ()) -> C:
    """Read a TOML file, apply overrides, validate.

    Args:
        schema: the pydantic model to fill.
        path: a TOML file.
        overrides: as for `read_tree`.

    Raises:
        ConfigError: unreadable file, bad TOML, bad override, or values that do not fit.
    """
    return validate_config(schema, read_tree(path, overrides), where=str(path))


def read_tree(path: Path, overrides: Iterable[str] = ()) -> dict[str, Any]:
    """Read a TOML file and apply overrides in their order; nothing is validated.

    Args:
        path: a TOML file.
        overrides: "dotted.path=value", the value read as TOML, else taken as a string; or
            "@other.toml", whose tables are laid over those of the file, value by value. A list is
            one value.

    Raises:
        ConfigError: unreadable file, bad TOML, or bad override.
    """
    tree = _read_toml(path)
    for override in overrides:
        if override.startswith("@"):
            tree = laid_over(tree, _read_toml(Path(override[1:])))
        else:
            _apply(tree, override)
    return tree


def read_settings(settings: Iterable[str]) -> dict[str, Any]:
    """A tree out of `dotted.path=value` alone.

    Raises:
        ConfigError: a bad setting.
    """
    tree: dict[str, Any] = {}
    for setting in settings:
        _apply(tree, setting)
    return tree


def laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """A tree laid over another, value by value; a list is one value."""
    both = dict(below)
    for key, value in above.items():
        there = both.get(key)
        if isinstance(value, dict) and isinstance(there, dict):
            value = laid_over(there, value)
        both[key] = value
    return both


def validate_config(schema: type[C], tree: dict[str, Any], *, where: str) -> C:
    """Fill a schema from a tree; every fault in one line, with where, expected and got.

    Raises:
        ConfigError: the tree does not fit.
    """
    try:
        return schema.model_validate(tree)
    except ValidationError as error:
        faults = "; ".join(_fault_text(fault) for fault in error.errors(include_url=False))
        raise ConfigError(f"{where}: {faults}") from error


def save_resolved(config: BaseModel, path: Path) -> None:
    """Write the values a run really used, defaults included, as JSON beside its outputs."""
    path.write_text(json.dumps(config.model_dump(mode="json"), indent=2) + "\n", encoding="utf-8")


def _fault_text(fault: ErrorDetails) -> str:
    place = ".".join(str(part) for part in fault["loc"]) or "top level"
    if fault["type"] == "extra_forbidden":
        return f"{place}: no such setting"
    if fault["type"] == "missing":
        return f"{place}: must be set"
    return f"{place}: {fault['msg']} (got {fault['input']!r:.80})"


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read recipe {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # bad TOML, bad UTF-8, endless digits or nesting
        raise ConfigError(f"{path} is not valid TOML: {error}") from error


def _apply(tree: dict[str, Any], override: str) -> None:
    dotted, sign, text = override.partition("=")
    *parents, leaf = [part.strip() for part in dotted.split(".")]
    if not sign or not all([*parents, leaf]):
        raise ConfigError(f"--set takes dotted.path=value or @file.toml, got {override!r}")
    for parent in parents:
        tree = tree.setdefault(parent, {})
        if not isinstance(tree, dict):
            raise ConfigError(f"--set {override}: {parent} is a value, not a section")
    tree[leaf] = _value(text.strip())


def _value(text: str) -> Any:
    try:
        tree = tomllib.loads(f"v = {text}")
    except (ValueError, RecursionError):
        return text
    return tree["v"] if tree.keys() == {"v"} else text  # a line break must not smuggle in a key
