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
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from multiprocessing.connection import wait
from time import monotonic
from typing import Generic, Literal

from groundsight.core.errors import UsageError
from groundsight.core.report import EngineInfo, Problem
from groundsight.detect.examiner import OutputError
from groundsight.detect.reporter import Item, Result, Work
from groundsight.detect.worker import Worker, start_worker

# Reports that are ready may wait for an earlier, slower picture; this many a worker, no more.
WINDOW_PER_WORKER = 16


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
        self._workers: list[Worker[Item]] = []
        self._info: EngineInfo | None = None
        self._batch_size = 1
        self._alone: deque[tuple[int, Item]] = deque()
        try:
            self._workers += [start_worker(setup) for _ in range(num_workers)]
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

    def _idle(self) -> list[Worker[Item]]:
        return [worker for worker in self._workers if worker.ready and not worker.tasks]

    def _num_ahead(self, done: dict[int, Result]) -> int:
        in_hand = sum(len(worker.tasks) for worker in self._workers)
        return len(done) + len(self._alone) + in_hand

    def _window(self) -> int:
        return max(WINDOW_PER_WORKER, 2 * self._batch_size) * len(self._workers)

    def _hand(self, worker: Worker[Item], tasks: Sequence[tuple[int, Item]]) -> None:
        worker.tasks.extend(tasks)
        if self._time_limit_s is not None:
            worker.deadline = monotonic() + self._time_limit_s * len(tasks)
        with contextlib.suppress(OSError):  # it died idle; `_receive` sees that and says so
            worker.pipe.send([item for _, item in tasks])

    def _wait(self) -> list[Worker[Item]]:
        """Workers that have something to say, are dead, or are out of time."""
        deadlines = [worker.deadline for worker in self._workers if worker.deadline is not None]
        patience = max(0.0, min(deadlines) - monotonic()) if deadlines else None
        heard = set(wait([worker.pipe for worker in self._workers], patience))
        now = monotonic()
        late = [w for w in self._workers if w.deadline is not None and w.deadline <= now]
        return [w for w in self._workers if w.pipe in heard or w in late]

    def _receive(self, workers: list[Worker[Item]]) -> dict[int, Result]:
        """What the workers have to say: index of the picture → its report."""
        done: dict[int, Result] = {}
        for worker in workers:
            place = worker.tasks[0][0] if worker.tasks else None
            report = self._hear(worker)
            if report is not None and place is not None:
                done[place] = report
        return done

    def _hear(self, worker: Worker[Item]) -> Result | None:
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
        self, worker: Worker[Item], code: Literal["worker_died", "timed_out"]
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
                f"{worker.exit_words}"
            )
        self._workers.append(start_worker(self._setup))
        if len(worker.tasks) != 1:
            self._alone.extend(worker.tasks)
            return None
        if code == "timed_out":
            text = f"took longer than the limit of {self._time_limit_s:g} s"
        else:
            text = f"its process ended with {worker.exit_words}"
        item = worker.tasks[0][1]
        return self._setup.failure(item, self.info, Problem(code=code, message=text))
