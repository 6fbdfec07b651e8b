"""A detector of a hundred parameters that can learn to tell bright pictures from dark ones."""

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from groundsight.experts.base import AnyArray, Expert, ExpertCard
from groundsight.experts.crops import CropSettings, crop_views

if TYPE_CHECKING:
    from torch import nn

PATH = f"{__name__}:BrightExpert"
"Its name on a command line."


def toy_card(name: str = "bright") -> ExpertCard:
    return ExpertCard(
        name=name,
        title="Bright",
        sees="dual",
        paper="none",
        official_code="none",
        official_file="bright.pth",
        official_from="nowhere",
        licence="none",
        input="crops",
    )


class BrightSettings(CropSettings):
    crop: int | None = 16


class BrightExpert(Expert):
    """Convolution with batch normalisation, dropout and a head: all that a checkpoint must hold."""

    card = toy_card()
    Settings = BrightSettings

    def build_network(self) -> "nn.Module":
        from torch import nn

        return nn.Sequential(
            *(nn.Conv2d(3, 4, 3, stride=2), nn.BatchNorm2d(4), nn.ReLU()),
            *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.1), nn.Linear(4, 1)),
        )

    def packed_views(self, picture: Image.Image) -> AnyArray:
        return crop_views(picture, self.settings)


def make_trained(weight: float = 4.0, bias: float = 0.0) -> BrightExpert:
    """One whose logit rises with brightness: bright pictures are called generated."""
    import torch

    expert = BrightExpert()
    with torch.no_grad():
        for value in expert.network.parameters():
            value.zero_()
        expert.network.get_parameter("0.weight").fill_(1.0 / 27)
        expert.network.get_parameter("1.weight").fill_(1.0)
        expert.network.get_parameter("6.weight").fill_(weight)
        expert.network.get_parameter("6.bias").fill_(bias - 2 * weight)
    return expert


def plain_picture(level: int, side: int = 24) -> Image.Image:
    return Image.fromarray(np.full((side, side, 3), level, np.uint8))
