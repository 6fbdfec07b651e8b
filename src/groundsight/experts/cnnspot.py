"""CNNSpot: a plain ResNet-50 trained on one GAN with blur and JPEG finds many others.

Wang et al., CVPR 2020 (arXiv 1912.11035). The paper shows the centre 224 px; the official
read-me later recommends the whole picture: `crop = null`. Nothing is resized.
"""

from typing import TYPE_CHECKING

from PIL import Image

from groundsight.experts.base import AnyArray, Expert, ExpertCard
from groundsight.experts.crops import CropSettings, crop_views
from groundsight.experts.normalisation import IMAGENET

if TYPE_CHECKING:
    from torch import Tensor, nn


class CnnSpot(Expert):
    """CNNSpot, also named CNNDetection (CVPR 2020)."""

    card = ExpertCard(
        name="cnnspot",
        title="CNNSpot",
        sees="frequency",
        paper="Wang et al., CNN-generated images are surprisingly easy to spot… for now, "
        "CVPR 2020 (arXiv 1912.11035)",
        official_code="https://github.com/PeterWang512/CNNDetection",
        official_file="blur_jpg_prob0.5.pth",
        official_from="weights/download_weights.sh of the repository",
        licence="CC BY-NC-SA 4.0",
        input="centre 224 px (the paper) or the whole picture (the read-me), ResNet-50",
    )
    Settings = CropSettings

    def build_network(self) -> "nn.Module":
        """ResNet-50 with one output, whose weights start small as in the official training."""
        from torch.nn.init import normal_

        from groundsight.experts.networks.resnet import ResNet

        network = ResNet(num_classes=1)
        normal_(network.get_submodule("fc").weight, 0.0, 0.02)
        return network

    def packed_views(self, picture: Image.Image) -> AnyArray:
        """Crops, uint8."""
        return crop_views(picture, self.settings)

    def network_input(self, views: "Tensor") -> "Tensor":
        """ImageNet's normalisation."""
        return IMAGENET.apply(views)
