"""AIDE: noise in the patches of lowest and highest frequency, and what the picture shows.

Yan et al., A Sanity Check for AI-generated Image Detection, ICLR 2025 (arXiv 2406.19435). Windows
of 32×32 at every 16th pixel are graded by their DCT; the two lowest and the two highest ones,
enlarged, go through SRM filters and ResNets, the whole picture through OpenCLIP's ConvNeXt-XXL.

The published code computes the ConvNeXt's projection without gradients, so that it never learns;
here it learns, and an attack's gradient passes. The published pre-processing filters the patches
by a mask that keeps every coefficient: here they are taken as they are.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from pydantic import Field

from groundsight.experts.base import AnyArray, Expert, ExpertCard, ExpertSettings, FloatArray
from groundsight.experts.heat import ViewHeat, grad_cam
from groundsight.experts.normalisation import IMAGENET
from groundsight.experts.resampling import resize_plain
from groundsight.experts.spectra import dct_matrix
from groundsight.experts.tracing import Trace

if TYPE_CHECKING:
    from torch import Tensor, nn

WINDOW = 32
STEP = 16
NUM_BANDS = 6
TRUNK_PREFIX = "visual.trunk."
"Before the trunk's names in a file of a whole OpenCLIP model."


class AideSettings(ExpertSettings):
    """Sizes of the networks; the defaults are the published ones."""

    side: int = Field(default=256, ge=32, le=1024, multiple_of=32)
    "Patches and picture are brought to this many pixels a side."
    depths: tuple[int, int, int, int] = (3, 4, 30, 3)
    "Blocks of the ConvNeXt's stages."
    dims: tuple[int, int, int, int] = (384, 768, 1536, 3072)
    "Channels of the ConvNeXt's stages."
    width: int = Field(default=64, ge=4)
    "Channels of the ResNets' first stage."


class Aide(Expert):
    """AIDE (ICLR 2025)."""

    card = ExpertCard(
        name="aide",
        title="AIDE",
        sees="dual",
        paper="Yan et al., A Sanity Check for AI-generated Image Detection, ICLR 2025 "
        "(arXiv 2406.19435)",
        official_code="https://github.com/shilinyan99/AIDE",
        official_file="progan_train.pth",
        official_from="the folder linked in the repository's read-me, which also has the version "
        "trained on GenImage",
        licence="MIT",
        input="two lowest and two highest frequency patches of 32 px as 256 px, SRM residuals, two "
        "ResNet-50; the picture as 256 px, ConvNeXt-XXL",
    )
    Settings = AideSettings
    chooses_by_content = True

    def build_network(self) -> "nn.Module":
        """The whole network; with a backbone, OpenCLIP's trunk is filled in."""
        from groundsight.experts.networks.aide_network import AideNetwork

        chosen = self.settings
        network = AideNetwork(chosen.depths, chosen.dims, chosen.width)
        if self.backbone is not None:
            fill_trunk(network.openclip_convnext_xxl, Path(self.backbone))
        return network

    def views(self, picture: Image.Image) -> FloatArray:
        """One view: lowest, highest, second lowest, second highest patch, picture; stacked."""
        planes = repeated(np.asarray(picture).transpose(2, 0, 1), WINDOW)
        corners = extreme_corners(planes)
        cut = [planes[:, row : row + WINDOW, left : left + WINDOW] for row, left in corners]
        parts = [resize_plain(part, self.settings.side) for part in (*cut, planes)]
        return (np.concatenate(parts, axis=1) / np.float32(255.0))[None]

    def trace(self, picture: Image.Image) -> Trace:
        """The patches that are shown of this picture, enlarged, and the picture."""
        planes = np.asarray(picture).transpose(2, 0, 1)
        corners = extreme_corners(repeated(planes, WINDOW))
        side = self.settings.side

        def views_of(pixels: "Tensor") -> "Tensor":
            import torch
            from torch.nn.functional import interpolate

            whole = pixels.repeat(1, *_times(planes, WINDOW))
            cut = [whole[:, row : row + WINDOW, left : left + WINDOW] for row, left in corners]
            squares = [interpolate(part[None], (side, side), mode="bilinear") for part in cut]
            squares.append(interpolate(whole[None], (side, side), mode="bilinear"))
            return torch.cat(squares, dim=2)

        return views_of

    def network_input(self, views: "Tensor") -> "Tensor":
        """ImageNet's normalisation; the network turns the picture's into CLIP's."""
        return IMAGENET.apply(views)

    def logits(self, views: "Tensor") -> "Tensor":
        """The logit of generated less that of real, whose sigmoid is the published softmax."""
        both: Tensor = self.network(self.network_input(views))
        return both[:, 1] - both[:, 0]

    def view_heat(self, views: "Tensor") -> ViewHeat:
        """Grad-CAM at the last maps of the five squares."""
        import torch
        from torch.nn.functional import interpolate

        network: Any = self.network
        inputs = self.network_input(views)
        maps = [x.detach().requires_grad_() for x in network.feature_maps(inputs)]
        both = network.classify(maps)
        logits, side = both[:, 1] - both[:, 0], self.settings.side
        cams = [
            interpolate(grad_cam(logits, x)[:, None], (side, side), mode="bilinear")[:, 0]
            for x in maps
        ]
        return ViewHeat(values=torch.cat(cams, dim=1), method="Grad-CAM", skips=True)


def repeated(planes: AnyArray, side: int) -> AnyArray:
    """Planes (C, H, W) repeated whole until both sides are at least `side`; mostly as they came."""
    times = _times(planes, side)
    return planes if max(times) == 1 else np.tile(planes, (1, *times))


def _times(planes: AnyArray, side: int) -> list[int]:
    return [-(-side // edge) for edge in planes.shape[1:]]


def extreme_corners(planes: AnyArray) -> list[tuple[int, int]]:
    """Where the patches lie that the network is shown.

    Args:
        planes: (3, H, W) uint8, H and W at least `WINDOW`.

    Returns:
        Rows and columns of the upper left corners: lowest grade, highest, second lowest, second
        highest. A picture with one window gives it four times.
    """
    # Rounded, so that equal windows stay in reading order on every machine.
    grades = window_grades(planes).round(4)
    order = np.argsort(grades, axis=None, kind="stable")
    second = 1 if order.size > 1 else 0
    chosen = (order[0], order[-1], order[second], order[-1 - second])
    places = (np.unravel_index(int(index), grades.shape) for index in chosen)
    return [(int(row) * STEP, int(column) * STEP) for row, column in places]


def window_grades(planes: AnyArray) -> FloatArray:
    """How much high frequency each window holds.

    Source: Yan et al., Eq. 1-3: the sum over six bands of 2^band times the band's mean of
    log(1 + |DCT|), the three colours added.

    Args:
        planes: (3, H, W) uint8.

    Returns:
        (rows, columns) float32, windows at every `STEP` pixels.
    """
    return np.stack(list(_strip_grades(planes)))


def _strip_grades(planes: AnyArray) -> Iterator[FloatArray]:
    """Grades of the windows side by side, from the top down; memory stays that of one strip."""
    matrix = dct_matrix(WINDOW).astype(np.float32)
    weights = band_weights()
    for top in range(0, planes.shape[1] - WINDOW + 1, STEP):
        strip = planes[:, top : top + WINDOW].astype(np.float32) / np.float32(255.0)
        down = matrix @ strip
        windows = np.lib.stride_tricks.sliding_window_view(down, WINDOW, axis=2)[:, :, ::STEP]
        spectra = windows @ matrix.T  # (3, WINDOW, windows, WINDOW)
        logs = np.log1p(np.abs(spectra))
        yield np.einsum("cink,ik->n", logs, weights, optimize=True)


def band_weights() -> npt.NDArray[np.float32]:
    """What each coefficient of a window counts: 2^band over the band's size, summed over bands.

    A band holds the coefficients whose row and column add up to a sixth of twice the window; one
    on a border belongs to both.
    """
    sums = np.add.outer(np.arange(WINDOW), np.arange(WINDOW))
    weights = np.zeros((WINDOW, WINDOW))
    for band in range(NUM_BANDS):
        low, high = (2.0 * WINDOW / NUM_BANDS * edge for edge in (band, band + 1))
        inside = (sums >= low) & (sums <= high)
        weights += 2.0**band * inside / inside.sum()
    return weights.astype(np.float32)


def fill_trunk(trunk: "nn.Module", file: Path) -> None:
    """Load OpenCLIP's ConvNeXt: a file of the whole model, of its trunk, or timm's.

    Raises:
        UsageError: not readable, or it does not fit.
    """
    from groundsight.experts.weights import fill, read_state

    state = read_state(file)
    trunks = {
        name.removeprefix(TRUNK_PREFIX): value
        for name, value in state.items()
        if name.startswith(TRUNK_PREFIX)
    }
    # timm's own files end in a classifier that the trunk does without.
    bare = {name: value for name, value in state.items() if not name.startswith("head.fc.")}
    fill(trunk, trunks or bare, file)
