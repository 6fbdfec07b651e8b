"""PatchCraft: generators leave rich and poor texture differently correlated.

Zhong et al., 2023 (arXiv 2311.12397), first named RPTC. 192 patches of 32×32 are cut at random;
the 64 with the least texture make one 256×256 picture, the 64 with the most another, and the
network sees the difference of their SRM residuals.

How this differs: the published code draws the places from a global generator, so the score of a
picture depends on those before it; here they follow from the picture's size and `seed`.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from pydantic import Field

from groundsight.core.seeds import make_rng
from groundsight.experts.base import AnyArray, Expert, ExpertCard, ExpertSettings
from groundsight.experts.heat import ViewHeat
from groundsight.experts.tracing import Trace, gather, pinned, resized

if TYPE_CHECKING:
    from torch import Tensor, nn

DRAWN_PER_SHOWN = 3
"Patches are drawn three times as many as each of the two pictures shows."


class PatchCraftSettings(ExpertSettings):
    """How the two texture pictures are made."""

    patch: int = Field(default=32, ge=4, le=256)
    "Side of a patch in pixels."
    grid: int = Field(default=8, ge=1, le=32)
    "grid × grid patches make a texture picture."
    seed: int = 0
    "Of the places of the patches."


class PatchCraft(Expert):
    """PatchCraft, also named RPTC (2023)."""

    card = ExpertCard(
        name="patchcraft",
        title="PatchCraft",
        sees="patch",
        paper="Zhong et al., PatchCraft: Exploring Texture Patch for Efficient AI-generated Image "
        "Detection, 2023 (arXiv 2311.12397)",
        official_code="https://github.com/Ekko-zn/AIGCDetectBenchmark",
        official_file="RPTC.pth",
        official_from="the benchmark's files on ModelScope (aemilia/AIGCDetectionBenchMark)",
        licence="none stated",
        input="192 random patches of 32 px; the 64 poorest and the 64 richest in texture as two "
        "256 px pictures, SRM residuals, a small CNN",
    )
    Settings = PatchCraftSettings
    chooses_by_content = True

    def build_network(self) -> "nn.Module":
        """SRM filters and nine trained convolutions."""
        from groundsight.experts.networks.texture_contrast import TextureContrast

        return TextureContrast()

    def packed_views(self, picture: Image.Image) -> AnyArray:
        """One view: the picture of poor texture above that of rich texture, uint8."""
        pixels = np.asarray(at_least(picture, self.settings.patch))
        corners = texture_corners(pixels, self.settings)
        return collage(pixels, corners, self.settings)[None]

    def view_heat(self, views: "Tensor") -> ViewHeat:
        """Scores of cells, each kept to its own: neighbouring patches are strangers."""
        heat = super().view_heat(views)
        times = -(-views.shape[-1] // heat.values.shape[-1])
        grown = heat.values.repeat_interleave(times, 1).repeat_interleave(times, 2)
        return ViewHeat(values=grown, method=heat.method)

    def trace(self, picture: Image.Image) -> Trace:
        """The patches that are shown of this picture, followed to their places."""
        sized = at_least(picture, self.settings.patch)
        corners = texture_corners(np.asarray(sized), self.settings)
        places = np.arange(sized.width * sized.height).reshape(sized.height, sized.width, 1)
        moved = gather(collage(places, corners, self.settings)[None, :, :, 0])
        if sized is picture:
            return moved

        def smooth(pixels: "Tensor") -> "Tensor":
            return moved(resized(pixels, (sized.height, sized.width)))

        return pinned(smooth, picture, self.views(picture))


def at_least(picture: Image.Image, side: int) -> Image.Image:
    """A picture with a side shorter than a patch becomes one patch, as in the published code."""
    if min(picture.size) >= side:
        return picture
    return picture.resize((side, side), Image.Resampling.BILINEAR)


def texture_corners(pixels: AnyArray, settings: PatchCraftSettings) -> npt.NDArray[np.int64]:
    """Where the shown patches lie.

    Args:
        pixels: (H, W, 3) uint8, no side shorter than a patch.
        settings: how many, how large, which seed.

    Returns:
        (2, grid², 2) rows and columns of upper left corners: the poorest patches, poorest first,
        then the richest, richest first.
    """
    drawn = _random_corners(pixels.shape, settings)
    patches = [patch_at(pixels, corner, settings.patch) for corner in drawn]
    order = np.argsort([texture_diversity(patch) for patch in patches], kind="stable")
    shown = settings.grid**2
    return np.stack([drawn[order[:shown]], drawn[order[::-1][:shown]]])


def texture_diversity(patch: AnyArray) -> int:
    """Sum of absolute differences between neighbours: across, down, and on both diagonals.

    Args:
        patch: (S, S, 3) uint8.

    Source: Zhong et al., Eq. 1.
    """
    x = patch.astype(np.int32)
    pairs = (
        *((x[:-1], x[1:]), (x[:, :-1], x[:, 1:])),
        *((x[:-1, :-1], x[1:, 1:]), (x[:-1, 1:], x[1:, :-1])),
    )
    return sum(int(np.abs(one - other).sum()) for one, other in pairs)


def patch_at(pixels: AnyArray, corner: npt.NDArray[np.int64], side: int) -> AnyArray:
    """The square of that side whose upper left pixel is at (row, column)."""
    row, column = int(corner[0]), int(corner[1])
    return pixels[row : row + side, column : column + side]


def collage(
    pixels: AnyArray, corners: npt.NDArray[np.int64], settings: PatchCraftSettings
) -> AnyArray:
    """The two texture pictures, one above the other.

    Args:
        pixels: (H, W, C), any dtype.
        corners: as `texture_corners` gives them.
        settings: of the same patches.

    Returns:
        (2 · grid · patch, grid · patch, C), the dtype of the pixels.
    """
    grid, side = settings.grid, settings.patch
    cut = [patch_at(pixels, corner, side) for corner in corners.reshape(-1, 2)]
    tiles = np.stack(cut).reshape(2 * grid, grid, side, side, -1)
    return tiles.transpose(0, 2, 1, 3, 4).reshape(2 * grid * side, grid * side, -1)


def _random_corners(shape: Any, settings: PatchCraftSettings) -> npt.NDArray[np.int64]:
    height, width = shape[:2]
    rng = make_rng(settings.seed, "patchcraft", height, width)
    count = DRAWN_PER_SHOWN * settings.grid**2
    rows = rng.integers(0, height - settings.patch + 1, count)
    return np.stack([rows, rng.integers(0, width - settings.patch + 1, count)], axis=1)
