"""A stream of pictures through several experts, in order, on all cores.

On a CPU every worker opens its own pictures and runs the networks on them with one thread: small
convolutions gain little from many threads, pictures do not wait for each other, and decoding costs
no time of its own. On an accelerator the workers open and the networks run in batches meanwhile.
Threads serve: Pillow's decoders, numpy's and torch's kernels release Python's lock.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
from PIL import Image

from groundsight.core.cores import num_cores
from groundsight.core.errors import PictureError
from groundsight.core.report import Problem
from groundsight.experts.base import AnyArray, Expert
from groundsight.experts.batching import mean_logits

if TYPE_CHECKING:
    import torch

Item = TypeVar("Item")
PICTURES_ON_CPU = 16
"Pictures that a worker takes at a time: with fewer and one thread torch picks slow 1×1 kernels."
PICTURES_ON_ACCELERATOR = 32


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one picture.

    Args:
        p_fake: by the experts' keys; empty where there is a problem.
        logits: the same before temperature and sigmoid.
        problem: why the picture was not scored; None where it was.
    """

    p_fake: dict[str, float] = field(default_factory=dict)
    logits: dict[str, float] = field(default_factory=dict)
    problem: Problem | None = None


@dataclass(frozen=True)
class _Opened(Generic[Item]):
    item: Item
    views: dict[str, AnyArray]
    problem: Problem | None = None


def score_many(
    items: Iterable[Item],
    open_one: Callable[[Item], Image.Image],
    experts: Mapping[str, Expert],
    *,
    workers: int | None = None,
    batch_size: int | None = None,
) -> Iterator[tuple[Item, Outcome]]:
    """Score pictures as they stream by.

    Args:
        items: drawn as they are needed.
        open_one: the RGB picture of an item, or a `PictureError`; called in threads.
        experts: key → expert (see `fast.for_scoring`); all on one device.
        workers: threads; None: one a core.
        batch_size: pictures a batch; None: what suits the device.

    Yields:
        Each item with its outcome, in order.
    """
    device = next(iter(experts.values())).device
    on_cpu = device.type == "cpu"
    workers = workers or num_cores()
    size = batch_size or (PICTURES_ON_CPU if on_cpu else PICTURES_ON_ACCELERATOR)
    opens = partial(_open_all, open_one=open_one, experts=experts)
    runs = partial(_run_all, experts=experts)
    with _threads(device, 1), ThreadPoolExecutor(workers, "expert") as pool:
        chunks = _chunks(items, size)
        if on_cpu:
            done = _ahead(pool, lambda chunk: runs(opens(chunk)), chunks, workers + 2)
            yield from (pair for pairs in done for pair in pairs)
        else:
            opened = _ahead(pool, opens, chunks, workers + 2)
            yield from (pair for chunk in opened for pair in runs(chunk))


def _open_all(
    chunk: Sequence[Item],
    open_one: Callable[[Item], Image.Image],
    experts: Mapping[str, Expert],
) -> list[_Opened[Item]]:
    return [_open(item, open_one, experts) for item in chunk]


def _open(
    item: Item, open_one: Callable[[Item], Image.Image], experts: Mapping[str, Expert]
) -> _Opened[Item]:
    try:
        picture = open_one(item)
        return _Opened(item, {key: one.packed_views(picture) for key, one in experts.items()})
    except PictureError as error:
        return _Opened(item, {}, Problem(code=error.code, message=str(error)))
    except MemoryError:
        text = "too large for this machine's memory"
        return _Opened(item, {}, Problem(code="out_of_memory", message=text))


def _run_all(
    opened: Sequence[_Opened[Item]], experts: Mapping[str, Expert]
) -> list[tuple[Item, Outcome]]:
    good = [one for one in opened if one.problem is None]
    said: list[dict[str, float]] = [{} for _ in good]
    for key, expert in experts.items():
        logits = mean_logits(expert, (one.views[key] for one in good)) if good else ()
        for of, logit in zip(said, logits, strict=True):
            of[key] = float(logit)
    left = iter(said)
    return [(one.item, _outcome(one.problem, left, experts)) for one in opened]


def _outcome(
    problem: Problem | None, said: Iterator[dict[str, float]], experts: Mapping[str, Expert]
) -> Outcome:
    if problem is not None:
        return Outcome(problem=problem)
    logits = next(said)
    p_fake = {
        key: float(experts[key].probabilities(np.array([of]))[0]) for key, of in logits.items()
    }
    return Outcome(p_fake=p_fake, logits=logits)


def _ahead(
    pool: ThreadPoolExecutor,
    work: Callable[[list[Item]], Any],
    chunks: Iterator[list[Item]],
    most: int,
) -> Iterator[Any]:
    """Results of chunks in order, at most so many under way."""
    waiting: deque[Future[Any]] = deque()
    try:
        for chunk in chunks:
            waiting.append(pool.submit(work, chunk))
            if len(waiting) >= most:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _chunks(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    stream = iter(items)
    while chunk := list(islice(stream, size)):
        yield chunk


@contextmanager
def _threads(device: "torch.device", number: int) -> Iterator[None]:
    """Kernels on the CPU use so many threads each, for a while."""
    import torch

    before = torch.get_num_threads()
    if device.type == "cpu":
        torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)
