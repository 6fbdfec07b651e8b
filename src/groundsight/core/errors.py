"""Typed errors, by the boundary that was crossed.

A user's mistake is a `UsageError`: the CLI prints its one line and exits with 2, the API answers
4xx with the same text. A picture that cannot be read is a `PictureError`: it becomes a `problems`
entry of that picture's report. A model's fault is data (`problems` of a reply), never an exception.
Our own faults are assertions.

Arguments stay in `args` and the sentence is made by `__str__`, so that every error survives the way
back from a worker process.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class GroundsightError(Exception):
    """Base of every error this package raises on purpose."""


class UsageError(GroundsightError):
    """The caller asked for something that cannot be done; the text says what to do instead."""


class UnknownNameError(UsageError, KeyError):
    """A name that is in no table; the message lists the known ones and the closest.

    Args:
        kind: what the name was for, e.g. "reward".
        name: the name that was asked for.
        known: every name the table holds.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind, self.name, self.known = kind, name, tuple(sorted(known))
        super().__init__(kind, name, self.known)

    def __str__(self) -> str:
        close = get_close_matches(self.name, self.known, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        known = ", ".join(self.known) or "none"
        return f"unknown {self.kind} {self.name!r}.{hint} Known: {known}."


class ConfigError(UsageError):
    """A recipe or setting that does not fit its schema."""


class FrameError(UsageError):
    """Boxes of different frames met, or a frame that needs a picture size got none."""


class MissingExtraError(UsageError):
    """An optional dependency is not installed.

    Args:
        feature: what needs it.
        extra: the extra that brings it, e.g. "local".
    """

    def __init__(self, feature: str, extra: str) -> None:
        self.feature, self.extra = feature, extra
        super().__init__(feature, extra)

    def __str__(self) -> str:
        return f"{self.feature} needs: pip install 'groundsight[{self.extra}]'"


class PictureError(GroundsightError):
    """A picture that cannot be read.

    Args:
        code: stable short name for programs, e.g. "empty_file" (see `vision.images`).
        message: one line for people.
    """

    def __init__(self, code: str, message: str) -> None:
        self.code, self.message = code, message
        super().__init__(code, message)

    def __str__(self) -> str:
        return self.message
