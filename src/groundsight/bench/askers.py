"""The ways in which an engine answers a suite: by its report, by the reasoner, by a plain reply.

asker = load_asker("replay:replies.jsonl", SUITES["mig_bench"], options)
said, = asker.ask([ready])
"""

from collections.abc import Sequence
from dataclasses import asdict

from groundsight.bench.records import Unanswered
from groundsight.bench.said import (
    Asker,
    Said,
    no_answer,
    reported_regions,
    whole_numbers,
    written_regions,
)
from groundsight.bench.showing import NO_SAMPLE, Ready
from groundsight.core.errors import GroundsightError, UsageError
from groundsight.core.report import EngineInfo, Problem, Report
from groundsight.core.types import Sample
from groundsight.detect.one import RUN_FAULTS, Opened, describe_picture, examine_opened
from groundsight.engines import (
    EngineOptions,
    batch_size_of,
    close_engine,
    load_chat_model,
    load_engine,
)
from groundsight.engines.base import Answer, Engine
from groundsight.engines.chat import ChatModel, ChatReply, ChatRequest, Decoding
from groundsight.engines.questions import make_request
from groundsight.engines.reasoner import Reasoner
from groundsight.replies.dialect import Dialect
from groundsight.suites.base import Suite
from groundsight.tasks import TASKS
from groundsight.vision.images import Picture

SEVERAL_PICTURES = "several_pictures"
WORDLESS = frozenset({"builtin", "expert"})
"Kinds of engine that write no text."


def load_asker(spec: str, suite: Suite, options: EngineOptions) -> Asker:
    """Make an engine, in the way in which it can answer this suite.

    Args:
        spec: a `--engine` value.
        suite: what is asked.
        options: how a model is loaded and asked.

    Raises:
        UsageError: it cannot be made, or cannot answer.
    """
    if suite.asks == "verdict":
        engine = load_engine(spec, options)
        if isinstance(engine, Reasoner):
            return ReasonerAsker(engine, suite)
        return EngineAsker(engine, suite)
    if spec.partition(":")[0] in WORDLESS:
        raise UsageError(
            f"engine {spec} judges whole pictures and reads no questions, but {suite.name} asks "
            f"for {suite.asks}: use --engine hf:MODEL_OR_FOLDER, openai:BASE_URL#MODEL or "
            "replay:FILE"
        )
    if options.samples > 1 or options.with_evidence:
        flag = "--samples" if options.samples > 1 else "--with-evidence"
        raise UsageError(
            f"{flag} is for verdicts, {suite.name} asks for {suite.asks}: leave it out"
        )
    return ChatAsker(load_chat_model(spec, options), suite, options)


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
        single = [one for one in ready if len(one.pictures) == 1]
        reports = iter(_reports(single, self._engine))
        return [
            self._scored(one, next(reports)) if len(one.pictures) == 1 else _several(one)
            for one in ready
        ]

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
            regions=reported_regions(report),
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
        return self._reasoner.builtin is not None or _looks_at_pixels(self._reasoner.model)

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
        single = [one for one in ready if len(one.pictures) == 1]
        reports = iter(_reports(single, _OfSamples(self._of_task(task), single)))
        return [
            self._scored(one, next(reports)) if len(one.pictures) == 1 else _several(one)
            for one in ready
        ]

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
            regions=reported_regions(report),
            problems=report.problems,
            usage=_told_usage(report),
        )


class ChatAsker:
    """For chat models that are asked for regions or a choice: one greedy reply a sample.

    Args:
        model: who writes.
        suite: who scores.
        options: length and seed of the phrasing.
    """

    def __init__(self, model: ChatModel, suite: Suite, options: EngineOptions) -> None:
        self._model, self._suite = model, suite
        self.decoding = Decoding(max_new_tokens=options.max_new_tokens, seed=options.seed)

    @property
    def info(self) -> EngineInfo:
        """The model's."""
        return self._model.info

    @property
    def dialect(self) -> Dialect:
        """The model's."""
        return self._model.dialect

    @property
    def looks_at_pixels(self) -> bool:
        """The model's."""
        return _looks_at_pixels(self._model)

    @property
    def batch_size(self) -> int:
        """The model's."""
        return self._model.batch_size

    def ask(self, ready: Sequence[Ready]) -> list[Said | Unanswered]:
        """Replies, scored."""
        requests = [self._request(one) for one in ready]
        asked = [request for request in requests if isinstance(request, ChatRequest)]
        replies = iter(self._model.complete(asked, self.decoding) if asked else ())
        return [
            self._scored(one, next(replies)) if isinstance(request, ChatRequest) else request
            for one, request in zip(ready, requests, strict=True)
        ]

    def close(self) -> None:
        """Let the model go."""
        self._model.close()

    def _request(self, ready: Ready) -> ChatRequest | Unanswered:
        seed = self.decoding.seed
        try:
            return make_request(_named(ready), ready.pictures, self.dialect, seed=seed)
        except GroundsightError as error:
            return ready.shown.unanswered(NO_SAMPLE, str(error))

    def _scored(self, ready: Ready, reply: ChatReply) -> Said | Unanswered:
        if reply.problem is not None or not reply.completions:
            return no_answer(ready, [reply.problem] if reply.problem else [])
        written = reply.completions[0]
        problems: list[Problem] = []
        if written.finish == "length":
            text = "the reply was cut off at --max-new-tokens"
            problems.append(Problem(code="cut_off", message=text))
        score = self._suite.score(ready.sample, written.text, dialect=self.dialect)
        answer = TASKS[ready.sample.task].parse(written.text, ready.sample, self.dialect)
        return Said(
            score=score,
            raw=written.text,
            regions=written_regions(answer.regions),
            problems=(*problems, *answer.problems),
            usage=whole_numbers(asdict(reply.usage)),
        )


class _OfSamples:
    """A reasoner as an engine that is asked one batch of samples."""

    def __init__(self, reasoner: Reasoner, ready: Sequence[Ready]) -> None:
        self._reasoner = reasoner
        self._by_picture = {id(one.pictures[0]): _named(one) for one in ready}
        self.info = reasoner.model.info

    def examine(self, pictures: Sequence[Picture]) -> list[Answer]:
        """Each picture's own question."""
        return self._reasoner.answer(pictures, [self._by_picture[id(one)] for one in pictures])


def _reports(ready: Sequence[Ready], engine: Engine) -> list[Report]:
    opened = [
        Opened(image=describe_picture(one.pictures[0]), picture=one.pictures[0]) for one in ready
    ]
    return examine_opened(opened, engine) if opened else []


def _several(ready: Ready) -> Unanswered:
    text = f"a verdict is on one picture, the sample has {len(ready.pictures)}"
    return ready.shown.unanswered(SEVERAL_PICTURES, text)


def _named(ready: Ready) -> Sample:
    """The sample under the name that recordings know it by."""
    return ready.sample.model_copy(update={"id": ready.shown.request_id})


def _looks_at_pixels(model: ChatModel) -> bool:
    return bool(getattr(model, "looks_at_pixels", True))


def _told_usage(report: Report) -> dict[str, int]:
    lines = [line for line in report.evidence if line.kind == "reasoner"]
    usage = lines[-1].detail.get("usage") if lines else None
    return whole_numbers(usage) if isinstance(usage, dict) else {}
