"""What reporters and workers must be able to do, and the reporter without processes."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Generic, Protocol, TypeVar

from groundsight.core.report import EngineInfo, Problem
from groundsight.data.ahead import batches_ahead

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
