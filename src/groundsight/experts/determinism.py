"""Torch's deterministic mode for the time of a training run."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def deterministic(device: str = "cpu") -> Iterator[None]:
    """Deterministic mode; afterwards the process is in the mode it was in.

    Args:
        device: type of the device. An accelerator may lack deterministic kernels of what a network
            needs: there torch warns instead of stopping.
    """
    enabled = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    fill = torch.utils.deterministic.fill_uninitialized_memory
    torch.use_deterministic_algorithms(True, warn_only=device != "cpu")
    torch.utils.deterministic.fill_uninitialized_memory = False  # no buffer is read before written
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(enabled, warn_only=warn_only)
        torch.utils.deterministic.fill_uninitialized_memory = fill
