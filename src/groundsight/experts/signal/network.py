"""The residual network of the signal expert: a small CNN that sees 1/8-resolution cells.

Pixels are folded 2 × 2 into channels first (no pixel is averaged away), beside them a high-pass
residual. Two heads share the features: one reads the mean and spread over a crop (is it
generated?), one reads each cell (where?), trained on crops with a foreign rectangle pasted in.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from groundsight.forensics.signal.network import CELL_PX, CHANNEL_MEAN, CHANNEL_SCALE, HIGH_PASS

WIDTHS = (24, 48, 64)
BLOCKS = (1, 1, 2)


class Outputs(NamedTuple):
    """Logits of a batch: (B,) for whole crops, (B, H/8, W/8) for cells; > 0 is generated."""

    crop: Tensor
    cells: Tensor


class ConvNorm(nn.Module):
    """3×3 convolution and batch normalisation; `folded` gives both as one convolution."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) → (B, outputs, H/stride, W/stride)."""
        out: Tensor = self.norm(self.conv(x))
        return out

    def folded(self) -> tuple[Tensor, Tensor]:
        """Weight (O, I, 3, 3) and bias (O,) of the equal plain convolution in evaluation mode."""
        assert self.norm.running_var is not None and self.norm.running_mean is not None
        gain = self.norm.weight / torch.sqrt(self.norm.running_var + self.norm.eps)
        bias = self.norm.bias - self.norm.running_mean * gain
        return (self.conv.weight * gain[:, None, None, None]).detach(), bias.detach()


class Residual(nn.Module):
    """Two convolutions around a skip connection."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = ConvNorm(width, width)
        self.second = ConvNorm(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Same shape in and out."""
        return functional.relu(x + self.second(functional.relu(self.first(x))))


class SignalNetwork(nn.Module):
    """Pixels → features of 8 × 8 pixel cells → logits."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [ConvNorm(24, WIDTHS[0])]
        previous = WIDTHS[0]
        for width, blocks in zip(WIDTHS, BLOCKS, strict=True):
            if width != previous:
                layers.append(ConvNorm(previous, width, stride=2))
            layers += [Residual(width) for _ in range(blocks)]
            previous = width
        self.layers = nn.ModuleList(layers)
        self.drop = nn.Dropout(0.3)
        self.crop_head = nn.Linear(2 * previous, 1)
        self.cell_head = nn.Linear(previous, 1)
        kernel = torch.tensor(HIGH_PASS).expand(3, 1, 3, 3).clone()
        self.register_buffer("high_pass", kernel, persistent=False)

    def features(self, pixels: Tensor) -> Tensor:
        """(B, 3, H, W) pixels 0-255, H and W multiples of 8 → (B, C, H/8, W/8)."""
        pixels = pixels.float()
        edged = functional.pad(pixels, (1, 1, 1, 1), mode="replicate")
        residual = functional.conv2d(edged, self.get_buffer("high_pass"), groups=3)
        centred = (pixels - CHANNEL_MEAN) * CHANNEL_SCALE
        x = torch.cat([centred, residual.clamp(-4, 4)], dim=1)
        x = functional.pixel_unshuffle(x, 2)
        for layer in self.layers:
            x = functional.relu(layer(x)) if isinstance(layer, ConvNorm) else layer(x)
        return x

    def forward(self, pixels: Tensor) -> Outputs:
        """(B, 3, H, W) pixels 0-255 → logits."""
        x = self.features(pixels)
        assert x.shape[-1] * CELL_PX == pixels.shape[-1]
        pooled = torch.cat([x.mean((2, 3)), x.std((2, 3))], dim=1)
        cells = self.cell_head(self.drop(x.permute(0, 2, 3, 1)))
        return Outputs(self.crop_head(self.drop(pooled))[:, 0], cells[..., 0])
