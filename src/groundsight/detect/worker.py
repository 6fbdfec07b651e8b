"""The life of one worker: a process that examines what it is told over a pipe of its own."""

import contextlib
import os
import signal
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Generic, Literal, NamedTuple

from groundsight.core.errors import UsageError
from groundsight.core.interrupts import without_ctrl_c
from groundsight.detect.examiner import OutputError
from groundsight.detect.reporter import Item, Result, Work

# One thread a worker: N workers with N threads each fight over N cores.
ONE_THREAD = {
    name: "1"
    for name in (
        *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"),
        *("VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS"),
    )
}


class Message(NamedTuple):
    """What a worker says: that it is ready, a report, or why it cannot go on."""

    kind: Literal["ready", "report", "usage_error", "output_error"]
    text: str
    batch_size: int = 1


@dataclass(eq=False)
class Worker(Generic[Item]):
    """One process, its pipe, and the items that it has in hand: place and item, in order."""

    process: SpawnProcess
    pipe: "Connection[object, Message]"
    tasks: deque[tuple[int, Item]] = field(default_factory=deque)
    deadline: float | None = None
    ready: bool = False

    @property
    def exit_words(self) -> str:
        """How its process ended."""
        exitcode = self.process.exitcode
        if exitcode is not None and exitcode < 0:
            with contextlib.suppress(ValueError):
                name = signal.Signals(-exitcode).name
                return f"{name} (out of memory?)" if name == "SIGKILL" else name
        return f"exit status {exitcode}"


def start_worker(setup: Work[Item, Result]) -> Worker[Item]:
    """A worker that is making its engine."""
    from multiprocessing import get_context

    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=run_worker, args=(theirs, setup), daemon=True)
    with _environment(ONE_THREAD), without_ctrl_c():
        process.start()
    theirs.close()  # so that the worker's death closes the pipe
    return Worker(process=process, pipe=ours)


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
