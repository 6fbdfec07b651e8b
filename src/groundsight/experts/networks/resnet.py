"""ResNet with bottleneck blocks, and its cuts: torchvision's names and shapes.

    ResNet(num_classes=1)                                     # CNNSpot's: ResNet-50, `fc`
    ResNet(num_classes=1, num_stages=2, stem_kernel=3, head="fc1")     # NPR's

torchvision is not needed, so that a torch without it serves. Source: He et al., 2016
(arXiv 1512.03385); the stride lies on the 3×3 convolution, as in torchvision.
"""

from collections.abc import Sequence

from torch import Tensor, nn

EXPANSION = 4
"Channels that a block gives for each of its inner ones."


class Bottleneck(nn.Module):
    """1×1, 3×3, 1×1 convolutions around a shortcut.

    Args:
        in_channels: of what comes in.
        channels: of the inner convolutions; `EXPANSION` times as many go out.
        stride: of the 3×3 convolution and of the shortcut.
    """

    def __init__(self, in_channels: int, channels: int, stride: int = 1) -> None:
        super().__init__()
        out_channels = channels * EXPANSION
        self.conv1 = nn.Conv2d(in_channels, channels, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.conv3 = nn.Conv2d(channels, out_channels, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU(inplace=True)
        self.downsample: nn.Module | None = None
        if stride != 1 or in_channels != out_channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) → (N, 4 · channels, H / stride, W / stride)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        out: Tensor = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        out += shortcut
        rectified: Tensor = self.relu(out)
        return rectified


class ResNet(nn.Module):
    """ResNet of bottleneck blocks, whole or cut after some stages.

    Args:
        depths: blocks of the four stages; (3, 4, 6, 3) is ResNet-50.
        num_stages: how many of the stages there are.
        in_channels: of the pictures.
        stem_kernel: side of the first convolution; 7 as published, 3 in NPR.
        num_classes: outputs; None gives the pooled features and has no head.
        head: the head's name in the state.
        width: channels of the first stage; 64 as published.
    """

    def __init__(
        self,
        depths: Sequence[int] = (3, 4, 6, 3),
        *,
        num_stages: int = 4,
        in_channels: int = 3,
        stem_kernel: int = 7,
        num_classes: int | None = 1000,
        head: str = "fc",
        width: int = 64,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(
            in_channels, width, stem_kernel, stride=2, padding=stem_kernel // 2, bias=False
        )
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.stages: list[str] = []
        channels = width
        for index, depth in enumerate(depths[:num_stages]):
            name, inner = f"layer{index + 1}", width << index
            self.add_module(name, _stage(channels, inner, depth, stride=1 if index == 0 else 2))
            self.stages.append(name)
            channels = inner * EXPANSION
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.num_features = channels
        self.head = head if num_classes is not None else None
        if num_classes is not None:
            self.add_module(head, nn.Linear(channels, num_classes))
        _start_weights(self)

    def feature_maps(self, x: Tensor) -> Tensor:
        """What the last stage gives, (N, C, h, w)."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        for name in self.stages:
            x = self.get_submodule(name)(x)
        return x

    def cell_logits(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) → each cell's first logit, (N, h, w); their mean is the logit."""
        assert self.head is not None
        cells = self.feature_maps(x).permute(0, 2, 3, 1)
        out: Tensor = self.get_submodule(self.head)(cells)[..., 0]
        return out

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) → (N, num_classes), or the pooled features (N, C)."""
        features: Tensor = self.avgpool(self.feature_maps(x)).flatten(1)
        if self.head is None:
            return features
        out: Tensor = self.get_submodule(self.head)(features)
        return out


def _stage(in_channels: int, channels: int, depth: int, stride: int) -> nn.Sequential:
    first = Bottleneck(in_channels, channels, stride)
    rest = (Bottleneck(channels * EXPANSION, channels) for _ in range(depth - 1))
    return nn.Sequential(first, *rest)


def _start_weights(network: nn.Module) -> None:
    """Fresh weights as torchvision draws them."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
