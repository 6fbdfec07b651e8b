"""Log-DCT spectra, centred by the statistics of the training pictures, into a classifier."""

import torch
from torch import Tensor, nn

from groundsight.experts.networks.resnet import ResNet
from groundsight.experts.spectra import dct_matrix

GREY_LEVELS = 255.0
SMALLEST = 1e-12
"Added before the logarithm, so that a coefficient of zero has one."
_WHOLE = 1e-3


class SpectrumResNet(ResNet):
    """ResNet-50 on spectra; the state holds the spectra's mean and variance beside its own.

    Args:
        side: of the square pictures in pixels.
    """

    def __init__(self, side: int) -> None:
        super().__init__(num_classes=1)
        self.register_buffer("dct_mean", torch.zeros(3, side, side, dtype=torch.float64))
        self.register_buffer("dct_var", torch.ones(3, side, side, dtype=torch.float64))


class SpectrumCnn(nn.Module):
    """The paper's own small network: four convolutions, two poolings, one linear layer.

    Args:
        side: of the square pictures in pixels, a multiple of 4.
    """

    def __init__(self, side: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *(nn.Conv2d(3, 3, 3, padding=1), nn.ReLU()),
            *(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.AvgPool2d(2)),
            *(nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.AvgPool2d(2)),
            *(nn.Conv2d(16, 32, 3, padding=1), nn.ReLU()),
        )
        self.fc = nn.Linear(32 * (side // 4) ** 2, 1)
        self.register_buffer("dct_mean", torch.zeros(3, side, side, dtype=torch.float64))
        self.register_buffer("dct_var", torch.ones(3, side, side, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, side, side) centred spectra → (N, 1)."""
        out: Tensor = self.fc(self.layers(x).flatten(1))
        return out


def log_spectrum(views: Tensor) -> Tensor:
    """log(|DCT-II| + 1e-12) of grey levels 0..255, orthonormal, each channel apart.

    Args:
        views: (N, C, H, W) in 0..1.

    Returns:
        The same shape, float64 where the device has it: a logarithm shows the rounding errors of
        small coefficients beside large ones.
    """
    dtype = torch.float32 if views.device.type == "mps" else torch.float64
    levels = _whole_levels(views.to(dtype) * GREY_LEVELS)
    rows, columns = (torch.from_numpy(dct_matrix(side)).to(levels) for side in levels.shape[-2:])
    return torch.log((rows @ levels @ columns.T).abs() + SMALLEST)


def _whole_levels(levels: Tensor) -> Tensor:
    """Grey levels that are whole numbers but for float32's rounding become so; gradients pass."""
    whole = levels.detach().round()
    near = (levels.detach() - whole).abs() < _WHOLE
    return torch.where(near, levels + (whole - levels.detach()), levels)
