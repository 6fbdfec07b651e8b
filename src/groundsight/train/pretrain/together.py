"""Several processes that take the same step: each on its share of a batch, gradients averaged."""

import os
import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from torch import distributed, multiprocessing, nn

_PATIENCE = timedelta(minutes=30)  # one process makes pictures or saves while another waits


def run_together(work: Callable[..., None], arguments: tuple[Any, ...], *, num: int) -> None:
    """Call `work(rank, num, *arguments)` in `num` processes of one thread each.

    Args:
        work: importable by name.
        arguments: that can be pickled.
        num: processes; 1 stays in this one.
    """
    if num == 1:
        work(0, 1, *arguments)
        return
    meeting = Path(arguments[0]) / f"meeting-{os.getpid()}"
    meeting.unlink(missing_ok=True)
    try:
        multiprocessing.spawn(_begin, (num, str(meeting), work, arguments), nprocs=num)
    finally:
        meeting.unlink(missing_ok=True)


def _begin(
    rank: int, num: int, meeting: str, work: Callable[..., None], arguments: tuple[Any, ...]
) -> None:
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo", init_method=f"file://{meeting}", rank=rank, world_size=num, timeout=_PATIENCE
    )
    try:
        work(rank, num, *arguments)
    finally:
        distributed.destroy_process_group()
        sys.stdout.flush()


def average_gradients(parameters: Sequence[nn.Parameter]) -> None:
    """Average over all processes, in one message; nothing to do for one."""
    if not distributed.is_initialized():
        return
    for parameter in parameters:
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
    flat = torch.cat([p.grad.flatten() for p in parameters if p.grad is not None])
    distributed.all_reduce(flat)
    flat /= distributed.get_world_size()
    start = 0
    for parameter in parameters:
        assert parameter.grad is not None
        parameter.grad.copy_(flat[start : start + parameter.numel()].view_as(parameter))
        start += parameter.numel()
