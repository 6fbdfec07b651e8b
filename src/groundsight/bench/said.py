"""What was said of one sample: the suite's score of it, and what stands beside the score."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from groundsight.bench.records import Unanswered
from groundsight.bench.showing import Ready
from groundsight.core.report import EngineInfo, Problem
from groundsight.core.types import SampleRegion
from groundsight.engines.chat import Decoding
from groundsight.replies.dialect import Dialect
from groundsight.suites.base import SampleScore

NO_ANSWER = "no_answer"


@dataclass(frozen=True, kw_only=True)
class Said:
    """What was said of one sample, scored.

    Args:
        score: by the suite.
        raw: what a model wrote.
        regions: boxes of the answer, in pixels as shown.
        problems: of the answer.
        usage: tokens and retries by name, where the engine tells.
    """

    score: SampleScore
    raw: str | None = None
    regions: tuple[SampleRegion, ...] = ()
    problems: tuple[Problem, ...] = ()
    usage: dict[str, int] = field(default_factory=dict)


class Asker(Protocol):
    """Puts samples to an engine, in the way in which that kind of engine answers."""

    @property
    def info(self) -> EngineInfo:
        """Of the engine."""
        ...

    @property
    def dialect(self) -> Dialect | None:
        """How the model writes boxes; None of an engine that writes no text."""
        ...

    @property
    def decoding(self) -> Decoding | None:
        """How replies are drawn; None of an engine that writes no text."""
        ...

    @property
    def looks_at_pixels(self) -> bool:
        """Whether pictures must be decoded for it."""
        ...

    @property
    def batch_size(self) -> int:
        """Samples worth asking together."""
        ...

    def ask(self, ready: Sequence[Ready]) -> list[Said | Unanswered]:
        """One answer a sample, in order; never raises on one."""
        ...

    def close(self) -> None:
        """Let the engine go."""
        ...


def no_answer(ready: Ready, problems: Iterable[Problem]) -> Unanswered:
    """Why nobody answered: the last of the problems, for it ended the attempt."""
    why = [*problems] or [Problem(code=NO_ANSWER, message="nothing came back")]
    return ready.shown.unanswered(why[-1].code, why[-1].message)


def whole_numbers(counts: Mapping[str, Any]) -> dict[str, int]:
    """What of a usage is told: tokens and retries above 0."""
    return {name: count for name, count in counts.items() if isinstance(count, int) and count > 0}
