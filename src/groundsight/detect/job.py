"""Many pictures: workers, the folder of results, resuming. Reads as the outline of the job.

job = Job(engine="builtin", out=Path("out"), existing="resume")
with start_run(find_pictures(["photos/"]).paths, job) as run:
for report in run:          # in the order of the paths
print(report.image.path, report.verdict)
run.write_page()
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from groundsight.core.cores import num_cores
from groundsight.core.errors import UsageError
from groundsight.core.report import Report
from groundsight.detect.examiner import Setup
from groundsight.detect.ledger import Existing, Ledger
from groundsight.detect.one import is_failed
from groundsight.detect.page import write_page
from groundsight.detect.pool import Pool
from groundsight.detect.ray_pool import RayPool, RaySettings
from groundsight.detect.reporter import InProcess, Reporter
from groundsight.engines import EngineOptions, asks_model
from groundsight.engines.faults import ENGINE_DOWN
from groundsight.vision.images import Limits

# Starting a worker costs about as long as examining this many pictures.
WORTH_A_WORKER = 3


@dataclass(frozen=True, kw_only=True)
class Job:
    """How a batch is to be run.

    Args:
        engine: a `--engine` value.
        options: how its model is loaded and asked; None for the defaults.
        out: folder for reports.jsonl, overlays, thumbnails and report.html; None writes nothing.
        existing: what to do with reports that `out` holds already.
        draws: overlays, thumbnails and report.html beside reports.jsonl; a million pictures do
            better without.
        num_workers: processes; 1 works in this process, where a decoder's crash ends the run;
            None takes every core where there are pictures enough, and for a single picture or an
            engine that asks a model none.
        ray: work on this Ray cluster instead of local processes; None: here.
        time_limit_s: a picture that takes longer is given up, with a problem; None for no limit.
        limits: what is refused before decoding.
    """

    engine: str = "builtin"
    options: EngineOptions | None = None
    out: Path | None = None
    existing: Existing = "refuse"
    draws: bool = True
    num_workers: int | None = None
    ray: RaySettings | None = None
    time_limit_s: float | None = None
    limits: Limits = field(default_factory=Limits)


class Run:
    """A batch under way: iterate for its reports; made by `start_run`.

    Args:
        pending: paths that are to be examined.
        num_paths: paths that were asked for, those already held included.
        reporter: turns paths into reports.
        ledger: where reports are kept; None keeps none.
        has_page: whether `write_page` writes one.
    """

    def __init__(
        self,
        pending: Sequence[str],
        num_paths: int,
        reporter: Reporter[str, Report],
        ledger: Ledger | None,
        *,
        has_page: bool = True,
    ) -> None:
        self._has_page = has_page
        self.num_paths = num_paths
        self.num_held = num_paths - len(pending)
        self._num_done = 0
        self.num_failed = ledger.num_failed_held if ledger else 0
        self._pending = pending
        self._reporter = reporter
        self._ledger = ledger
        self.stopped: str | None = None
        "Why the run ended before its time; None when it did not."

    def __iter__(self) -> Iterator[Report]:
        """Examine what is pending; a report that comes out is on disk already.

        Ends early, with `stopped` set, when the engine says that it will answer nothing more.

        Raises:
            OutputError: something could not be written; what was yielded is kept.
        """
        for report in self._reporter.map(self._pending):
            if self._ledger:
                self._ledger.append(report)
            self._num_done += 1
            self.num_failed += is_failed(report)
            yield report
            down = [p.message for p in report.problems if p.code == ENGINE_DOWN]
            if down:
                self.stopped = down[0]
                return

    def count_done(self) -> int:
        """Paths whose reports are finished, those already held included.

        With a folder this is what lies on disk, also when an interrupt came just after a write.
        """
        return self.num_held + (self._ledger.count_appended() if self._ledger else self._num_done)

    def write_page(self, *, title: str = "groundsight report") -> Path | None:
        """Write report.html over all that the folder holds; None without folder or drawings."""
        if self._ledger is None or not self._has_page:
            return None
        return write_page(self._ledger.folder, title=title)

    def close(self) -> None:
        """End the workers and let the folder go."""
        self._reporter.close()
        if self._ledger:
            self._ledger.close()

    def __enter__(self) -> "Run":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def start_run(paths: Sequence[str], job: Job) -> Run:
    """Open the folder, find what is left to do, start the workers.

    Args:
        paths: pictures.
        job: how to run.

    Raises:
        UsageError: no such engine, a folder with other reports, a wrong number of workers.
        OutputError: the folder cannot be written.
    """
    if job.num_workers is not None and job.num_workers < 1:
        raise UsageError(f"--workers must be at least 1, got {job.num_workers}")
    if job.time_limit_s is not None and not job.time_limit_s > 0:
        raise UsageError(f"--time-limit must be above 0 seconds, got {job.time_limit_s:g}")
    ledger = Ledger.open(job.out, existing=job.existing) if job.out else None
    try:
        pending = ledger.pending(paths, job.limits) if ledger else list(paths)
        reporter = _start_reporter(job, len(pending))
        try:
            if ledger:
                ledger.settle(reporter.info)
            return Run(pending, len(paths), reporter, ledger, has_page=job.draws)
        except BaseException:
            reporter.close()
            raise
    except BaseException:
        if ledger:
            ledger.close()
        raise


def detect_pictures(paths: Sequence[str], job: Job | None = None) -> Iterator[Report]:
    """Reports on many pictures, in order, as they are done.

    Args:
        paths: pictures, e.g. of `groundsight.data.pictures.find_pictures`.
        job: how to run; by default in this process, nothing written.

    Raises:
        UsageError: as `start_run`.
        OutputError: something could not be written.
    """
    with start_run(paths, job or Job(num_workers=1)) as run:
        yield from run
        run.write_page()


def _start_reporter(job: Job, num_pictures: int) -> Reporter[str, Report]:
    setup = Setup(
        engine=job.engine,
        options=job.options or EngineOptions(),
        out=job.out if job.draws else None,
        limits=job.limits,
    )
    if job.ray is not None:
        return RayPool(setup, job.ray, time_limit_s=job.time_limit_s)
    asked = 1 if job.num_workers is None and asks_model(job.engine) else job.num_workers
    wanted = wanted_workers(asked, num_pictures)
    if wanted == 0 and job.time_limit_s is None:
        return InProcess(setup)
    return Pool(setup, num_workers=max(1, wanted), time_limit_s=job.time_limit_s)


def wanted_workers(asked: int | None, num_pictures: int) -> int:
    """Processes to start; 0 works in this one.

    Args:
        asked: by the user; None takes every core where there are pictures enough.
        num_pictures: that are to be examined.
    """
    if asked == 1 or num_pictures <= 1:
        return 0
    if asked is not None:
        return min(asked, num_pictures)
    return min(num_cores(), -(-num_pictures // WORTH_A_WORKER))
