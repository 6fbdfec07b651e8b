"""AEROBLADE: an autoencoder rebuilds what its own family generated better than photographs.

Ricker et al., CVPR 2024 (arXiv 2401.17879). The picture goes through the autoencoder of a latent
diffusion model and back; the LPIPS distance (VGG-16, second layer) between both is small for
pictures of models with that autoencoder. Nothing is trained.

    expert = load_expert("aeroblade", backbone="stable-diffusion-v1-5/vae",
                         settings={"lpips": "lpips-weights"})
    expert.distances(pictures)                  # the published figure
    expert.fit(distances, labels)               # a threshold, then `score` says p_fake

How this differs: the latent's mean is decoded where the published code samples it, and the rebuilt
picture is not rounded to 8 bits, so that a score depends on its picture alone and has a gradient.
Without LPIPS' weights `distance = "mse"` compares pixels, which the paper finds weaker.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from PIL import Image
from pydantic import Field

from groundsight.core.errors import UsageError
from groundsight.experts.base import AnyArray, Expert, ExpertCard, ExpertSettings, FloatArray
from groundsight.experts.heat import ViewHeat

if TYPE_CHECKING:
    from torch import Tensor, nn

VGG_FILE = "vgg16-397923af.pth"
LPIPS_FILE = "vgg.pth"


class AerobladeSettings(ExpertSettings):
    """How original and rebuilt picture are compared."""

    crop: int = Field(default=512, ge=64, le=2048, multiple_of=64)
    "The centre of a larger picture is shown; a smaller one is shown as it is."
    distance: Literal["lpips", "mse"] = "lpips"
    "LPIPS as published, or the mean squared difference of pixels in −1..1."
    layer: int = Field(default=2, ge=1, le=5)
    "Layer of VGG-16 whose LPIPS distance counts."
    lpips: Path | None = None
    "Folder with torchvision's vgg16-397923af.pth and LPIPS' v0.1 vgg.pth."


class Aeroblade(Expert):
    """AEROBLADE (CVPR 2024)."""

    card = ExpertCard(
        name="aeroblade",
        title="AEROBLADE",
        sees="reconstruction",
        paper="Ricker et al., AEROBLADE: Training-Free Detection of Latent Diffusion Images Using "
        "Autoencoder Reconstruction Error, CVPR 2024 (arXiv 2401.17879)",
        official_code="https://github.com/jonasricker/aeroblade",
        official_file="",
        official_from="no file of its own: the vae folder of any diffusers model (--backbone), "
        "torchvision's VGG-16 and LPIPS' v0.1 weights",
        licence="none stated; the autoencoder's own",
        input="centre 512 px through the autoencoder and back, LPIPS distance",
    )
    Settings = AerobladeSettings

    def build_network(self) -> "nn.Module":
        """Autoencoder, distance, and a threshold that is not fitted yet."""
        from groundsight.experts.networks.rebuilding import Rebuilding

        if self.backbone is None:
            raise UsageError(
                "AEROBLADE needs the autoencoder of a diffusers model: give its vae folder with "
                "--backbone"
            )
        return Rebuilding(Path(self.backbone), self._perceptual())

    def official_module(self) -> "nn.Module":
        """The threshold: all that is ours."""
        network: Any = self.network
        threshold: nn.Module = network.threshold
        return threshold

    def packed_views(self, picture: Image.Image) -> AnyArray:
        """The centre, uint8, its sides cut to multiples of what a latent cell covers."""
        network: Any = self.network
        factor = network.autoencoder.factor
        width, height = (_whole_cells(min(s, self.settings.crop), factor) for s in picture.size)
        left, top = (max(picture.width - width, 0) // 2, max(picture.height - height, 0) // 2)
        cut = np.asarray(picture.crop((left, top, left + width, top + height)))
        seen = cut[: picture.height, : picture.width]  # less than a cell: its edge goes on
        missing = ((0, height - seen.shape[0]), (0, width - seen.shape[1]), (0, 0))
        return np.pad(seen, missing, mode="edge")[None]

    def error_maps(self, views: "Tensor") -> "Tensor":
        """(N, 3, H, W) in 0..1 → (N, 1, h, w): how far each cell is from its rebuilding."""
        network: Any = self.network
        out: Tensor = network.error_maps(views * 2 - 1)
        return out

    def logits(self, views: "Tensor") -> "Tensor":
        """Slope · (threshold − distance); the negative distance where no threshold is fitted."""
        network: Any = self.network
        out: Tensor = network.threshold(self.error_maps(views).mean((1, 2, 3)))
        return out

    def view_heat(self, views: "Tensor") -> ViewHeat:
        """What is rebuilt well speaks for generated: against the threshold, or the mean error."""
        import torch

        network: Any = self.network
        with torch.no_grad():
            errors = self.error_maps(views)[:, 0]
            limit = errors.mean((1, 2), keepdim=True)
            said = network.threshold(errors) if network.threshold.is_fitted else limit - errors
        return ViewHeat(values=said, method="rebuilding error")

    def distances(self, pictures: Sequence[Image.Image], batch_size: int = 8) -> FloatArray:
        """The distance of each picture to its rebuilding, (N,): small is more likely generated."""
        network: Any = self.network
        logits = self.score_logits(pictures, batch_size)
        out: FloatArray = network.threshold.distance(logits).astype(np.float32)
        return out

    def fit(self, distances: AnyArray, labels: AnyArray) -> None:
        """Fit threshold and slope by logistic regression, so that `score` is a probability.

        Args:
            distances: (N,), as `distances` gives them.
            labels: (N,), 1 is generated; both classes must be there.

        Raises:
            UsageError: one class only.
        """
        from groundsight.experts.networks.rebuilding import fit_threshold

        network: Any = self.network
        fit_threshold(network.threshold, distances, labels)

    def probabilities(self, logits: AnyArray) -> FloatArray:
        """p_fake.

        Raises:
            UsageError: no threshold is fitted: a distance is no probability.
        """
        network: Any = self.network
        if not network.threshold.is_fitted:
            raise UsageError(
                "AEROBLADE gives a distance, no probability, until a threshold is fitted on "
                "labelled pictures (Aeroblade.fit); save_expert keeps it"
            )
        return super().probabilities(logits)

    def _perceptual(self) -> "nn.Module | None":
        if self.settings.distance == "mse":
            return None
        from groundsight.experts.networks.perceptual import Perceptual
        from groundsight.experts.weights import read_state

        folder = self.settings.lpips
        if folder is None:
            raise UsageError(
                f"AEROBLADE's LPIPS needs its weights: set lpips to a folder with {VGG_FILE} and "
                f"{LPIPS_FILE}, or distance to mse"
            )
        network = Perceptual(self.settings.layer)
        network.fill_published(
            read_state(folder / VGG_FILE), read_state(folder / LPIPS_FILE), folder
        )
        return network


def _whole_cells(length: int, factor: int) -> int:
    return max(length // factor, 1) * factor
