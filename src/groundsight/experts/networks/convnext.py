"""ConvNeXt with timm's names and shapes, as OpenCLIP's image towers use it. Torch.

    ConvNeXt(depths=(3, 4, 30, 3), dims=(384, 768, 1536, 3072))       # XXL: 846 million weights

Source: Liu et al., A ConvNet for the 2020s, 2022 (arXiv 2201.03545). timm is not needed, so that a
torch without torchvision serves. The head is the trunk's of OpenCLIP: a norm, no classifier.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

XXL_DEPTHS = (3, 4, 30, 3)
XXL_DIMS = (384, 768, 1536, 3072)
STRIDE = 32
"Pixels of the picture a cell of the last stage stands for."
NORM_EPS = 1e-5
"timm's for the XXL size; its smaller ones take 1e-6."


class LayerNorm2d(nn.LayerNorm):
    """Layer norm over the channels of (N, C, H, W)."""

    def forward(self, x: Tensor) -> Tensor:
        """Same shape in and out."""
        normed = functional.layer_norm(
            x.permute(0, 2, 3, 1), self.normalized_shape, self.weight, self.bias, self.eps
        )
        return normed.permute(0, 3, 1, 2)


class Mlp(nn.Module):
    """Linear, GELU, linear; AIDE's last layers have the same names.

    Args:
        inputs: features in.
        hidden: between the layers.
        outputs: features out; None for as many as in.
    """

    def __init__(self, inputs: int, hidden: int, outputs: int | None = None) -> None:
        super().__init__()
        self.fc1 = nn.Linear(inputs, hidden)
        self.act = nn.GELU()
        self.fc2 = nn.Linear(hidden, inputs if outputs is None else outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(…, inputs) → (…, outputs)."""
        out: Tensor = self.fc2(self.act(self.fc1(x)))
        return out


class Block(nn.Module):
    """Depthwise 7×7, norm, MLP per cell, scale, shortcut.

    Args:
        dim: channels.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.conv_dw = nn.Conv2d(dim, dim, 7, padding=3, groups=dim)
        self.norm = nn.LayerNorm(dim, eps=NORM_EPS)
        self.mlp = Mlp(dim, 4 * dim)
        self.gamma = nn.Parameter(torch.full((dim,), 1e-6))

    def forward(self, x: Tensor) -> Tensor:
        """(N, dim, H, W), same out."""
        cells = self.norm(self.conv_dw(x).permute(0, 2, 3, 1))
        return x + (self.mlp(cells) * self.gamma).permute(0, 3, 1, 2)


class Stage(nn.Module):
    """Halves the sides where the channels grow, then blocks.

    Args:
        inputs: channels in.
        dim: channels out.
        depth: number of blocks.
    """

    def __init__(self, inputs: int, dim: int, depth: int, *, first: bool) -> None:
        super().__init__()
        self.downsample: nn.Module = nn.Identity()
        if not first:
            self.downsample = nn.Sequential(
                LayerNorm2d(inputs, eps=NORM_EPS), nn.Conv2d(inputs, dim, 2, stride=2)
            )
        self.blocks = nn.Sequential(*(Block(dim) for _ in range(depth)))

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) → (N, dim, H / 2, W / 2); the first stage keeps the sides."""
        out: Tensor = self.blocks(self.downsample(x))
        return out


class ConvNeXt(nn.Module):
    """The trunk: pictures → a normed map of features.

    Args:
        depths: blocks of the four stages.
        dims: channels of the four stages.
    """

    def __init__(self, depths: Sequence[int] = XXL_DEPTHS, dims: Sequence[int] = XXL_DIMS) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, dims[0], 4, stride=4), LayerNorm2d(dims[0], eps=NORM_EPS)
        )
        ins = (dims[0], *dims[:-1])
        self.stages = nn.Sequential(
            *(
                Stage(inputs, dim, depth, first=index == 0)
                for index, (inputs, dim, depth) in enumerate(zip(ins, dims, depths, strict=True))
            )
        )
        self.head = nn.ModuleDict({"norm": LayerNorm2d(dims[-1], eps=NORM_EPS)})
        self.num_features = dims[-1]

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W), normalised → (N, dims[-1], H / 32, W / 32)."""
        out: Tensor = self.head["norm"](self.stages(self.stem(x)))
        return out
