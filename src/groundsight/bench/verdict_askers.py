"""Who asks for verdicts: of an engine that judges pictures, or of a model, through the reasoner."""

from collections.abc import Callable, Sequence

from groundsight.bench.records import Unanswered
from groundsight.bench.said import Said, no_answer, whole_numbers
from groundsight.bench.showing import Ready
from groundsight.bench.truth import plain_regions
from groundsight.core.report import EngineInfo, Report
from groundsight.detect.one import RUN_FAULTS, Opened, describe_picture, examine_opened
from groundsight.engines import batch_size_of, close_engine
from groundsight.engines.base import Answer, Engine
from groundsight.engines.chat import Decoding, looks_at_pixels
from groundsight.engines.reasoner import Reasoner
from groundsight.replies.dialect import Dialect
from groundsight.suites.base import Suite
from groundsight.tasks import TASKS
from groundsight.vision.images import Picture

SEVERAL_PICTURES = "several_pictures"


class EngineAsker:
    """For engines that judge pictures: builtin, experts, those from outside.

    Args:
        engine: who judges.
        suite: who scores.
    """

    dialect: Dialect | None = None
    decoding: Decoding | None = None
    looks_at_pixels = True

    def __init__(self, engine: Engine, suite: Suite) -> None:
        self._engine, self._suite = engine, suite

    @property
    def info(self) -> EngineInfo:
        """The engine's."""
        return self._engine.info

    @property
    def batch_size(self) -> int:
        """The engine's."""
        return batch_size_of(self._engine)

    def ask(self, ready: Sequence[Ready]) -> list[Said | Unanswered]:
        """Reports, scored."""
        return _ask(ready, self._engine, self._scored)

    def close(self) -> None:
        """Let the engine go."""
        close_engine(self._engine)

    def _scored(self, ready: Ready, report: Report) -> Said | Unanswered:
        faults = [problem for problem in report.problems if problem.code in RUN_FAULTS]
        if faults:
            return no_answer(ready, faults)
        return Said(
            score=self._suite.score(ready.sample, report=report),
            raw=report.raw,
            regions=plain_regions(report.regions),
            problems=report.problems,
        )


class ReasonerAsker:
    """For chat models that are asked for a verdict: the reasoner reads, votes and gives p_fake.

    Args:
        reasoner: of any task; each sample is asked in its own.
        suite: who scores.
    """

    def __init__(self, reasoner: Reasoner, suite: Suite) -> None:
        self._reasoner, self._suite = reasoner, suite
        self._by_task = {reasoner.task.name: reasoner}
        self._votes = reasoner.options.samples > 1

    @property
    def info(self) -> EngineInfo:
        """The model's; what it is asked is told apart from it."""
        return self._reasoner.model.info

    @property
    def dialect(self) -> Dialect:
        """The model's."""
        return self._reasoner.model.dialect

    @property
    def decoding(self) -> Decoding:
        """The reasoner's."""
        return self._reasoner.decoding

    @property
    def looks_at_pixels(self) -> bool:
        """Whether the model does, or whoever gives it evidence."""
        return self._reasoner.builtin is not None or looks_at_pixels(self._reasoner.model)

    @property
    def batch_size(self) -> int:
        """The model's."""
        return self._reasoner.batch_size

    def ask(self, ready: Sequence[Ready]) -> list[Said | Unanswered]:
        """Each task's samples together; the answers in the order given."""
        said: dict[int, Said | Unanswered] = {}
        for task in dict.fromkeys(one.sample.task for one in ready):
            places = [k for k, one in enumerate(ready) if one.sample.task == task]
            said.update(zip(places, self._ask_task(task, [ready[k] for k in places]), strict=True))
        return [said[k] for k in range(len(ready))]

    def close(self) -> None:
        """Let the model go."""
        self._reasoner.close()

    def _ask_task(self, task: str, ready: Sequence[Ready]) -> list[Said | Unanswered]:
        return _ask(ready, _OfSamples(self._of_task(task), ready), self._scored)

    def _of_task(self, task: str) -> Reasoner:
        if task not in self._by_task:
            base = self._reasoner
            self._by_task[task] = Reasoner(base.model, TASKS[task], base.options, base.builtin)
        return self._by_task[task]

    def _scored(self, ready: Ready, report: Report) -> Said | Unanswered:
        if report.raw is None:
            return no_answer(ready, report.problems)
        # One reply is read by the suite's own rule; of several their vote counts.
        score = self._suite.score(
            ready.sample,
            None if self._votes else report.raw,
            report if self._votes else None,
            dialect=self.dialect,
        )
        if score.p_fake is None and score.unscored is None:
            score = score.model_copy(update={"p_fake": report.p_fake})
        return Said(
            score=score,
            raw=report.raw,
            regions=plain_regions(report.regions),
            problems=report.problems,
            usage=_told_usage(report),
        )


class _OfSamples:
    """A reasoner as an engine that is asked one batch of samples."""

    def __init__(self, reasoner: Reasoner, ready: Sequence[Ready]) -> None:
        self._reasoner = reasoner
        self._by_picture = {id(one.pictures[0]): one.named for one in ready if one.pictures}
        self.info = reasoner.model.info

    def examine(self, pictures: Sequence[Picture]) -> list[Answer]:
        """Each picture's own question."""
        return self._reasoner.answer(pictures, [self._by_picture[id(one)] for one in pictures])


def _ask(
    ready: Sequence[Ready], engine: Engine, scored: Callable[[Ready, Report], Said | Unanswered]
) -> list[Said | Unanswered]:
    """The engine's reports on samples of one picture, scored; of several nobody is asked."""
    single = [one for one in ready if len(one.pictures) == 1]
    opened = [
        Opened(image=describe_picture(one.pictures[0]), picture=one.pictures[0]) for one in single
    ]
    reports = iter(examine_opened(opened, engine) if opened else ())
    return [
        scored(one, next(reports)) if len(one.pictures) == 1 else _several(one) for one in ready
    ]


def _several(ready: Ready) -> Unanswered:
    text = f"a verdict is on one picture, the sample has {len(ready.pictures)}"
    return ready.shown.unanswered(SEVERAL_PICTURES, text)


def _told_usage(report: Report) -> dict[str, int]:
    lines = [line for line in report.evidence if line.kind == "reasoner"]
    usage = lines[-1].detail.get("usage") if lines else None
    return whole_numbers(usage) if isinstance(usage, dict) else {}
