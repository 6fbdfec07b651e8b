"""The trained network as an ONNX graph, and all weights as the two shipped files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save

from groundsight.experts.signal.network import ConvNorm, Residual, SignalNetwork
from groundsight.forensics.signal.classifiers import Linear, Neural, Trees
from groundsight.forensics.signal.network import CHANNEL_MEAN, CHANNEL_SCALE, HIGH_PASS
from groundsight.forensics.signal.weights import ARRAYS_FILE, GRAPH_FILE

Array = npt.NDArray[np.generic]


class _Graph:
    """An ONNX graph under construction; every method adds nodes and returns the output's name."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, value: Array) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(value, name))
        return name

    def add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        name = f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def number(self, value: float) -> str:
        return self.constant(np.array(value, dtype=np.float32))

    def convolution(self, x: str, layer: ConvNorm) -> str:
        weight, bias = (self.constant(t.numpy().astype(np.float32)) for t in layer.folded())
        stride = list(layer.conv.stride)
        return self.add(
            "Conv", x, weight, bias, kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=stride
        )

    def input_stage(self, pixels: str) -> str:
        """Centred pixels and clipped high-pass residual, folded 2 × 2 into 24 channels."""
        pads = self.constant(np.array([0, 0, 1, 1, 0, 0, 1, 1], dtype=np.int64))
        edged = self.add("Pad", pixels, pads, mode="edge")
        kernel = np.broadcast_to(np.array(HIGH_PASS, dtype=np.float32), (3, 1, 3, 3)).copy()
        residual = self.add("Conv", edged, self.constant(kernel), kernel_shape=[3, 3], group=3)
        residual = self.add("Clip", residual, self.number(-4), self.number(4))
        centred = self.add("Sub", pixels, self.number(CHANNEL_MEAN))
        centred = self.add("Mul", centred, self.number(CHANNEL_SCALE))
        folded = self.add(
            "SpaceToDepth", self.add("Concat", centred, residual, axis=1), blocksize=2
        )
        # ONNX orders the folded channels (dy, dx, c), torch (c, dy, dx).
        order = np.arange(24).reshape(2, 2, 6).transpose(2, 0, 1).ravel()
        return self.add("Gather", folded, self.constant(order.astype(np.int64)), axis=1)


def network_graph(network: SignalNetwork) -> bytes:
    """The body of a trained network: "pixels" (1, 3, H, W) → "features" (1, C, H/8, W/8)."""
    graph = _Graph()
    x = graph.input_stage("pixels")
    for layer in network.layers:
        if isinstance(layer, ConvNorm):
            x = graph.add("Relu", graph.convolution(x, layer))
        else:
            assert isinstance(layer, Residual)
            inner = graph.add("Relu", graph.convolution(x, layer.first))
            x = graph.add("Relu", graph.add("Add", x, graph.convolution(inner, layer.second)))
    graph.nodes[-1].output[0] = "features"
    body = helper.make_graph(
        graph.nodes,
        "signal",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, [1, 3, "H", "W"])],
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [1, "C", "R", "K"])],
        graph.constants,
    )
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


def network_arrays(network: SignalNetwork) -> dict[str, Array]:
    """The two heads, by the names of the weights file."""
    heads = {"crop": network.crop_head, "cell": network.cell_head}
    arrays: dict[str, Array] = {}
    for name, head in heads.items():
        arrays[f"network.{name}_weight"] = head.weight.detach().numpy()[0].astype(np.float32)
        arrays[f"network.{name}_bias"] = head.bias.detach().numpy().astype(np.float64)
    return arrays


def classifier_arrays(linear: Linear, neural: Neural, trees: Trees) -> dict[str, Array]:
    """The classifiers on statistics, by the names of the weights file."""
    arrays: dict[str, Array] = {
        f"linear.{part}": getattr(linear, part) for part in ("mean", "scale", "weight")
    }
    arrays["linear.bias"] = np.array([linear.bias])
    for i, member in enumerate(neural.members):
        arrays.update({f"neural.{i}.{j}": layer for j, layer in enumerate(member)})
    for part in ("roots", "feature", "threshold", "left", "right"):
        arrays[f"trees.{part}"] = getattr(trees, part)
    arrays["trees.depth"] = np.array([trees.depth], dtype=np.int32)
    return arrays


def write_weights(folder: Path, arrays: Mapping[str, Array], graph: bytes) -> None:
    """Write the two files that `forensics.signal.weights` reads."""
    folder.mkdir(parents=True, exist_ok=True)
    ordered = {name: np.ascontiguousarray(arrays[name]) for name in sorted(arrays)}
    (folder / ARRAYS_FILE).write_bytes(save(ordered))
    (folder / GRAPH_FILE).write_bytes(graph)
