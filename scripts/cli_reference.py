"""Write the reference of the command line from the code: python scripts/cli_reference.py.

A test compares `docs/cli.md` with what this makes. The text comes from the signatures of the
commands and not from `--help`, whose layout depends on the terminal and on the version of typer.
"""

import inspect
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import typer
from typer.models import ArgumentInfo

from groundsight.cli.app import app

TARGET = Path(__file__).parents[1] / "docs" / "cli.md"
HEAD = [
    "# Command line",
    "<!-- Written by scripts/cli_reference.py; edit the code, not this page. -->",
    "`groundsight COMMAND --help` says the same in the terminal;"
    " `groundsight --version` prints the version.",
    "Exit status of every command: 0 done; 2 a mistake in the command, with one line that says"
    " what and how to fix it; 3 some pictures could not be read, they are in the output with what"
    " is wrong and the rest is done; 130 stopped with Ctrl-C.",
]


def make_reference() -> str:
    """The whole page as Markdown, one section a command."""
    return "\n\n".join([*HEAD, *_sections("groundsight", app)]) + "\n"


def _sections(path: str, group: typer.Typer) -> list[str]:
    inner = {
        f"{path} {c.name}": [_section(f"{path} {c.name}", c)] for c in group.registered_commands
    }
    for child in group.registered_groups:
        if child.typer_instance is not None:
            name = f"{path} {child.name or child.typer_instance.info.name}"
            inner[name] = _sections(name, child.typer_instance)
    return [section for name in sorted(inner) for section in inner[name]]


def _section(path: str, command: Any) -> str:
    rows = [_row(*parameter) for parameter in _parameters(command.callback)]
    arguments = [name for name, _, is_argument in rows if is_argument]
    usage = " ".join([path, *arguments, "[OPTIONS]"])
    table = ["| | |", "|---|---|", *(f"| `{name}` | {words} |" for name, words, _ in rows)]
    return "\n".join([f"## {path}", "", f"    {usage}", "", _unwrapped(command), "", *table])


def _parameters(callback: Callable[..., Any]) -> list[tuple[str, Any, Any, Any]]:
    """Name, type, typer's description and default of each parameter."""
    hints = get_type_hints(callback, include_extras=True)
    found = []
    for name, parameter in inspect.signature(callback).parameters.items():
        if get_origin(hints[name]) is Annotated:
            kind, info, *_ = get_args(hints[name])
            found.append((name, kind, info, parameter.default))
    return found


def _row(name: str, kind: Any, info: Any, default: Any) -> tuple[str, str, bool]:
    words = " ".join((info.help or "").split())
    if isinstance(info, ArgumentInfo):
        return info.metavar or name.upper(), words, True
    # Within Annotated, typer keeps the first flag where a default would stand.
    given = [flag for flag in (info.default, *(info.param_decls or ())) if isinstance(flag, str)]
    flags = ", ".join(given or [f"--{name.replace('_', '-')}"])
    kind = next((part for part in get_args(kind) if part is not NoneType), kind)
    if kind is not bool:
        flags += f" {info.metavar or _metavar(kind)}"
    if kind is not bool and default not in (None, inspect.Parameter.empty):
        words += f" Default: `{getattr(default, 'value', default)}`."
    return flags, words, False


def _metavar(kind: Any) -> str:
    if isinstance(kind, type) and issubclass(kind, Enum):
        return "\\|".join(str(member.value) for member in kind)
    return {int: "N", float: "NUMBER", Path: "PATH"}.get(kind, "TEXT")


def _unwrapped(command: Any) -> str:
    """The command's description, a paragraph a line."""
    text = inspect.cleandoc(command.help or command.callback.__doc__ or "")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))


if __name__ == "__main__":
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(make_reference(), encoding="utf-8")
    print(TARGET)
