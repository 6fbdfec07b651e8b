"""Files of published weights, read without running what they hold, and loaded strictly.

    state = read_state(Path("NPR.pth"))
    fill(network, state, "NPR.pth")

Safetensors, or torch's own format with `weights_only=True`: a file that holds code is refused.
"""

import warnings
from argparse import Namespace
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundsight.core.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor, nn

State = dict[str, "Tensor"]
WRAPPERS = ("model", "state_dict", "model_state_dict", "net", "network", "model_ema", "netC")
"Under which key published files put the state, beside optimiser and step counts."
PREFIXES = ("module.", "_orig_mod.")
"What DataParallel and torch.compile put before every name."
_COUNTER = "num_batches_tracked"
_MOST_NAMES = 3


def read_state(path: str | Path) -> State:
    """The tensors of a file by name, on the CPU, wrappers and prefixes taken off.

    Raises:
        UsageError: no such file, not readable without running code, or no state in it.
    """
    path = Path(path)
    if not path.is_file():
        raise UsageError(f"no file of weights {path}")
    loaded = _read_safetensors(path) if _is_safetensors(path) else _read_torch(path)
    return _unwrap(loaded, path)


def fill(module: "nn.Module", state: Mapping[str, "Tensor"], source: str | Path) -> None:
    """Load a state strictly: every name and shape must fit.

    The counters `num_batches_tracked`, which files of old torch versions lack, may be missing.

    Args:
        module: filled in place.
        state: as `read_state` gives it.
        source: for messages.

    Raises:
        UsageError: one line that names what is missing, unexpected or of another shape.
    """
    expected = module.state_dict()
    counters = {name: value for name, value in expected.items() if name.endswith(_COUNTER)}
    given = {**counters, **state}
    faults = _faults(expected, given)
    if faults:
        raise UsageError(f"{source} does not fit: {'; '.join(faults)}")
    module.load_state_dict(given, strict=True)


def state_sha256(module: "nn.Module") -> str:
    """Hex digest of all values of a module by name: a published file and our folder of it agree."""
    digest = sha256()
    for name, value in sorted(module.state_dict().items()):
        digest.update(f"{name}{tuple(value.shape)}{value.dtype}".encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _faults(expected: Mapping[str, "Tensor"], given: Mapping[str, "Tensor"]) -> list[str]:
    misshaped = [
        f"{name} is {tuple(given[name].shape)}, expected {tuple(value.shape)}"
        for name, value in expected.items()
        if name in given and given[name].shape != value.shape
    ]
    kinds = {
        "missing": [name for name in expected if name not in given],
        "unexpected": [name for name in given if name not in expected],
        "of another shape": misshaped,
    }
    return [_told(kind, names) for kind, names in kinds.items() if names]


def _told(kind: str, names: list[str]) -> str:
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return f"{kind}: {', '.join(names[:_MOST_NAMES])}{more}"


def _is_safetensors(path: Path) -> bool:
    """By the content: eight bytes of length, then a JSON object."""
    with path.open("rb") as file:
        head = file.read(9)
    return len(head) == 9 and head[8:] == b"{" and int.from_bytes(head[:8], "little") < 1 << 32


def _read_safetensors(path: Path) -> Any:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise UsageError(f"{path} is a damaged safetensors file: {_line(error)}") from None


def _read_torch(path: Path) -> Any:
    import torch

    try:
        # Published files keep the training's arguments: a namespace, which runs nothing.
        with torch.serialization.safe_globals([Namespace]), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch warns of pickles that it then refuses
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged or hostile file makes the unpickler raise anything
        raise UsageError(
            f"{path} cannot be read as weights alone ({_line(error)}); convert it to safetensors "
            "where you trust it"
        ) from None


def _unwrap(loaded: Any, path: Path) -> State:
    for _ in WRAPPERS:
        if not isinstance(loaded, Mapping):
            break
        inner = next((loaded[key] for key in WRAPPERS if _is_state(loaded.get(key))), None)
        if inner is None:
            break
        loaded = inner
    state = {str(name): value for name, value in loaded.items()} if _is_state(loaded) else {}
    if not state or not all(_is_tensor(value) for value in state.values()):
        raise UsageError(
            f"{path} holds no state of a network: expected tensors by name, or such under one of "
            f"the keys {', '.join(WRAPPERS)}"
        )
    for prefix in PREFIXES:
        if all(name.startswith(prefix) for name in state):
            state = {name.removeprefix(prefix): value for name, value in state.items()}
    return state


def _is_state(value: Any) -> bool:
    return isinstance(value, Mapping) and len(value) > 0


def _is_tensor(value: Any) -> bool:
    import torch

    return isinstance(value, torch.Tensor)


def _line(error: Exception) -> str:
    return (" ".join(str(error).split()) or type(error).__name__)[:120]
