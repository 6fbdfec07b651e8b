"""What there is to run: one pass over a suite's samples before anything is asked.

plan = look_ahead(suite, Given(path=Path("loki"), pictures=None), num=500, seed=0)
plan.num_samples, plan.missing.num, plan.data_sha256
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from groundsight.bench.truth import sample_digest
from groundsight.core.errors import UsageError
from groundsight.core.seeds import derive_seed
from groundsight.core.types import Sample
from groundsight.suites.base import Suite
from groundsight.suites.missing import Missing, find_missing

_MODULUS = 1 << 256


@dataclass(frozen=True, kw_only=True)
class Given:
    """Where a suite's data lie.

    Args:
        path: folder or file.
        pictures: folder that picture paths start from; None: where the annotations lie.
        settings: `key=value` of the source.
    """

    path: Path
    pictures: Path | None = None
    settings: tuple[str, ...] = ()

    def samples(self, suite: Suite) -> Iterator[Sample]:
        """The suite's samples, read anew each time."""
        return suite.samples(self.path, self.pictures, self.settings)


@dataclass
class Asking:
    """What the samples of one task have, so that the task's prompt can be told.

    Args:
        num_pictures: most pictures of a sample.
        own_question: whether samples bring questions of their own.
        num_choices: most choices of a sample.
    """

    num_pictures: int = 1
    own_question: bool = False
    num_choices: int = 0

    def see(self, sample: Sample) -> None:
        """Take a sample into account."""
        choices = sample.extra.get("choices")
        self.num_pictures = max(self.num_pictures, len(sample.images))
        self.own_question = self.own_question or bool(sample.question)
        if isinstance(choices, list):
            self.num_choices = max(self.num_choices, len(choices))


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to be run.

    Args:
        given: where the data lie.
        num_in_data: samples that the suite has there.
        num_samples: of these, asked for.
        chosen: hashes of the ids asked for; None: all.
        tasks: what is asked, by task.
        data_sha256: sum of the hashes of all samples; their order does not count.
        missing: pictures of the samples asked for that are not there.
    """

    given: Given
    num_in_data: int
    num_samples: int
    chosen: frozenset[int] | None
    tasks: dict[str, Asking]
    data_sha256: str
    missing: Missing

    def samples(self, suite: Suite) -> Iterator[Sample]:
        """Those asked for, in the data's order."""
        every = self.given.samples(suite)
        if self.chosen is None:
            return every
        chosen = self.chosen
        return (sample for sample in every if hash(sample.id) in chosen)


def look_ahead(suite: Suite, given: Given, *, num: int | None = None, seed: int = 0) -> Plan:
    """Read the samples once, so that every fault of the data shows before anything is asked.

    Args:
        suite: whose samples.
        given: where they lie.
        num: how many to draw; a larger number with the same seed draws these and more. None: all.
        seed: of the draw.

    Raises:
        UsageError: no samples, a row that is none, or two samples of one id.
    """
    ids: set[int] = set()
    tasks: dict[str, Asking] = {}
    draw = _Draw(num, seed)
    total = 0
    for sample in given.samples(suite):
        key = hash(sample.id)
        if key in ids:
            raise UsageError(
                f"{given.path}: two samples have the id {sample.id!r}; ids name one sample"
            )
        ids.add(key)
        tasks.setdefault(sample.task, Asking()).see(sample)
        total += int.from_bytes(sha256(sample_digest(sample).encode()).digest(), "big")
        draw.see(sample.id)
    if not ids:
        raise UsageError(f"{given.path} holds no samples of {suite.name}")
    chosen = draw.chosen()
    asked_for = (one for one in given.samples(suite) if chosen is None or hash(one.id) in chosen)
    return Plan(
        given=given,
        num_in_data=len(ids),
        num_samples=len(ids if chosen is None else chosen),
        chosen=chosen,
        tasks=tasks,
        data_sha256=f"{total % _MODULUS:064x}",
        missing=find_missing(suite, asked_for),
    )


class _Draw:
    """The ids with the smallest hashes: the same whatever the order, and nested in `num`."""

    def __init__(self, num: int | None, seed: int) -> None:
        self._num, self._seed = num, seed
        self._heap: list[tuple[int, int]] = []

    def see(self, name: str) -> None:
        if self._num is None:
            return
        entry = (-derive_seed(self._seed, "bench", name), hash(name))
        if len(self._heap) < self._num:
            heapq.heappush(self._heap, entry)
        else:
            heapq.heappushpop(self._heap, entry)

    def chosen(self) -> frozenset[int] | None:
        return None if self._num is None else frozenset(key for _, key in self._heap)
