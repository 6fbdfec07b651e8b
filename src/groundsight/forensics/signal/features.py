"""All hand-made statistics of a window as one vector, family by family in a fixed order."""

from collections.abc import Callable

import numpy as np

from groundsight.forensics.signal.block_dct import dct_statistics
from groundsight.forensics.signal.cooccurrence import colour_cooccurrences, residual_cooccurrences
from groundsight.forensics.signal.covariance import patch_covariance
from groundsight.forensics.signal.edges import edge_statistics
from groundsight.forensics.signal.noise import noise_statistics
from groundsight.forensics.signal.planes import RGB, Planes, Vector
from groundsight.forensics.signal.spectrum import log_spectrum
from groundsight.forensics.signal.tone import tone_statistics

Family = Callable[[Planes], Vector]

# Name → (statistics, how many). The order is that of the shipped weights.
FAMILIES: dict[str, tuple[Family, int]] = {
    "patch_covariance": (patch_covariance, 1028),
    "residual_cooccurrences": (residual_cooccurrences, 780),
    "colour_cooccurrences": (colour_cooccurrences, 126),
    "log_spectrum": (log_spectrum, 675),
    "dct_statistics": (dct_statistics, 1134),
    "noise_statistics": (noise_statistics, 110),
    "tone_statistics": (tone_statistics, 36),
    "edge_statistics": (edge_statistics, 75),
}
NUM_FEATURES = sum(size for _, size in FAMILIES.values())


def describe(rgb: RGB) -> Vector:
    """Every statistic of one window.

    Args:
        rgb: (H, W, 3) uint8; mirrored up to 64 pixels where it is smaller.

    Returns:
        (NUM_FEATURES,) float32, all finite.
    """
    planes = Planes.of(rgb)
    vector = np.concatenate([family(planes) for family, _ in FAMILIES.values()])
    return np.nan_to_num(vector.astype(np.float32), posinf=0.0, neginf=0.0)
