"""Means and deviations that networks were trained with."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Normalisation:
    """(x − mean) / deviation for each of the three channels of a picture in 0..1."""

    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]

    def apply(self, views: "Tensor") -> "Tensor":
        """(N, 3, H, W) in 0..1 → the same shape, centred."""
        mean, deviation = (
            views.new_tensor(values).view(1, 3, 1, 1) for values in (self.mean, self.deviation)
        )
        return (views - mean) / deviation


IMAGENET = Normalisation((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
CLIP = Normalisation((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
