"""UnivFD: one linear layer on the image features of a frozen CLIP ViT-L/14.

Ojha et al., CVPR 2023 (arXiv 2302.10174). The official evaluation shows the centre 224 px, resizes
nothing, normalises as CLIP does and does not scale the 768 features to length 1. The published file
holds the linear layer alone; the tower is CLIP's own, by hub name or folder.
"""

from typing import TYPE_CHECKING, Any

from PIL import Image

from groundsight.core.errors import UsageError
from groundsight.experts.base import AnyArray, Expert, ExpertCard
from groundsight.experts.crops import CropSettings, crop_views
from groundsight.experts.heat import ViewHeat, grad_cam
from groundsight.experts.normalisation import CLIP

if TYPE_CHECKING:
    from torch import Tensor, nn


class UnivFD(Expert):
    """UnivFD, also named UniversalFakeDetect or Ojha (CVPR 2023)."""

    card = ExpertCard(
        name="univfd",
        title="UnivFD",
        sees="semantic",
        paper="Ojha et al., Towards Universal Fake Image Detectors that Generalize Across "
        "Generative Models, CVPR 2023 (arXiv 2302.10174)",
        official_code="https://github.com/WisconsinAIVision/UniversalFakeDetect",
        official_file="fc_weights.pth",
        official_from="pretrained_weights/fc_weights.pth in the repository",
        licence="MIT; the CLIP tower MIT",
        input="centre 224 px, CLIP ViT-L/14 image features (768), one linear layer",
        backbone="openai/clip-vit-large-patch14",
    )
    Settings = CropSettings

    def build_network(self) -> "nn.Module":
        """The tower and its head `fc`.

        Raises:
            UsageError: the tower is not there, or sees pictures of another size than the crop.
        """
        from groundsight.experts.networks.clip_head import ClipHead

        network = ClipHead(str(self.backbone))
        side = network.model.config.image_size
        if self.settings.crop != side:
            raise UsageError(
                f"the tower {self.backbone} sees {side} px, not crop = {self.settings.crop}"
            )
        return network

    def official_module(self) -> "nn.Module":
        """The linear layer."""
        network: Any = self.network
        head: nn.Module = network.fc
        return head

    def packed_views(self, picture: Image.Image) -> AnyArray:
        """Crops, uint8."""
        return crop_views(picture, self.settings)

    def view_heat(self, views: "Tensor") -> ViewHeat:
        """Grad-CAM at the patches that the tower's last layer is given."""
        network: Any = self.network
        tokens, logits = network.last_tokens(self.network_input(views))
        side = network.model.config.patch_size
        rows, columns = views.shape[-2] // side, views.shape[-1] // side

        def maps(values: "Tensor") -> "Tensor":
            return values[:, 1:].transpose(1, 2).unflatten(2, (rows, columns))

        return ViewHeat(values=grad_cam(logits, tokens, maps), method="Grad-CAM")

    def network_input(self, views: "Tensor") -> "Tensor":
        """CLIP's normalisation."""
        return CLIP.apply(views)
