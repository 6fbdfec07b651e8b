"""The signal expert: one picture → a calibrated p_fake and a map of where.

score = load_signal_expert().score(picture.rgb)
score.p_fake          # None for a picture with too little to measure
score.cells.shape     # a logit for each 8 × 8 block of the analysed picture
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from groundsight.forensics.signal.features import describe
from groundsight.forensics.signal.network import CELL_PX
from groundsight.forensics.signal.planes import MIN_SIDE, RGB, Plane
from groundsight.forensics.signal.weights import HERE, SignalWeights, load_weights

NAME = "signal"
MAX_SIDE = 1024
"Larger pictures are scaled down to this longest side, as the pictures were that it was fitted on."
WINDOW_PX = 512
"Hand-made statistics are taken from one window of this side in the middle."
FLAT_LEVEL = 1.0
"""Mean absolute difference to the neighbour across plus that to the one below, in grey values;
under it a picture has no structure to judge."""
NO_CELLS = np.zeros((0, 0), dtype=np.float32)


@dataclass(frozen=True, eq=False)
class SignalScore:
    """What the finest structure of a picture says.

    Args:
        p_fake: calibrated probability of generated; None where it can not be measured.
        why_not: the reason where p_fake is None, else "".
        parts: log-odds by "linear", "neural", "trees" and "network", before calibration.
        cells: (rows, columns) log-odds of the blocks of the analysed picture.
        cell_px: side of a block in pixels of the original picture; not a whole number where the
            picture was scaled down.
    """

    p_fake: float | None
    why_not: str
    parts: dict[str, float]
    cells: Plane
    cell_px: float


@dataclass(frozen=True, eq=False)
class SignalExpert:
    """The fitted expert; deterministic, single-threaded."""

    weights: SignalWeights

    def score(self, rgb: RGB) -> SignalScore:
        """Judge one picture.

        Args:
            rgb: (H, W, 3) uint8 in original resolution; never recompressed before.
        """
        seen, factor = analysed(rgb)
        reason = _unmeasurable(seen)
        if reason:
            return SignalScore(None, reason, {}, NO_CELLS, CELL_PX / factor)
        parts, cells = self.parts(seen)
        logit = float(self.weights.fusion @ np.array(list(parts.values())))
        p_fake = _sigmoid(logit + self.weights.fusion_bias)
        return SignalScore(p_fake, "", parts, cells, CELL_PX / factor)

    def parts(self, seen: RGB) -> tuple[dict[str, float], Plane]:
        """Log-odds of each classifier, in the order of the fusion weights, and cell logits."""
        features = describe(middle(seen))
        network = self.weights.network.score(seen)
        parts = {
            "linear": self.weights.linear.logit(features),
            "neural": self.weights.neural.logit(features),
            "trees": self.weights.trees.logit(features),
            "network": network.logit,
        }
        return parts, network.cells


def load_signal_expert(folder: Path = HERE) -> SignalExpert:
    """The expert with the weights of a folder, the shipped ones by default."""
    return SignalExpert(load_weights(folder))


def analysed(rgb: RGB) -> tuple[RGB, float]:
    """The picture at the resolution it is judged at, and the scale factor (at most 1)."""
    longest = max(rgb.shape[:2])
    if longest <= MAX_SIDE:
        return rgb, 1.0
    factor = MAX_SIDE / longest
    height, width = (max(1, round(side * factor)) for side in rgb.shape[:2])
    small = Image.fromarray(rgb).resize((width, height), Image.Resampling.LANCZOS)
    return np.asarray(small), factor


def middle(rgb: RGB) -> RGB:
    """The window in the middle, on the picture's own 8-pixel grid."""
    y, x = (max(0, side - WINDOW_PX) // 2 // 8 * 8 for side in rgb.shape[:2])
    return rgb[y : y + WINDOW_PX, x : x + WINDOW_PX]


def _unmeasurable(rgb: RGB) -> str:
    height, width = rgb.shape[:2]
    if min(height, width) < MIN_SIDE:
        return (
            f"{width}×{height} pixels at analysis size; at least {MIN_SIDE}×{MIN_SIDE} are needed"
        )
    grey = rgb[..., 1].astype(np.int16)
    if (
        float(np.abs(np.diff(grey, axis=1)).mean() + np.abs(np.diff(grey, axis=0)).mean())
        < FLAT_LEVEL
    ):
        return "almost no detail: a flat or very smooth picture"
    return ""


def _sigmoid(logit: float) -> float:
    return 1 / (1 + math.exp(-max(-60.0, min(60.0, logit))))
