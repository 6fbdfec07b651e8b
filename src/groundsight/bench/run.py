"""`groundsight bench run` as an outline: look ahead, ask, score, write, work out the figures.

with start_bench(Job(suite="genimage", data=Path("GenImage"), out=Path("out"))) as run:
for outcome in run: ...
record = run.finish()
record.figures["none"]
"""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from groundsight.bench.fingerprint import (
    Answering,
    Tree,
    fingerprint_sha256,
    make_fingerprint,
)
from groundsight.bench.folder import BenchFolder
from groundsight.bench.plan import Given, Plan, look_ahead
from groundsight.bench.records import NONE, RunFile, Unanswered
from groundsight.bench.showing import Shown
from groundsight.bench.summing import Summing
from groundsight.bench.work import Outcome, Work
from groundsight.core.errors import UsageError
from groundsight.detect.job import wanted_workers
from groundsight.detect.pool import Pool
from groundsight.detect.reporter import InProcess, Reporter
from groundsight.engines import EngineOptions, asks_model
from groundsight.engines.faults import ENGINE_DOWN
from groundsight.suites import SUITES
from groundsight.suites.base import Suite
from groundsight.vision.images import Limits
from groundsight.vision.perturbations import chosen_perturbations


@dataclass(frozen=True, kw_only=True)
class Job:
    """What is to be run.

    Args:
        suite: a row of `SUITES`, or an import path.
        data: its folder or file.
        out: folder of the run.
        pictures: folder that picture paths start from; None: where the annotations lie.
        settings: `key=value` of the suite's source.
        engine: a `--engine` value.
        options: how its model is loaded and asked.
        num: how many samples to draw; None: all.
        seed: of the draw, and of what perturbations draw.
        perturbations: rows or families, beside the pictures as they are.
        num_workers: processes; None: as many as are worth it.
        resume: go on with what `out` holds.
        allow_missing: run what is there where pictures are missing.
        limits: what is refused before decoding.
    """

    suite: str
    data: Path
    out: Path
    pictures: Path | None = None
    settings: tuple[str, ...] = ()
    engine: str = "builtin"
    options: EngineOptions = field(default_factory=EngineOptions)
    num: int | None = None
    seed: int = 0
    perturbations: tuple[str, ...] = ()
    num_workers: int | None = None
    resume: bool = False
    allow_missing: bool = False
    limits: Limits = field(default_factory=Limits)


class BenchRun:
    """A run under way: iterate for what becomes of each sample; made by `start_bench`."""

    def __init__(
        self,
        job: Job,
        suite: Suite,
        plan: Plan,
        reporter: Reporter[Shown, Outcome],
        folder: BenchFolder,
        fingerprint: Tree,
    ) -> None:
        self._job, self._suite, self.plan = job, suite, plan
        self._reporter, self._folder, self._fingerprint = reporter, folder, fingerprint
        self.perturbations: tuple[str, ...] = tuple(fingerprint["perturbations"]["names"])
        self._held = {hash(line.key) for line in folder.held()}
        self._num_done = 0
        self._start = time.perf_counter()
        self.num_total = plan.num_samples * len(self.perturbations)
        self.num_held = 0
        if self._held:
            self.num_held = sum(1 for shown in self._shown() if self._is_held(shown))
        self.stopped: str | None = None
        "Why the run ended before its time; None when it did not."
        folder.write_run(self._record({}, complete=False))

    def __iter__(self) -> Iterator[Outcome]:
        """Ask what is pending; what comes out is on the disk within a second.

        Ends early, with `stopped` set, when the engine will answer nothing more.

        Raises:
            UsageError: something could not be written; what came out is kept.
        """
        pending = (shown for shown in self._shown() if not self._is_held(shown))
        for outcome in self._reporter.map(pending):
            self._folder.write(outcome)
            self._num_done += 1
            yield outcome
            if isinstance(outcome, Unanswered) and outcome.code == ENGINE_DOWN:
                self.stopped = outcome.message
                return

    def finish(self, *, interrupted: bool = False) -> RunFile:
        """Work out the figures of all that lies in the folder, and write run.json.

        Args:
            interrupted: the run was ended from outside: the figures are of what was done.
        """
        self._folder.settle()
        summing = {
            name: Summing(self._folder.folder, name, self._folder.num_unanswered.get(name, {}))
            for name in self.perturbations
        }
        for one in summing.values():
            one.work_out(self._suite)
        left = self.num_total - self.num_held - self._num_done
        record = self._record(summing, complete=left == 0 and not interrupted and not self.stopped)
        self._folder.write_run(record)
        return record

    def close(self) -> None:
        """End the workers and let the folder go."""
        self._reporter.close()
        self._folder.close()

    def __enter__(self) -> "BenchRun":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _shown(self) -> Iterator[Shown]:
        """Perturbation by perturbation, so that a run that is stopped has whole ones."""
        for name in self.perturbations:
            for sample in self.plan.samples(self._suite):
                yield Shown(sample, name, self._job.seed)

    def _is_held(self, shown: Shown) -> bool:
        return hash((shown.perturbation, shown.sample.id)) in self._held

    def _record(self, summing: dict[str, Summing], *, complete: bool) -> RunFile:
        usage: Counter[str] = Counter()
        for one in summing.values():
            usage.update(one.usage)
        fingerprint = dict(self._fingerprint)
        if summing:
            first = summing[self.perturbations[0]]
            fingerprint["data"] = fingerprint["data"] | {"pictures_sha256": first.pictures_sha256}
        return RunFile(
            suite=self._job.suite,
            suite_title=self._suite.title,
            engine_spec=self._job.engine,
            engine=self._reporter.info,
            fingerprint=fingerprint,
            fingerprint_sha256=fingerprint_sha256(fingerprint),
            perturbations=self.perturbations,
            num_samples=self.plan.num_samples,
            num_scored={name: one.num for name, one in summing.items()},
            num_unanswered={name: dict(one.unanswered) for name, one in summing.items()},
            complete=complete,
            stopped=self.stopped,
            figures={name: tuple(one.figures) for name, one in summing.items()},
            usage=dict(usage),
            wall_s=time.perf_counter() - self._start,
        )


def start_bench(job: Job) -> BenchRun:
    """Look at the data, make the engine, open the folder.

    Raises:
        UsageError: no such suite, engine or perturbation; data that cannot be read; pictures that
            are missing; an engine that cannot answer; a folder that does not fit.
    """
    _check(job)
    suite = SUITES[job.suite]
    perturbations = (NONE, *(n for n in chosen_perturbations(job.perturbations) if n != NONE))
    given = Given(path=job.data, pictures=job.pictures, settings=job.settings)
    plan = look_ahead(suite, given, num=job.num, seed=job.seed)
    if plan.missing.num and not job.allow_missing:
        raise UsageError(f"{plan.missing.message}, or run what is there with --allow-missing")
    work = Work(suite=job.suite, engine=job.engine, options=job.options, limits=job.limits)
    reporter, answering = _start_reporter(job, work, plan.num_samples * len(perturbations))
    try:
        fingerprint = make_fingerprint(
            suite,
            plan,
            answering,
            perturbations=perturbations,
            num=job.num,
            seed=job.seed,
            limits=job.limits,
        )
        folder = BenchFolder(job.out, fingerprint, resume=job.resume)
        try:
            return BenchRun(job, suite, plan, reporter, folder, fingerprint)
        except BaseException:
            folder.close()
            raise
    except BaseException:
        reporter.close()
        raise


def _check(job: Job) -> None:
    if job.num is not None and job.num < 1:
        raise UsageError(f"--num must be at least 1, got {job.num}")
    if job.num_workers is not None and job.num_workers < 1:
        raise UsageError(f"--workers must be at least 1, got {job.num_workers}")
    if asks_model(job.engine) and (job.num_workers or 1) > 1:
        raise UsageError("--workers is for engines that ask no model: use --batch-size")


def _start_reporter(
    job: Job, work: Work, num_shown: int
) -> tuple[Reporter[Shown, Outcome], Answering]:
    alone = asks_model(job.engine) or job.engine.startswith("expert:")
    asked = 1 if job.num_workers is None and alone else job.num_workers
    wanted = wanted_workers(asked, num_shown)
    if wanted:
        pool: Pool[Shown, Outcome] = Pool(work, num_workers=wanted)
        return pool, Answering(spec=job.engine, info=pool.info)
    examiner = work.start()
    here: InProcess[Shown, Outcome] = InProcess(work, examiner)
    asker = examiner.asker
    answering = Answering(
        spec=job.engine,
        info=asker.info,
        dialect=asker.dialect,
        decoding=asker.decoding,
        seed=job.options.seed,
    )
    return here, answering
