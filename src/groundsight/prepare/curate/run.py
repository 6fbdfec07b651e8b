"""`groundsight curate` as an outline: ask, keep the answers, score them, choose.

    with start_curation(Path("pool.jsonl"), model, recipe, settings, out=Path("rl")) as run:
        for _ in run: ...
        report = run.choose()

Choosing reads the answers from the disk, so it can be repeated with another band or threshold and
nothing is asked again.
"""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from groundsight.core.errors import UsageError
from groundsight.core.seeds import derive_short_seed
from groundsight.core.types import Sample
from groundsight.data.ahead import batches_ahead
from groundsight.data.run_folder import told
from groundsight.data.samples import SampleWriter, read_samples
from groundsight.data.samples.hashing import truth_hash
from groundsight.engines.chat import ENGINE_DOWN, ChatModel, ChatReply, Decoding
from groundsight.prepare.curate.asking import Asked, SetAside, open_question
from groundsight.prepare.curate.choosing import choose, group_rates, with_rate
from groundsight.prepare.curate.folder import (
    KEPT_FILE,
    QUESTIONS_FILE,
    REPORT_FILE,
    Answered,
    AnswerFolder,
)
from groundsight.prepare.curate.judging import Judged, judge
from groundsight.prepare.curate.recipe import CurationRecipe
from groundsight.prepare.curate.report import CurationReport, QuestionLine, count_ends
from groundsight.prepare.curate.settings import ASKING, CurationSettings
from groundsight.prepare.plan import Plan
from groundsight.prepare.synthesize.outcome import count_usage


class Curation:
    """A run under way: iterate for what becomes of each question; made by `start_curation`."""

    def __init__(
        self,
        given: "_Given",
        model: ChatModel,
        recipe: CurationRecipe,
        settings: CurationSettings,
        folder: AnswerFolder,
    ) -> None:
        self._given, self._model, self._recipe = given, model, recipe
        self._settings, self._folder = settings, folder
        self._held = {one.sample.id: truth_hash(one.sample) for one in folder.answered()}
        self._ids: set[str] = set()
        self._look_ahead()
        self._set_aside: Counter[str] = Counter()
        self._asking_s, self._num_asked = 0.0, 0
        self.plan = Plan(len(self._ids), len(self._ids & self._held.keys()))
        self.stopped: str | None = None
        "Why the run ended before its time; None when it did not."

    def __iter__(self) -> Iterator[Answered | SetAside]:
        """Ask what is pending; what comes out is on the disk already.

        Ends early, with `stopped` set, when the engine will answer nothing more.

        Raises:
            UsageError: something could not be written; what came out is kept.
        """
        pending = (sample for sample in self._given.samples() if sample.id not in self._held)
        started = time.perf_counter()
        opened = partial(open_question, model=self._model, seed=self._settings.seed)
        for batch in batches_ahead(pending, opened, self._model.batch_size):
            for outcome in self._ask(batch):
                self._note(outcome)
                self._asking_s = time.perf_counter() - started
                yield outcome
            if self.stopped:
                return

    def choose(self) -> CurationReport:
        """Score all answers, choose the RL set, write it and the counts.

        Raises:
            UsageError: something could not be read or written.
        """
        judged: list[Judged] = []
        usage: Counter[str] = Counter()
        for answered in self._answered():
            judged.append(judge(answered, self._recipe.rubric, self._model.dialect, self._settings))
            usage.update(answered.usage)
        lines, caps = choose(judged, self._settings)
        self._write_kept(judged, lines)
        self._folder.write_lines(QUESTIONS_FILE, lines)
        report = CurationReport(
            schema="groundsight.curation/1",
            num_questions=self.plan.num_samples,
            num_answered=len(judged),
            num_set_aside=dict(sorted(self._set_aside.items())),
            num_pending=self.plan.num_samples - len(judged) - self._set_aside.total(),
            ends=count_ends(lines),
            pass_rate=_mean([line.pass_rate for line in lines if line.pass_rate is not None]),
            rates=_rates(lines),
            groups=group_rates(judged, lines),
            caps=tuple(caps),
            num_completions=sum(one.num_answers for one in judged),
            num_cut_off=sum(one.num_cut_off for one in judged),
            usage=dict(usage),
            what_passes=f"{self._settings.part or 'total'} >= {self._settings.pass_at:g}",
            band=(self._settings.min_rate, self._settings.max_rate),
            settings=self._settings.model_dump(mode="json"),
            engine=self._model.info,
            asking_s=self._asking_s,
            num_asked=self._num_asked,
        )
        path = self._folder.folder / REPORT_FILE
        with told(path):
            path.write_text(report.model_dump_json(by_alias=True, indent=2) + "\n", "utf-8")
        return report

    def close(self) -> None:
        """Close the folder; the model stays."""
        self._folder.close()

    def __enter__(self) -> "Curation":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _look_ahead(self) -> None:
        """Read the samples once, so that every fault of the file shows before money is spent."""
        task = self._recipe.rubric.config.task
        for sample in self._given.samples():
            if sample.id in self._ids:
                raise UsageError(
                    f"{self._given.path}: two samples have the id {sample.id!r}; ids name one"
                )
            if sample.task != task:
                raise UsageError(
                    f"{self._recipe.path} scores {task}, but sample {sample.id!r} is of "
                    f"{sample.task}: take a recipe of that task, or other samples"
                )
            if self._held.get(sample.id, truth_hash(sample)) != truth_hash(sample):
                raise UsageError(
                    f"sample {sample.id!r} is another one than was answered in "
                    f"{self._folder.folder}: name another --out"
                )
            self._ids.add(sample.id)
        if not self._ids:
            raise UsageError(f"{self._given.path} holds no samples")

    def _ask(self, batch: list[Asked | SetAside]) -> Iterator[Answered | SetAside]:
        asked = [one for one in batch if isinstance(one, Asked)]
        replies: Iterator[ChatReply] = iter(())
        if asked:
            decoding = self._decoding(asked[0].sample)
            replies = iter(self._model.complete([one.request for one in asked], decoding))
        for one in batch:
            yield one if isinstance(one, SetAside) else _outcome(one.sample, next(replies))

    def _note(self, outcome: Answered | SetAside) -> None:
        if isinstance(outcome, Answered):
            self._folder.write(outcome)
            self._held[outcome.sample.id] = truth_hash(outcome.sample)
            self._num_asked += 1
            return
        self._set_aside[outcome.code] += 1
        if outcome.code == ENGINE_DOWN:
            self.stopped = outcome.message

    def _decoding(self, first: Sample) -> Decoding:
        """Each batch draws from a stream of its own."""
        settings = self._settings
        return Decoding(
            max_new_tokens=settings.max_new_tokens,
            temperature=settings.temperature,
            top_p=settings.top_p,
            num_samples=settings.samples,
            seed=derive_short_seed(settings.seed, "curate", first.id),
        )

    def _answered(self) -> Iterator[Answered]:
        """Answers to questions of this data set; those to others stay as they are."""
        return (one for one in self._folder.answered() if one.sample.id in self._ids)

    def _write_kept(self, judged: list[Judged], lines: list[QuestionLine]) -> None:
        with SampleWriter(self._folder.folder / KEPT_FILE, mode="replace") as writer:
            for answered, one, line in zip(self._answered(), judged, lines, strict=True):
                if line.end == "kept":
                    writer.write(with_rate(answered.sample, one))


@dataclass(frozen=True)
class _Given:
    """The samples asked for, read anew each time."""

    path: Path
    pictures: Path | None
    max_samples: int | None

    def samples(self) -> Iterator[Sample]:
        return islice(read_samples(self.path, pictures=self.pictures), self.max_samples)


def start_curation(
    samples: Path,
    model: ChatModel,
    recipe: CurationRecipe,
    settings: CurationSettings,
    *,
    out: Path,
    resume: bool = False,
    max_samples: int | None = None,
    pictures: Path | None = None,
) -> Curation:
    """Begin a run, or go on with one.

    Args:
        samples: file of samples with their truth, of one task.
        model: who answers, e.g. the merged model of the SFT.
        recipe: what a good answer is.
        settings: how to ask and what to keep.
        out: the run's folder.
        resume: go on with what it holds.
        max_samples: only the first so many of the file; None: all.
        pictures: folder that relative picture paths start from; None: the file's own.

    Raises:
        UsageError: samples that cannot be read, or a folder that does not fit.
    """
    tree: dict[str, Any] = {
        "asking": settings.model_dump(mode="json", include=set(ASKING)),
        "engine": model.info.model_dump(mode="json"),
        "frame": model.dialect.frame,
    }
    given = _Given(samples, pictures, max_samples)
    folder = AnswerFolder(out, tree, resume=resume)
    try:
        return Curation(given, model, recipe, settings, folder)
    except BaseException:
        folder.close()
        raise


def _outcome(sample: Sample, reply: ChatReply) -> Answered | SetAside:
    if reply.problem is not None:
        return SetAside(id=sample.id, code=reply.problem.code, message=reply.problem.message)
    return Answered(
        sample=sample,
        completions=tuple(completion.text for completion in reply.completions),
        num_cut_off=sum(completion.finish == "length" for completion in reply.completions),
        usage=count_usage(reply.usage),
    )


def _mean(rates: list[float]) -> float | None:
    return sum(rates) / len(rates) if rates else None


def _rates(lines: list[QuestionLine]) -> dict[str, dict[str, int]]:
    counts: dict[float, Counter[str]] = {}
    for line in lines:
        if line.pass_rate is not None:
            counts.setdefault(line.pass_rate, Counter())[line.end] += 1
    return {f"{rate:.4f}": dict(counts[rate]) for rate in sorted(counts)}
