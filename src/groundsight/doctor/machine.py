"""The machine: processor, memory, Python, what is installed, devices, the price of new memory."""

import os
import platform
import sys
from time import perf_counter

import numpy as np

from groundsight import __version__
from groundsight.core.cores import num_cores
from groundsight.core.types import Value
from groundsight.doctor.extras import ExtraState, extra_states

MALLOC_VARIABLES = {
    "MALLOC_MMAP_THRESHOLD_": "4294967296",
    "MALLOC_TRIM_THRESHOLD_": "8589934592",
    "MALLOC_TOP_PAD_": "268435456",
}
"glibc keeps freed memory instead of giving it back and asking for it again."
_PROBE_BYTES = 32 * 1024 * 1024
# Below this, new memory is too cheap for another allocation to gain much.
_DEAR = 1.5


class Device(Value):
    """One accelerator that torch sees."""

    name: str
    "As `--device` takes it: cuda:0, mps."
    model: str
    memory_bytes: int | None


class TorchState(Value):
    """What torch says of itself."""

    version: str
    num_threads: int
    devices: tuple[Device, ...]


class MemoryPrice(Value):
    """What new memory costs here."""

    fresh_over_reused: float
    "Time to write new memory over the time to write the same again."
    is_tuned: bool
    "The allocator is told to keep memory, or another allocator is preloaded."
    hint: str | None
    "What to try; None where there is nothing to gain or it is done."


class Machine(Value):
    """What there is to work with."""

    groundsight: str
    python: str
    executable: str
    system: str
    processor: str
    num_cores: int
    "Cores that this process may use."
    memory_bytes: int | None
    parts: tuple[ExtraState, ...]
    "What every install has, then each extra."
    torch: TorchState | None
    "None: not installed, or it does not load (`torch_problem`)."
    torch_problem: str | None
    memory: MemoryPrice


def look_at_machine() -> Machine:
    """Collect it all; loads torch where that is installed, and starts nothing."""
    state, problem = look_at_torch()
    return Machine(
        groundsight=__version__,
        python=platform.python_version(),
        executable=sys.executable,
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        processor=_processor(),
        num_cores=num_cores(),
        memory_bytes=_memory_bytes(),
        parts=extra_states(),
        torch=state,
        torch_problem=problem,
        memory=price_of_memory(),
    )


def look_at_torch() -> tuple[TorchState | None, str | None]:
    """What torch sees, or why it cannot be asked."""
    try:
        import torch
    except ImportError as error:
        return None, "not installed" if error.name == "torch" else str(error)
    except Exception as error:  # a build for another driver or processor fails in many ways
        return None, f"does not load: {type(error).__name__}: {' '.join(str(error).split())[:200]}"
    devices = [_cuda_device(torch, index) for index in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        devices.append(Device(name="mps", model="Apple", memory_bytes=None))
    state = TorchState(
        version=torch.__version__, num_threads=torch.get_num_threads(), devices=tuple(devices)
    )
    return state, None


def price_of_memory() -> MemoryPrice:
    """Time the writing of new memory against that of memory in hand (about 50 ms)."""
    ratio = min(_fresh_over_reused() for _ in range(3))
    tuned = any(name in os.environ for name in MALLOC_VARIABLES) or "alloc" in os.environ.get(
        "LD_PRELOAD", ""
    )
    wanted = ratio >= _DEAR and not tuned and platform.libc_ver()[0] == "glibc"
    return MemoryPrice(
        fresh_over_reused=round(ratio, 2), is_tuned=tuned, hint=_hint() if wanted else None
    )


def _fresh_over_reused() -> float:
    start = perf_counter()
    block = np.empty(_PROBE_BYTES, dtype=np.uint8)
    block.fill(1)
    fresh = perf_counter() - start
    start = perf_counter()
    block.fill(2)
    return fresh / max(perf_counter() - start, 1e-9)


def _hint() -> str:
    settings = " ".join(f"{name}={value}" for name, value in MALLOC_VARIABLES.items())
    return (
        "new memory is dear here: training and models on the CPU may run faster with "
        f"{settings}; measure both ways"
    )


def _cuda_device(torch: object, index: int) -> Device:
    properties = torch.cuda.get_device_properties(index)  # type: ignore[attr-defined]
    return Device(
        name=f"cuda:{index}", model=str(properties.name), memory_bytes=int(properties.total_memory)
    )


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:  # not Linux
        pass
    return platform.processor() or platform.machine()


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows
        return None
