"""Ctrl-C and processes that are just starting."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def without_ctrl_c() -> Iterator[None]:
    """Hold SIGINT back while a process starts, so that it inherits a blocked one.

    A worker that is still importing would else print a traceback of its own on Ctrl-C.
    """
    mask: Callable[..., set[int]] | None = getattr(signal, "pthread_sigmask", None)
    if mask is None:  # Windows
        yield
        return
    # Python starts this helper with the first worker, and unblocks SIGINT when it has: start it
    # before.
    from multiprocessing.resource_tracker import ensure_running

    ensure_running()
    before = mask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        mask(signal.SIG_SETMASK, before)
