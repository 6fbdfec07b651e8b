"""AIDE's network: SRM residuals of four patches through two ResNets, the picture through ConvNeXt.

Names and shapes of the published state: `hpf`, `model_min`, `model_max`, `openclip_convnext_xxl`,
`convnext_proj`, `fc`.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from groundsight.experts.networks.convnext import ConvNeXt, Mlp
from groundsight.experts.networks.resnet import ResNet
from groundsight.experts.networks.srm import NUM_FILTERS
from groundsight.experts.networks.texture_contrast import SrmFilters
from groundsight.experts.normalisation import CLIP, IMAGENET

NUM_PARTS = 5
"Squares in a view: lowest, highest, second lowest, second highest patch, whole picture."
SEMANTIC_FEATURES = 256


class AideNetwork(nn.Module):
    """Views of five squares → logits of real and generated.

    Args:
        depths: blocks of the ConvNeXt's stages.
        dims: channels of the ConvNeXt's stages.
        width: channels of the ResNets' first stage; 64 as published.
    """

    def __init__(self, depths: Sequence[int], dims: Sequence[int], width: int = 64) -> None:
        super().__init__()
        self.hpf = SrmFilters(in_channels=3)
        # The published networks keep ImageNet's classifier, which nothing reads.
        self.model_min = ResNet(in_channels=NUM_FILTERS, num_classes=1000, width=width)
        self.model_max = ResNet(in_channels=NUM_FILTERS, num_classes=1000, width=width)
        for network in (self.model_min, self.model_max):
            network.get_submodule("fc").requires_grad_(False)
        noise = self.model_min.num_features
        self.fc = Mlp(noise + SEMANTIC_FEATURES, 1024, 2)
        self.openclip_convnext_xxl = ConvNeXt(depths, dims).eval().requires_grad_(False)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.convnext_proj = nn.Sequential(nn.Linear(dims[-1], SEMANTIC_FEATURES))

    def train(self, mode: bool = True) -> "AideNetwork":
        """The ConvNeXt stays as it is: it is OpenCLIP's."""
        super().train(mode)
        self.openclip_convnext_xxl.eval()
        return self

    def semantic_maps(self, picture: Tensor) -> Tensor:
        """(N, 3, S, S), ImageNet-normalised → the ConvNeXt's features (N, C, S/32, S/32)."""
        std = picture.new_tensor(IMAGENET.deviation).view(3, 1, 1)
        mean = picture.new_tensor(IMAGENET.mean).view(3, 1, 1)
        out: Tensor = self.openclip_convnext_xxl(CLIP.apply(picture * std + mean))
        return out

    def noise_maps(self, patch: Tensor, *, highest: bool) -> Tensor:
        """(N, 3, S, S) → the last stage of the ResNet for low or for high frequencies."""
        network = self.model_max if highest else self.model_min
        return network.feature_maps(self.hpf(patch))

    def feature_maps(self, parts: Tensor) -> list[Tensor]:
        """(N, 3, 5 · S, S), ImageNet-normalised → the last maps of the five squares."""
        *patches, picture = parts.chunk(NUM_PARTS, dim=2)
        noise = [
            self.noise_maps(patch, highest=index % 2 == 1) for index, patch in enumerate(patches)
        ]
        return [*noise, self.semantic_maps(picture)]

    def classify(self, maps: list[Tensor]) -> Tensor:
        """The last maps of the five squares → (N, 2): real, generated."""
        *noise, semantic = (self.avgpool(features).flatten(1) for features in maps)
        mean = torch.stack(noise).mean(0)
        out: Tensor = self.fc(torch.cat([self.convnext_proj(semantic), mean], dim=1))
        return out

    def forward(self, parts: Tensor) -> Tensor:
        """(N, 3, 5 · S, S), ImageNet-normalised → (N, 2): real, generated."""
        return self.classify(self.feature_maps(parts))
