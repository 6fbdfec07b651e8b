"""LPIPS on VGG-16: how different two pictures look, cell by cell. Torch.

Source: Zhang et al., The Unreasonable Effectiveness of Deep Features as a Perceptual Metric, 2018
(arXiv 1801.03924), version 0.1. Names and shapes of torchvision's VGG-16 (`features.N`) and of the
published weights `vgg.pth` (`linN.model.1.weight`); only the layers up to the one that is read
are built.
"""

import torch
from torch import Tensor, nn

from groundsight.experts.weights import State, fill

_SIZES = (64, 128, 256, 512, 512)
_DEPTHS = (2, 2, 3, 3, 3)
_SHIFT = (-0.030, -0.088, -0.188)
_SCALE = (0.458, 0.448, 0.450)
_SMALLEST = 1e-10


class Perceptual(nn.Module):
    """LPIPS' distance at one layer of VGG-16.

    Args:
        layer: 1 to 5, the first is the finest.
    """

    def __init__(self, layer: int = 2) -> None:
        super().__init__()
        self.features = nn.Sequential(*_vgg_layers(layer))
        self.lin = nn.Conv2d(_SIZES[layer - 1], 1, 1, bias=False)
        self.layer = layer
        self.requires_grad_(False)

    def forward(self, one: Tensor, other: Tensor) -> Tensor:
        """(N, 3, H, W) in −1..1, twice → (N, 1, h, w) distances, at least 0."""
        first, second = self._unit_features(one), self._unit_features(other)
        out: Tensor = self.lin((first - second) ** 2)
        return out

    def fill_published(self, vgg: State, lpips: State, source: object) -> None:
        """Load the two published states strictly, as far as the layers are built.

        Raises:
            UsageError: a name is missing or has another shape.
        """
        wanted = self.features.state_dict()
        found = {name: vgg[f"features.{name}"] for name in wanted if f"features.{name}" in vgg}
        fill(self.features, found, f"{source} (VGG-16)")
        name = f"lin{self.layer - 1}.model.1.weight"
        fill(self.lin, {"weight": lpips[name]} if name in lpips else {}, f"{source} (LPIPS)")

    def _unit_features(self, x: Tensor) -> Tensor:
        shift, scale = (x.new_tensor(values).view(1, 3, 1, 1) for values in (_SHIFT, _SCALE))
        maps = self.features((x - shift) / scale)
        length = torch.sqrt((maps**2).sum(1, keepdim=True).clamp_min(1e-30))
        out: Tensor = maps / (length + _SMALLEST)
        return out


def _vgg_layers(layer: int) -> list[nn.Module]:
    layers: list[nn.Module] = []
    inputs = 3
    for stage, (size, depth) in enumerate(zip(_SIZES[:layer], _DEPTHS, strict=False)):
        if stage > 0:
            layers.append(nn.MaxPool2d(2, 2))
        for _ in range(depth):
            layers += [nn.Conv2d(inputs, size, 3, padding=1), nn.ReLU()]
            inputs = size
    return layers
