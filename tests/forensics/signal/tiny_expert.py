"""A signal expert whose every number can be worked by hand, in the format of the shipped files.

Its network is one average pooling: the features of a cell are the mean R, G and B of its 8 × 8
pixels. Its linear part, its two perceptrons and its one tree look at the mean luma of the window
alone.
"""

import base64
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save

from groundsight.forensics.signal.expert import SignalExpert, load_signal_expert
from groundsight.forensics.signal.features import FAMILIES, NUM_FEATURES
from groundsight.forensics.signal.network import Network
from groundsight.forensics.signal.weights import ARRAYS_FILE, GRAPH_FILE

# test_signal_network.py builds these bytes again where onnx is installed.
MEANS_GRAPH = base64.b64decode(
    "CAk6mwEKSAoGcGl4ZWxzEghmZWF0dXJlcyILQXZlcmFnZVBvb2wqFQoMa2VybmVsX3NoYXBlQAhACKABByoQCgdzdHJp"
    "ZGVzQAhACKABBxIFbWVhbnNaIgoGcGl4ZWxzEhgKFggBEhIKAggBCgIIAwoDEgFICgMSAVdiJAoIZmVhdHVyZXMSGAoW"
    "CAESEgoCCAEKAggDCgMSAVIKAxIBS0IECgAQEQ=="
)
LUMA_MEAN = sum(size for _, size in list(FAMILIES.values())[:-2])  # first of tone_statistics
Arrays = Mapping[str, npt.NDArray[np.generic]]


def tiny_network() -> Network:
    """Crop: mean R over 100, less the spread of B; a cell: its R − G over 10, plus 1/2."""
    return Network(
        MEANS_GRAPH,
        np.array([0.01, 0, 0, 0, 0, -1], dtype=np.float32),
        0.25,
        np.array([0.1, -0.1, 0], dtype=np.float32),
        0.5,
    )


def tiny_arrays() -> dict[str, npt.NDArray[np.generic]]:
    """The arrays file, with s = (luma − 100)/50.

    Linear 2 s + 0.5. Neural, with [x] for max(x, 0), the mean of [s] − 2 [−s] + 0.25 and of
    3 [2 s − 1] − [−s] + 0.25. The tree −1 up to luma 100, else 3.
    """
    mean, scale, weight = np.zeros(NUM_FEATURES), np.ones(NUM_FEATURES), np.zeros(NUM_FEATURES)
    mean[LUMA_MEAN], scale[LUMA_MEAN], weight[LUMA_MEAN] = 100, 50, 2
    network = tiny_network()
    return {
        "linear.mean": mean.astype(np.float32),
        "linear.scale": scale.astype(np.float32),
        "linear.weight": weight.astype(np.float32),
        "linear.bias": np.array([0.5]),
        **perceptron("neural.0", [1, -1], [0, 0], [1, -2], 0.25),
        **perceptron("neural.1", [2, -1], [-1, 0], [3, -1], 0.25),
        "trees.roots": np.array([0], dtype=np.int32),
        "trees.feature": np.array([LUMA_MEAN, -1, -1], dtype=np.int32),
        "trees.threshold": np.array([100.0, -1.0, 3.0]),
        "trees.left": np.array([1, 1, 2], dtype=np.int32),
        "trees.right": np.array([2, 1, 2], dtype=np.int32),
        "trees.depth": np.array([1], dtype=np.int32),
        "network.crop_weight": network.crop_weight,
        "network.crop_bias": np.array([network.crop_bias]),
        "network.cell_weight": network.cell_weight,
        "network.cell_bias": np.array([network.cell_bias]),
        "fusion.weight": np.array([0.5, 0.375, 0.25, 0.125]),
        "fusion.bias": np.array([-0.75]),
    }


def perceptron(
    name: str, slopes: list[float], offsets: list[float], weight: list[float], bias: float
) -> dict[str, npt.NDArray[np.generic]]:
    """One hidden layer that sees the luma alone, and the output."""
    hidden = np.zeros((len(slopes), NUM_FEATURES))
    hidden[:, LUMA_MEAN] = slopes
    layers = (hidden, np.array(offsets), np.array([weight]), np.array([bias]))
    return {f"{name}.{i}": layer.astype(np.float16) for i, layer in enumerate(layers)}


def write_tiny(folder: Path, arrays: Arrays | None = None) -> Path:
    """Both files in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ARRAYS_FILE).write_bytes(save(dict(arrays or tiny_arrays())))
    (folder / GRAPH_FILE).write_bytes(MEANS_GRAPH)
    return folder


def tiny_expert(folder: Path) -> SignalExpert:
    """The expert of such a folder."""
    return load_signal_expert(write_tiny(folder))
