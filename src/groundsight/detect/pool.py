"""Local processes that examine pictures; one that dies costs one picture, not the run.

    with Pool(Setup(engine="builtin"), num_workers=4) as pool:
        for report in pool.map(paths):
            ...

Each worker is told one path at a time over a pipe of its own, so a death (a segmentation fault in
a decoder, the kernel's out-of-memory killer) points at its picture. `multiprocessing.Pool` hangs
there and `concurrent.futures` gives up the whole pool. An engine that gains from several pictures
at once is told a batch; where a worker dies over a batch, its pictures are handed out again one by
one.
"""

import contextlib
import os
import signal
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from time import monotonic
from typing import Any, Generic, Literal, NamedTuple, Protocol, TypeVar

from groundsight.core.errors import UsageError
from groundsight.core.interrupts import without_ctrl_c
from groundsight.core.report import EngineInfo, Problem
from groundsight.data.ahead import batches_ahead
from groundsight.detect.examiner import OutputError

# One thread a worker: N workers with N threads each fight over N cores.
ONE_THREAD = {
    name: "1"
    for name in (
        *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"),
        *("VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS"),
    )
}
# Reports that are ready may wait for an earlier, slower picture; this many a worker, no more.
WINDOW_PER_WORKER = 16


class Message(NamedTuple):
    """What a worker says: that it is ready, a report, or why it cannot go on."""

    kind: Literal["ready", "report", "usage_error", "output_error"]
    text: str
    batch_size: int = 1


Item = TypeVar("Item")
Result = TypeVar("Result")
ItemIn = TypeVar("ItemIn", contravariant=True)
ResultOut = TypeVar("ResultOut", covariant=True)


class Examines(Protocol[ItemIn, Result]):
    """What a worker has at hand: an engine that is ready (`detect.examiner.Examiner`)."""

    @property
    def info(self) -> EngineInfo:
        """Of the engine."""
        ...

    @property
    def batch_size(self) -> int:
        """Items worth handing to one `examine_many`."""
        ...

    def open(self, item: ItemIn, /) -> Any:
        """What `report` takes: the item, read and decoded; may run beside `report`."""
        ...

    def report(self, opened: Sequence[Any], /) -> list[Result]:
        """One result an item, in order."""
        ...

    def examine_many(self, items: Sequence[ItemIn], /) -> list[Result]:
        """Open and report."""
        ...

    def close(self) -> None:
        """Let the engine go."""
        ...


class Work(Protocol[ItemIn, Result]):
    """What a worker must know to start; travels between processes (`detect.examiner.Setup`)."""

    @property
    def engine(self) -> str:
        """A `--engine` value, for messages."""
        ...

    def start(self) -> Examines[ItemIn, Result]:
        """Make the engine."""
        ...

    def encode(self, result: Result, /) -> str:
        """A result as a worker sends it."""
        ...

    def decode(self, text: str, /) -> Result:
        """The inverse of `encode`."""
        ...

    def failure(self, item: ItemIn, info: EngineInfo, problem: Problem, /) -> Result:
        """The result of an item over which a worker died."""
        ...


class Reporter(Protocol[ItemIn, ResultOut]):
    """Turns paths, or other items, into reports, in order."""

    @property
    def info(self) -> EngineInfo:
        """Of the engine."""
        ...

    def map(self, items: Iterable[ItemIn], /) -> Iterator[ResultOut]:
        """One report an item, in the order of the items."""
        ...

    def close(self) -> None:
        """Let everything go."""
        ...


class InProcess(Generic[Item, Result]):
    """The reporter without processes: nothing to start, and nothing that catches a crash.

    An engine that takes batches gets them; the files of the next one are opened meanwhile.

    Args:
        setup: what is to be made.
        examiner: made of it already.
    """

    def __init__(
        self, setup: Work[Item, Result], examiner: Examines[Item, Result] | None = None
    ) -> None:
        self._examiner = setup.start() if examiner is None else examiner

    @property
    def info(self) -> EngineInfo:
        """Of the engine."""
        return self._examiner.info

    def map(self, items: Iterable[Item]) -> Iterator[Result]:
        """One report an item, in the order of the items."""
        if self._examiner.batch_size == 1:
            return (self._examiner.examine_many([item])[0] for item in items)
        return self._map_batches(iter(items))

    def close(self) -> None:
        """Let the engine go."""
        self._examiner.close()

    def _map_batches(self, items: Iterator[Item]) -> Iterator[Result]:
        for opened in batches_ahead(items, self._examiner.open, self._examiner.batch_size):
            yield from self._examiner.report(opened)


@dataclass(eq=False)
class _Worker(Generic[Item]):
    """One process, its pipe, and the items that it has in hand: place and item, in order."""

    process: SpawnProcess
    pipe: "Connection[object, Message]"
    tasks: deque[tuple[int, Item]] = field(default_factory=deque)
    deadline: float | None = None
    ready: bool = False


class Pool(Generic[Item, Result]):
    """Workers that are started once and replaced when they die.

    Args:
        setup: what each worker makes.
        num_workers: processes, at least 1.
        time_limit_s: a picture that takes longer is given up as `timed_out`; None for no limit.
            A batch has as much time as its pictures together.

    Raises:
        UsageError: the engine cannot be made, or a worker dies before it is ready.
    """

    def __init__(
        self, setup: Work[Item, Result], *, num_workers: int, time_limit_s: float | None = None
    ) -> None:
        self._setup = setup
        self._time_limit_s = time_limit_s
        self._workers: list[_Worker[Item]] = []
        self._info: EngineInfo | None = None
        self._batch_size = 1
        self._alone: deque[tuple[int, Item]] = deque()
        try:
            self._workers += [_start_worker(setup) for _ in range(num_workers)]
            while self._info is None:
                self._receive(self._wait())
        except BaseException:
            self.close()
            raise

    @property
    def info(self) -> EngineInfo:
        """Of the engine, as the first ready worker told it."""
        assert self._info is not None
        return self._info

    def map(self, items: Iterable[Item]) -> Iterator[Result]:
        """One report an item, in the order of the items, which are drawn as they are needed.

        Raises:
            OutputError: a worker could not write what it draws.
        """
        queue = enumerate(items)
        done: dict[int, Result] = {}
        next_out, exhausted = 0, False
        while True:
            while next_out in done:
                yield done.pop(next_out)
                next_out += 1
            for worker in self._idle():
                if self._alone:
                    self._hand(worker, [self._alone.popleft()])
                    continue
                if exhausted or self._num_ahead(done) >= self._window():
                    break
                tasks = list(islice(queue, self._batch_size))
                exhausted = not tasks
                if tasks:
                    self._hand(worker, tasks)
            if exhausted and not done and not self._num_ahead(done):
                return
            done.update(self._receive(self._wait()))

    def wait_until_ready(self) -> None:
        """Return when every worker has made its engine; for measurements."""
        while not all(worker.ready for worker in self._workers):
            self._receive(self._wait())

    def close(self) -> None:
        """End the workers: idle ones by closing their pipe, busy ones by force."""
        for worker in self._workers:
            worker.pipe.close()
            if worker.tasks or not worker.ready:
                worker.process.kill()
        for worker in self._workers:
            worker.process.join(timeout=5)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
        self._workers.clear()

    def __enter__(self) -> "Pool[Item, Result]":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _idle(self) -> list[_Worker[Item]]:
        return [worker for worker in self._workers if worker.ready and not worker.tasks]

    def _num_ahead(self, done: dict[int, Result]) -> int:
        in_hand = sum(len(worker.tasks) for worker in self._workers)
        return len(done) + len(self._alone) + in_hand

    def _window(self) -> int:
        return max(WINDOW_PER_WORKER, 2 * self._batch_size) * len(self._workers)

    def _hand(self, worker: _Worker[Item], tasks: Sequence[tuple[int, Item]]) -> None:
        worker.tasks.extend(tasks)
        if self._time_limit_s is not None:
            worker.deadline = monotonic() + self._time_limit_s * len(tasks)
        with contextlib.suppress(OSError):  # it died idle; `_receive` sees that and says so
            worker.pipe.send([item for _, item in tasks])

    def _wait(self) -> list[_Worker[Item]]:
        """Workers that have something to say, are dead, or are out of time."""
        deadlines = [worker.deadline for worker in self._workers if worker.deadline is not None]
        patience = max(0.0, min(deadlines) - monotonic()) if deadlines else None
        heard = set(wait([worker.pipe for worker in self._workers], patience))
        now = monotonic()
        late = [w for w in self._workers if w.deadline is not None and w.deadline <= now]
        return [w for w in self._workers if w.pipe in heard or w in late]

    def _receive(self, workers: list[_Worker[Item]]) -> dict[int, Result]:
        """What the workers have to say: index of the picture → its report."""
        done: dict[int, Result] = {}
        for worker in workers:
            place = worker.tasks[0][0] if worker.tasks else None
            report = self._hear(worker)
            if report is not None and place is not None:
                done[place] = report
        return done

    def _hear(self, worker: _Worker[Item]) -> Result | None:
        try:
            message = worker.pipe.recv() if worker.pipe.poll() else None
        except (EOFError, OSError):
            return self._bury(worker, "worker_died")
        if message is None:
            return self._bury(worker, "timed_out")
        if message.kind == "ready":
            worker.ready = True
            self._batch_size = message.batch_size
            self._info = self._info or EngineInfo.model_validate_json(message.text)
            return None
        if message.kind == "report":
            worker.tasks.popleft()
            if not worker.tasks:
                worker.deadline = None
            return self._setup.decode(message.text)
        error = OutputError if message.kind == "output_error" else UsageError
        raise error(message.text)

    def _bury(
        self, worker: _Worker[Item], code: Literal["worker_died", "timed_out"]
    ) -> Result | None:
        """Replace a worker that died or must die; the report of the picture it had in hand.

        Of several pictures in hand nobody knows which it was: each is handed out again, alone.
        """
        self._workers.remove(worker)
        worker.process.kill()
        worker.process.join()
        worker.pipe.close()
        if not worker.ready:
            raise UsageError(
                f"the engine {self._setup.engine!r} could not be started: its process ended with "
                f"{_exit_words(worker.process.exitcode)}"
            )
        self._workers.append(_start_worker(self._setup))
        if len(worker.tasks) != 1:
            self._alone.extend(worker.tasks)
            return None
        if code == "timed_out":
            text = f"took longer than the limit of {self._time_limit_s:g} s"
        else:
            text = f"its process ended with {_exit_words(worker.process.exitcode)}"
        item = worker.tasks[0][1]
        return self._setup.failure(item, self.info, Problem(code=code, message=text))


def num_cores() -> int:
    """Cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not Linux
        return os.cpu_count() or 1


def run_worker(pipe: "Connection[Message, list[Item]]", setup: Work[Item, Result]) -> None:
    """The whole life of a worker: make the engine, then answer items until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        try:
            examiner = setup.start()
            ready = examiner.info.model_dump_json()
            pipe.send(Message("ready", ready, examiner.batch_size))
            while True:
                for report in examiner.examine_many(pipe.recv()):
                    pipe.send(Message("report", setup.encode(report)))
        except OutputError as error:
            pipe.send(Message("output_error", str(error)))
        except UsageError as error:
            pipe.send(Message("usage_error", str(error)))


def _start_worker(setup: Work[Item, Result]) -> _Worker[Item]:
    from multiprocessing import get_context

    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=run_worker, args=(theirs, setup), daemon=True)
    with _environment(ONE_THREAD), without_ctrl_c():
        process.start()
    theirs.close()  # so that the worker's death closes the pipe
    return _Worker(process=process, pipe=ours)


@contextlib.contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Set variables for the processes that start meanwhile; those of the user stay."""
    new = {name: value for name, value in values.items() if name not in os.environ}
    os.environ.update(new)
    try:
        yield
    finally:
        for name in new:
            os.environ.pop(name, None)


def _exit_words(exitcode: int | None) -> str:
    if exitcode is not None and exitcode < 0:
        with contextlib.suppress(ValueError):
            name = signal.Signals(-exitcode).name
            return f"{name} (out of memory?)" if name == "SIGKILL" else name
    return f"exit status {exitcode}"
