"""Name → thing tables, with helpful misses and plug-ins by import path.

    REWARDS: Table[Reward] = Table("reward", {"verdict": "groundsight.rewards.verdict:VERDICT"})
    REWARDS["verdict"]                  # loaded on first use
    REWARDS["my_package.mod:MY_REWARD"]  # from outside, no core edit

A value given as a "module:attribute" string is imported when it is asked for, so a table at a
package's face costs no import of what it lists.
"""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, Generic, TypeVar, cast

from groundsight.core.errors import UnknownNameError, UsageError

T = TypeVar("T")


class Table(Mapping[str, T], Generic[T]):
    """A read-only mapping whose misses list what is known.

    Args:
        kind: singular noun for messages, e.g. "engine".
        rows: name → object, or name → "module:attribute" to import on first use.
    """

    def __init__(self, kind: str, rows: Mapping[str, T | str]) -> None:
        self.kind = kind
        self._rows: dict[str, T | str] = dict(rows)

    def __getitem__(self, name: str) -> T:
        """Return the thing named, importing it if need be.

        Raises:
            UnknownNameError: the name is neither a row nor an import path.
            UsageError: an import path that does not lead to anything.
        """
        if name in self._rows:
            row = self._rows[name]
            return cast(T, load_object(row, self.kind)) if isinstance(row, str) else row
        if ":" in name:
            return cast(T, load_object(name, self.kind))
        raise UnknownNameError(self.kind, name, self._rows)

    def __contains__(self, name: object) -> bool:
        return name in self._rows

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __repr__(self) -> str:
        return f"Table({self.kind!r}: {', '.join(self._rows)})"


def load_object(path: str, kind: str) -> Any:
    """Import "package.module:attribute".

    Raises:
        UsageError: no such module or attribute; the text says which.
    """
    name, _, attribute = path.partition(":")
    if not name or name.startswith(".") or not attribute:
        raise UsageError(f"{kind} {path!r}: an import path reads package.module:attribute")
    try:
        module = import_module(name)
    except ModuleNotFoundError as error:
        if error.name and not (name == error.name or name.startswith(error.name + ".")):
            raise  # the module is there; something that it imports is not
        raise UsageError(f"{kind} {path!r}: no module named {error.name!r}") from error
    if not hasattr(module, attribute):
        raise UsageError(f"{kind} {path!r}: {name} has no {attribute!r}")
    return getattr(module, attribute)
