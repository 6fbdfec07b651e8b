"""Typed errors, by the boundary that was crossed.

A user's mistake is a `UsageError`: the CLI prints its one line and exits with 2, the API answers
4xx with the same text. A picture that cannot be read is a `PictureError`: it becomes a `problems`
entry of that picture's report. A model's fault is data (`problems` of a reply), never an exception.
Our own faults are assertions.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class GroundsightError(Exception):
    """Base of every error this package raises on purpose."""


class UsageError(GroundsightError):
    """The caller asked for something that cannot be done; the text says what to do instead."""


class UnknownNameError(UsageError):
    """A name that is in no table; the message lists the known ones and the closest.

    Args:
        kind: what the name was for, e.g. "reward".
        name: the name that was asked for.
        known: every name the table holds.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        close = get_close_matches(name, names, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        super().__init__(f"unknown {kind} {name!r}.{hint} Known: {', '.join(names) or 'none'}.")
        self.name = name


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
        super().__init__(f"{feature} needs: pip install 'groundsight[{extra}]'")


class PictureError(GroundsightError):
    """A picture that cannot be read.

    Args:
        code: stable short name for programs, e.g. "empty_file" (see `vision.images`).
        message: one line for people.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
