"""The residual network at work: ONNX features of 8-pixel cells, heads in numpy.

The network's body is a plain ONNX graph run by onnxruntime; its two heads are linear and are
applied here, so that one pass over a picture serves every tile and the map of cells.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from groundsight.forensics.signal.planes import RGB, Plane, Vector, at_least

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

# Shared with the torch network that is trained (experts.signal.network).
CELL_PX = 8
CHANNEL_MEAN = 118.0
CHANNEL_SCALE = 1 / 64
HIGH_PASS = (
    (-1 / 16, 2 / 16, -1 / 16),
    (2 / 16, -4 / 16, 2 / 16),
    (-1 / 16, 2 / 16, -1 / 16),
)

TILE_CELLS = 16  # a tile is 128 pixels wide, as in training
TILE_STEP_CELLS = 8


@dataclass(frozen=True, eq=False)
class NetworkScore:
    """What the network says of one window.

    Args:
        logit: mean over tiles; > 0 leans to generated.
        cells: (H/8, W/8) logits of the 8 × 8 pixel cells from the top left corner; rounded down,
            but up where the window is smaller than a tile.
    """

    logit: float
    cells: Plane


@dataclass(frozen=True, eq=False)
class Network:
    """The shipped network.

    Args:
        graph: ONNX bytes: "pixels" (1, 3, H, W) float32 0-255 → "features" (1, C, H/8, W/8).
        crop_weight: (2C,) of the crop head: means first, then standard deviations.
        crop_bias: of the crop head.
        cell_weight: (C,) of the cell head.
        cell_bias: of the cell head.
    """

    graph: bytes
    crop_weight: Vector
    crop_bias: float
    cell_weight: Vector
    cell_bias: float

    @cached_property
    def _session(self) -> "InferenceSession":
        import onnxruntime

        options = onnxruntime.SessionOptions()
        # Pictures are spread over processes; threads inside one would only fight for cores.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        return onnxruntime.InferenceSession(self.graph, options, providers=["CPUExecutionProvider"])

    def features(self, rgb: RGB) -> Plane:
        """(C, H/8, W/8) features of a window; sides are cut to multiples of 8 pixels."""
        rgb = at_least(rgb, TILE_CELLS * CELL_PX)
        height, width = (side // CELL_PX * CELL_PX for side in rgb.shape[:2])
        pixels = rgb[:height, :width].transpose(2, 0, 1)[None].astype(np.float32)
        out: Any = self._session.run(["features"], {"pixels": pixels})[0]
        found: Plane = out[0]
        return found

    def score(self, rgb: RGB) -> NetworkScore:
        """Judge one window.

        Args:
            rgb: (H, W, 3) uint8; mirrored up to 128 pixels where it is smaller.
        """
        features = self.features(rgb)
        # A small window is mirrored up to a whole tile; what lies outside of it is no place in it.
        rows, columns = (-(-side // CELL_PX) for side in rgb.shape[:2])
        seen = features[:, :rows, :columns]
        cells = np.tensordot(self.cell_weight, seen, axes=1) + np.float32(self.cell_bias)
        tiles = _tile_statistics(features)
        logits = tiles @ self.crop_weight + self.crop_bias
        return NetworkScore(float(logits.mean()), cells.astype(np.float32))


def _tile_statistics(features: Plane) -> Plane:
    """(tiles, 2C) mean and standard deviation over overlapping tiles that cover the window."""
    _, rows, columns = features.shape
    found = [
        _mean_and_spread(features[:, y : y + TILE_CELLS, x : x + TILE_CELLS])
        for y in _starts(rows)
        for x in _starts(columns)
    ]
    return np.stack(found)


def _starts(cells: int) -> npt.NDArray[np.int64]:
    """Tile starts, evenly spread so that the last tile ends at the edge."""
    room = cells - TILE_CELLS
    return np.linspace(0, room, 1 + -(-room // TILE_STEP_CELLS)).round().astype(np.int64)


def _mean_and_spread(features: Plane) -> Vector:
    flat = features.reshape(len(features), -1)
    spread = flat.std(axis=1, ddof=1)  # torch's std, which the head was trained on
    return np.concatenate([flat.mean(axis=1), spread])
