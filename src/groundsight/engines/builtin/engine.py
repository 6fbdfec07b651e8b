"""The builtin engine: every reader, the verdict rule, the rule-written explanation.

    engine = make_builtin("")
    answer, = engine.examine([open_picture("photo.jpg")])

Deterministic and single-threaded; nothing is downloaded.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol, TypeVar, get_args

import groundsight
from groundsight.core.errors import UsageError
from groundsight.core.report import EngineInfo, Evidence, EvidenceKind, Problem, Region
from groundsight.engines.base import Answer
from groundsight.engines.builtin import verdict
from groundsight.engines.builtin.explain import explain
from groundsight.engines.builtin.signal_line import regions_of, signal_evidence
from groundsight.forensics.finding import Finding
from groundsight.forensics.laundering import read_laundering
from groundsight.forensics.metadata import read_metadata
from groundsight.forensics.provenance import read_provenance
from groundsight.forensics.signal.expert import NO_CELLS, SignalScore, load_signal_expert
from groundsight.forensics.watermark import read_watermark
from groundsight.vision.images import Picture, RGBArray

T = TypeVar("T")
Reader = Callable[[Picture], list[Finding]]

# A new reader is one line here.
READERS: dict[str, Reader] = {
    "provenance": read_provenance,
    "metadata": read_metadata,
    "watermark": read_watermark,
    "stability": read_laundering,
}
SETTINGS = {
    "low": verdict.LOW,
    "high": verdict.HIGH,
    "laundered_margin": verdict.LAUNDERED_MARGIN,
}


class Scorer(Protocol):
    """Judges pixels, as `SignalExpert` does."""

    def score(self, rgb: RGBArray) -> SignalScore:
        """p_fake and the map of one picture."""
        ...


@dataclass(frozen=True)
class BuiltinEngine:
    """Readers and signal expert under one verdict rule.

    Args:
        info: for the report.
        expert: who judges the pixels.
        readers: who reads file and pixels for claims and signs, by name, in order.
    """

    info: EngineInfo
    expert: Scorer
    readers: Mapping[str, Reader] = field(default_factory=lambda: READERS)

    def examine(self, pictures: Sequence[Picture]) -> list[Answer]:
        """One answer a picture; a reader that fails is a problem of it, and the rest stands."""
        return [self._examine(picture) for picture in pictures]

    def _examine(self, picture: Picture) -> Answer:
        guard = _Guard()
        findings: list[Finding] = []
        for name, reader in self.readers.items():
            findings += guard.run(name, partial(reader, picture), [])
        score = guard.run("signal", partial(self.expert.score, picture.rgb), UNJUDGED)
        regions = guard.run("regions", partial(regions_of, picture.rgb, score), NOWHERE)
        decision = verdict.decide(findings, score.p_fake)
        evidence = _in_order([*(finding.evidence for finding in findings), signal_evidence(score)])
        return Answer(
            verdict=decision.verdict,
            p_fake=decision.p_fake,
            regions=regions,
            tags=decision.tags,
            reasoning=explain(picture, decision, evidence, regions, guard.failed),
            evidence=evidence,
            problems=tuple(guard.problems),
        )


def _in_order(lines: list[Evidence]) -> tuple[Evidence, ...]:
    """Lines in the order of the report's kinds; of one kind as its reader gave them."""
    kinds: tuple[str, ...] = get_args(EvidenceKind)
    return tuple(sorted(lines, key=lambda line: kinds.index(line.kind)))


UNJUDGED = SignalScore(None, "the signal expert failed", {}, NO_CELLS, 8.0)
NOWHERE: tuple[Region, ...] = ()


class _Guard:
    """Runs readers over hostile pictures; what one of them throws becomes a problem."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.failed: list[str] = []

    def run(self, name: str, read: Callable[[], T], otherwise: T) -> T:
        try:
            return read()
        except MemoryError:  # of the machine, not of the reader: the whole picture may be retried
            raise
        except Exception as error:
            text = " ".join(f"{name}: {type(error).__name__}: {error}".split())[:300]
            self.problems.append(Problem(code="reader_failed", message=text))
            self.failed.append(name)
            return otherwise


def make_builtin(argument: str) -> BuiltinEngine:
    """Make the engine with the shipped weights.

    Args:
        argument: must be empty.

    Raises:
        UsageError: an argument was given, or the installation lacks the weights.
    """
    if argument:
        raise UsageError(
            f"engine builtin takes no argument, got {argument!r}: write --engine builtin"
        )
    try:
        expert = load_signal_expert()
    except FileNotFoundError as error:
        raise UsageError(
            f"the signal expert's weights are missing ({error.filename}): install groundsight anew"
        ) from error
    info = EngineInfo(
        name="builtin",
        version=groundsight.__version__,
        weights_sha256=expert.weights.sha256,
        settings=SETTINGS,
    )
    return BuiltinEngine(info, expert)
