"""The shipped weights: one safetensors file of arrays, one ONNX graph, hashes of both."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

import numpy as np
import numpy.typing as npt

from groundsight.core.errors import UsageError
from groundsight.forensics.signal.classifiers import Linear, Neural, Trees
from groundsight.forensics.signal.network import Network

HERE = Path(__file__).parent / "shipped"
ARRAYS_FILE = "signal.safetensors"
GRAPH_FILE = "network.onnx"
Arrays = Mapping[str, npt.NDArray[np.generic]]


@dataclass(frozen=True, eq=False)
class SignalWeights:
    """Everything that was fitted.

    Args:
        linear: on hand-made statistics.
        neural: on the same.
        trees: on the same.
        network: on pixels.
        fusion: (4,) weights of the logits of linear, neural, trees, network.
        fusion_bias: added to their weighted sum; the sum is the calibrated log-odds.
        sha256: of the files, in the order arrays, graph.
    """

    linear: Linear
    neural: Neural
    trees: Trees
    network: Network
    fusion: npt.NDArray[np.float64]
    fusion_bias: float
    sha256: str


@lru_cache(maxsize=2)
def load_weights(folder: Path = HERE) -> SignalWeights:
    """Read the weights of a folder, the shipped ones by default.

    Raises:
        FileNotFoundError: the folder lacks one of the two files.
        UsageError: the arrays file lacks an array, as one of another version does.
    """
    from safetensors.numpy import load

    data, graph = (folder / ARRAYS_FILE).read_bytes(), (folder / GRAPH_FILE).read_bytes()
    try:
        return unpack(load(data), graph, sha256(data + graph).hexdigest())
    except KeyError as missing:
        raise UsageError(
            f"{folder / ARRAYS_FILE} lacks the array {missing}: it is not of this version of "
            "groundsight. Fit it again, or install the package again for the shipped one."
        ) from None


def unpack(arrays: Arrays, graph: bytes, digest: str) -> SignalWeights:
    """Give the arrays of a file their places.

    Raises:
        KeyError: the name of an array that is not there.
    """
    return SignalWeights(
        linear=Linear(
            _float32(arrays["linear.mean"]),
            _float32(arrays["linear.scale"]),
            _float32(arrays["linear.weight"]),
            _scalar(arrays["linear.bias"]),
        ),
        neural=Neural(
            _float32(arrays["linear.mean"]),
            _float32(arrays["linear.scale"]),
            _members(arrays),
        ),
        trees=Trees(
            arrays["trees.roots"].astype(np.int32),
            arrays["trees.feature"].astype(np.int32),
            arrays["trees.threshold"].astype(np.float64),
            arrays["trees.left"].astype(np.int32),
            arrays["trees.right"].astype(np.int32),
            int(_scalar(arrays["trees.depth"])),
        ),
        network=unpack_network(arrays, graph),
        fusion=arrays["fusion.weight"].astype(np.float64),
        fusion_bias=_scalar(arrays["fusion.bias"]),
        sha256=digest,
    )


def unpack_network(arrays: Arrays, graph: bytes) -> Network:
    """The network of a graph and its two heads.

    Raises:
        KeyError: the name of an array that is not there.
    """
    return Network(
        graph,
        _float32(arrays["network.crop_weight"]),
        _scalar(arrays["network.crop_bias"]),
        _float32(arrays["network.cell_weight"]),
        _scalar(arrays["network.cell_bias"]),
    )


def _members(arrays: Arrays) -> tuple[tuple[npt.NDArray[np.float16], ...], ...]:
    """The layers of each perceptron, kept as "neural.MEMBER.LAYER"."""
    named = {name.rpartition(".")[0] for name in arrays if name.startswith("neural.")}
    return tuple(_layers(arrays, f"neural.{i}") for i in range(max(1, len(named))))


def _layers(arrays: Arrays, member: str) -> tuple[npt.NDArray[np.float16], ...]:
    """Weights and biases in turn, up to the layer that gives one number."""
    found: list[npt.NDArray[np.float16]] = []
    while not found or found[-1].size > 1:
        for _ in ("weight", "bias"):
            found.append(arrays[f"{member}.{len(found)}"].astype(np.float16))
    return tuple(found)


def _scalar(array: npt.NDArray[np.generic]) -> float:
    return float(array.reshape(-1)[0])


def _float32(array: npt.NDArray[np.generic]) -> npt.NDArray[np.float32]:
    return array.astype(np.float32)
