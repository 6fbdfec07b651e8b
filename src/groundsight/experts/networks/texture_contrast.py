"""PatchCraft's network: SRM residuals of poor and rich texture, their difference, a small CNN.

Names and shapes of the published state (`netC` of RPTC.pth): `group1.hpf`, `group1_b`, `group2` …
`group5`, `fc2`.
"""

import torch
from torch import Tensor, nn

from groundsight.experts.networks.srm import NUM_FILTERS, SIDE, srm_bank

WIDTH = 32


class SrmFilters(nn.Module):
    """The 30 fixed filters; the weight is part of the state.

    Args:
        in_channels: channels that one filter sums over, with equal weights.
    """

    def __init__(self, in_channels: int = 1) -> None:
        super().__init__()
        self.hpf = nn.Conv2d(in_channels, NUM_FILTERS, SIDE, padding=SIDE // 2, bias=False)
        bank = torch.from_numpy(srm_bank().copy())[:, None].repeat(1, in_channels, 1, 1)
        self.hpf.weight = nn.Parameter(bank, requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) → (N, 30, H, W)."""
        out: Tensor = self.hpf(x)
        return out


class TextureContrast(nn.Module):
    """Poor and rich texture pictures → one logit."""

    def __init__(self) -> None:
        super().__init__()
        self.group1 = SrmFilters()
        self.group1_b = nn.Sequential(
            nn.Conv2d(3 * NUM_FILTERS, WIDTH, 3, padding=1),
            nn.BatchNorm2d(WIDTH),
            nn.Hardtanh(-5.0, 5.0),
        )
        self.group2 = _group(4, pooled=True)
        self.group3 = _group(2, pooled=True)
        self.group4 = _group(2, pooled=True)
        self.group5 = _group(2, pooled=False)
        self.fc2 = nn.Linear(WIDTH, 1)
        self.advpool = nn.AdaptiveAvgPool2d(1)
        self.apply(_start)

    def residual_features(self, texture: Tensor) -> Tensor:
        """(N, 3, H, W) in 0..1 → (N, 32, H, W): the filters of each colour apart, then mixed."""
        count, _, height, width = texture.shape
        residuals = self.group1(texture.reshape(-1, 1, height, width))
        out: Tensor = self.group1_b(residuals.reshape(count, -1, height, width))
        return out

    def feature_maps(self, pair: Tensor) -> Tensor:
        """(N, 3, 2 · S, S), poor above rich → (N, 32, S/8, S/8)."""
        poor, rich = pair.chunk(2, dim=2)
        x = self.residual_features(poor) - self.residual_features(rich)
        out: Tensor = self.group5(self.group4(self.group3(self.group2(x))))
        return out

    def cell_logits(self, pair: Tensor) -> Tensor:
        """(N, 3, 2 · S, S) → each cell's logit, (N, 2 · ⌈S/8⌉, ⌈S/8⌉); their mean is the logit.

        A cell speaks of the difference of two places, so that it stands in both pictures.
        """
        cells: Tensor = self.fc2(self.feature_maps(pair).permute(0, 2, 3, 1))[..., 0]
        return torch.cat([cells, cells], dim=1)

    def forward(self, pair: Tensor) -> Tensor:
        """(N, 3, 2 · S, S) in 0..1 → (N, 1)."""
        out: Tensor = self.fc2(self.advpool(self.feature_maps(pair)).flatten(1))
        return out


def _group(num_convolutions: int, *, pooled: bool) -> nn.Sequential:
    layers: list[nn.Module] = []
    for _ in range(num_convolutions):
        layers += [nn.Conv2d(WIDTH, WIDTH, 3, padding=1), nn.BatchNorm2d(WIDTH), nn.ReLU()]
    if pooled:
        layers.append(nn.AvgPool2d(3, stride=2, padding=1))
    return nn.Sequential(*layers)


def _start(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d) and module.weight.requires_grad:
        nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity="relu")
    if isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, 0.0, 0.01)
        nn.init.zeros_(module.bias)
