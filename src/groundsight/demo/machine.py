"""How this process uses the machine while it trains on a CPU."""

import ctypes
import os
from contextlib import suppress

# glibc's mallopt: the numbers of its parameters, and values that keep memory in the process.
_KEEPS = {
    -3: 1 << 30,  # M_MMAP_THRESHOLD: smaller blocks come from the heap
    -1: (1 << 31) - 1,  # M_TRIM_THRESHOLD: freed memory stays
    -2: 1 << 28,  # M_TOP_PAD: the heap grows in large pieces
}


def keep_freed_memory() -> bool:
    """Let this process keep memory that it frees, where the C library is glibc.

    By default large arrays of a training step are asked of the system and handed back, page by
    page, which on virtual machines can take as long as the arithmetic. `doctor` names environment
    variables that do the same from outside.

    Returns:
        Whether the C library took the settings.
    """
    if "CS_GNU_LIBC_VERSION" not in getattr(os, "confstr_names", {}):
        return False
    with suppress(OSError, AttributeError, ValueError):
        mallopt = ctypes.CDLL(None).mallopt
        return all([mallopt(name, value) == 1 for name, value in _KEEPS.items()])
    return False
