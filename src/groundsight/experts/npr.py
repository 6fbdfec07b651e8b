"""NPR: the difference between a pixel and its up-sampled neighbour shows up-sampling layers.

Tan et al., CVPR 2024 (arXiv 2312.10461). The official network normalises with ImageNet's mean and
deviation, takes x − up(down(x, ½, nearest), ×2, nearest), scales by 2/3, and feeds a ResNet-50 that
ends after its second stage.

How this differs: the official code resizes pictures of mixed sizes to 256×256, except on GenImage,
where its author tiles small ones and resizes none (issue 23 of its repository). Here pictures are
never resized; the centre 224 px are shown, as in the official validation, and `crop = null` shows
the whole picture as in the official tests. An odd last row or column is left out, where the
official code stops with an error.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from PIL import Image

from groundsight.experts.base import AnyArray, Expert, ExpertCard
from groundsight.experts.crops import CropSettings, crop_views
from groundsight.experts.normalisation import IMAGENET

if TYPE_CHECKING:
    from torch import Tensor, nn

SCALE = 2.0 / 3.0


class NprSettings(CropSettings):
    """What NPR is shown."""

    small: Literal["pad", "tile"] = "tile"
    "A picture smaller than the crop is repeated (issue 23) or padded with black."


class Npr(Expert):
    """NPR (CVPR 2024)."""

    card = ExpertCard(
        name="npr",
        title="NPR",
        sees="frequency",
        paper="Tan et al., Rethinking the Up-Sampling Operations…, CVPR 2024 (arXiv 2312.10461)",
        official_code="https://github.com/chuangchuangtan/NPR-DeepfakeDetection",
        official_file="NPR.pth",
        official_from="the top folder of the repository",
        licence="none stated",
        input="centre 224 px, small pictures tiled; x − up(down(x)), ResNet-50 up to stage 2",
    )
    Settings = NprSettings

    def build_network(self) -> "nn.Module":
        """ResNet-50 cut after layer2, 3×3 stem, head `fc1` of 512 → 1."""
        from groundsight.experts.networks.resnet import ResNet

        return ResNet(num_stages=2, stem_kernel=3, num_classes=1, head="fc1")

    def packed_views(self, picture: Image.Image) -> AnyArray:
        """Crops of even sides, uint8."""
        views = crop_views(picture, self.settings)
        _, height, width, _ = views.shape
        return views[:, : height - height % 2 or 1, : width - width % 2 or 1]

    def network_input(self, views: "Tensor") -> "Tensor":
        """The scaled residual of the normalised views."""
        return residual(IMAGENET.apply(views)) * SCALE

    def drop_unused(self, state: Mapping[str, "Tensor"]) -> dict[str, "Tensor"]:
        """Without `fc`: the official training adds a layer of that name that nothing reads."""
        unused = ("fc.weight", "fc.bias")
        return {name: value for name, value in state.items() if name not in unused}


def residual(x: "Tensor") -> "Tensor":
    """X − up(down(x)): each pixel less the upper left one of its 2×2 block.

    Args:
        x: (N, C, H, W), H and W even.

    Returns:
        Same shape.
    """
    kept = x[..., ::2, ::2]
    return x - kept.repeat_interleave(2, dim=-2).repeat_interleave(2, dim=-1)
