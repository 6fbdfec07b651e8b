"""Work in batches, the next one's preparation beside the present one's work."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Prepared = TypeVar("Prepared")


def batches_ahead(
    items: Iterator[Item], prepare: Callable[[Item], Prepared], batch_size: int
) -> Iterator[list[Prepared]]:
    """Batches of prepared items, in order; while one is worked on the next is prepared.

    Args:
        items: drawn as they are needed, at most two batches ahead.
        prepare: runs in a thread of its own, e.g. opens pictures; what it raises is raised here.
        batch_size: items a batch.
    """
    thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="opener")

    def begin() -> "list[Future[Prepared]]":
        return [thread.submit(prepare, item) for item in islice(items, batch_size)]

    try:
        ahead = begin()
        while ahead:
            prepared = [future.result() for future in ahead]
            ahead = begin()
            yield prepared
    finally:
        thread.shutdown(wait=False, cancel_futures=True)
