"""What every worker of a benchmark runs: an engine, and the suite that scores what it says.

worker = Work(suite="genimage").start()
outcome, = worker.examine_many([Shown(sample)])
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter

from pydantic import TypeAdapter

from groundsight.bench.askers import load_asker
from groundsight.bench.records import ScoreLine, Unanswered
from groundsight.bench.said import Asker, Said
from groundsight.bench.showing import Ready, Shown, make_ready
from groundsight.bench.truth import known_regions, sample_digest
from groundsight.core.report import EngineInfo, Problem
from groundsight.engines import EngineOptions
from groundsight.suites import SUITES
from groundsight.vision.images import Limits

Outcome = ScoreLine | Unanswered
_OUTCOME: TypeAdapter[Outcome] = TypeAdapter(Outcome)


@dataclass(frozen=True, kw_only=True)
class Work:
    """What a worker must know to start; travels between processes.

    Args:
        suite: a row of `SUITES`, or an import path.
        engine: a `--engine` value.
        options: how its model is loaded and asked.
        limits: what is refused before decoding.
    """

    suite: str
    engine: str = "builtin"
    options: EngineOptions = field(default_factory=EngineOptions)
    limits: Limits = field(default_factory=Limits)

    def start(self) -> "Examiner":
        """Make the engine.

        Raises:
            UsageError: it cannot be made, or cannot answer what the suite asks.
        """
        return Examiner(self)

    def encode(self, outcome: Outcome) -> str:
        """An outcome as a worker sends it."""
        return outcome.model_dump_json()

    def decode(self, text: str) -> Outcome:
        """The inverse of `encode`."""
        return _OUTCOME.validate_json(text)

    def failure(self, shown: Shown, info: EngineInfo, problem: Problem) -> Outcome:
        """The outcome of a sample over which a worker died."""
        return shown.unanswered(problem.code, problem.message)


class Examiner:
    """An engine that is ready, and the suite that scores it.

    Args:
        work: which.

    Raises:
        UsageError: as `Work.start`.
    """

    def __init__(self, work: Work) -> None:
        self._limits = work.limits
        self.asker: Asker = load_asker(work.engine, SUITES[work.suite], work.options)

    @property
    def info(self) -> EngineInfo:
        """Of the engine, without what it is asked."""
        return self.asker.info

    @property
    def batch_size(self) -> int:
        """Samples worth handing to one `examine_many`."""
        return self.asker.batch_size

    def open(self, shown: Shown) -> Ready | Unanswered:
        """Open and perturb; may run beside `report`."""
        return make_ready(shown, self._limits, pixels=self.asker.looks_at_pixels)

    def report(self, opened: Sequence[Ready | Unanswered]) -> list[Outcome]:
        """Ask about those that are ready; one outcome each, in order."""
        ready = [one for one in opened if isinstance(one, Ready)]
        start = perf_counter()
        said = iter(self.asker.ask(ready))
        share_s = (perf_counter() - start) / max(1, len(ready))
        return [
            one if isinstance(one, Unanswered) else _outcome(one, next(said), share_s)
            for one in opened
        ]

    def examine_many(self, shown: Sequence[Shown]) -> list[Outcome]:
        """Open and ask."""
        return self.report([self.open(one) for one in shown])

    def close(self) -> None:
        """Let the engine go."""
        self.asker.close()


def _outcome(ready: Ready, said: Said | Unanswered, share_s: float) -> Outcome:
    if isinstance(said, Unanswered):
        return said
    shown = ready.shown
    return ScoreLine(
        perturbation=shown.perturbation,
        score=said.score,
        images=tuple(image.path for image in shown.sample.images),
        question=shown.sample.question,
        said=said.regions,
        known=known_regions(ready.sample),
        raw=said.raw,
        problems=said.problems,
        usage=said.usage,
        sample_sha256=sample_digest(shown.sample),
        pictures_sha256=ready.pictures_sha256,
        timing_s=ready.timing_s + share_s,
    )
