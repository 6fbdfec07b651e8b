"""FreDect: up-sampling shows as a pattern in the DCT spectrum of a picture.

Frank et al., ICML 2020 (arXiv 2003.08685). The spectrum of the whole square, log-scaled, is centred
by the mean and variance of each coefficient over the training pictures and classified.

The paper's TensorFlow weights are not published for this task; the ones people use, and whose
pre-processing this is, are those of AIGCDetectBenchmark: shorter side 256, centre 224, ResNet-50.
Their file holds the ResNet alone: `statistics` names the folder with `dct_mean` and `dct_var`.
`classifier = "cnn"` is the paper's small network, which a CPU can train.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from PIL import Image
from pydantic import Field

from groundsight.core.errors import UsageError
from groundsight.experts.base import AnyArray, Expert, ExpertCard, ExpertSettings
from groundsight.experts.crops import CropSettings, crop_views
from groundsight.experts.heat import ViewHeat, gradient_times_input
from groundsight.experts.tracing import Trace, pinned, resized

if TYPE_CHECKING:
    from torch import Tensor, nn

STATISTICS = ("dct_mean", "dct_var")


class FreDectSettings(ExpertSettings):
    """What FreDect is shown, and which network classifies it."""

    resize: int | None = Field(default=256, ge=16, le=2048)
    "The shorter side is brought to this many pixels first; None resizes nothing."
    crop: int = Field(default=224, ge=16, le=1024, multiple_of=4)
    "Side of the centre crop in pixels."
    classifier: Literal["resnet50", "cnn"] = "resnet50"
    "ResNet-50 has published weights; cnn is the paper's small network."
    statistics: Path | None = None
    "Folder with the published dct_mean and dct_var; None where a file of ours holds them."


class FreDect(Expert):
    """FreDect, also named DCTAnalysis (ICML 2020)."""

    card = ExpertCard(
        name="fredect",
        title="FreDect",
        sees="frequency",
        paper="Frank et al., Leveraging Frequency Analysis for Deep Fake Image Recognition, "
        "ICML 2020 (arXiv 2003.08685)",
        official_code="https://github.com/RUB-SysSec/GANDCTAnalysis; the weights' code is "
        "https://github.com/Ekko-zn/AIGCDetectBenchmark",
        official_file="DCTAnalysis.pth",
        official_from="weights/classifier of AIGCDetectBenchmark; dct_mean and dct_var are in its "
        "weights/auxiliary",
        licence="code MIT; weights: none stated",
        input="shorter side 256, centre 224 px, log-DCT spectrum, ResNet-50",
    )
    Settings = FreDectSettings

    def build_network(self) -> "nn.Module":
        """The classifier with the spectra's statistics."""
        from groundsight.experts.networks.spectrum_cnn import SpectrumCnn, SpectrumResNet

        side = self.settings.crop
        resnet = self.settings.classifier == "resnet50"
        network: Any = SpectrumResNet(side) if resnet else SpectrumCnn(side)
        self.has_published_statistics = self.settings.statistics is not None
        if self.settings.statistics is not None:
            for name, value in read_statistics(self.settings.statistics, side).items():
                getattr(network, name).copy_(value)
            # From here on they are part of the state: a folder of ours needs no path to them.
            self.settings = self.settings.model_copy(update={"statistics": None})
        module: nn.Module = network
        return module

    def packed_views(self, picture: Image.Image) -> AnyArray:
        """The centre crop of the resized picture, uint8."""
        if self.settings.resize is not None:
            picture = shorter_side(picture, self.settings.resize)
        return crop_views(picture, CropSettings(crop=self.settings.crop))

    def trace(self, picture: Image.Image) -> Trace:
        """A resize without rounding, pinned to the views, and the crop."""
        if self.settings.resize is None:
            return super().trace(picture)
        sized = shorter_side(picture, self.settings.resize)
        crop = self._trace_crop(sized)

        def smooth(pixels: "Tensor") -> "Tensor":
            return crop(resized(pixels, (sized.height, sized.width)))

        return pinned(smooth, picture, self.views(picture))

    def _trace_crop(self, sized: Image.Image) -> Trace:
        plain = self.settings.model_copy(update={"resize": None})
        kept, self.settings = self.settings, plain
        try:
            return super().trace(sized)
        finally:
            self.settings = kept

    def network_input(self, views: "Tensor") -> "Tensor":
        """The centred log-spectrum."""
        from groundsight.experts.networks.spectrum_cnn import log_spectrum

        network: Any = self.network
        spectrum = log_spectrum(views)
        centred = (spectrum - network.dct_mean) / network.dct_var.sqrt()
        return centred.to(views.dtype)

    def view_heat(self, views: "Tensor") -> ViewHeat:
        """The gradient at the pixels: the network's cells are frequencies, not places."""
        return gradient_times_input(self, views)

    def fit_input(self, batches: Iterable["Tensor"]) -> None:
        """Take mean and variance of every coefficient over the training views.

        Args:
            batches: (N, 3, crop, crop) in 0..1 each; at least two views in all.
        """
        from groundsight.experts.networks.spectrum_cnn import log_spectrum

        count, total, squares = 0, 0.0, 0.0
        origin: Any = None
        for views in batches:
            spectrum = log_spectrum(views).detach()
            origin = spectrum[0] if origin is None else origin  # keeps the squares from cancelling
            count += len(spectrum)
            total = total + (spectrum - origin).sum(0)
            squares = squares + (spectrum - origin).square().sum(0)
        if count < 2:
            raise UsageError(f"FreDect needs two training pictures for a variance, got {count}")
        network: Any = self.network
        mean: Any = total / count
        network.dct_mean.copy_(origin + mean)
        network.dct_var.copy_((squares / count - mean * mean).clamp_min(1e-6))

    def drop_unused(self, state: Mapping[str, "Tensor"]) -> dict[str, "Tensor"]:
        """The published file's state, completed by the statistics that lie beside it."""
        lacking = [name for name in STATISTICS if name not in state]
        if not lacking:
            return dict(state)
        if not self.has_published_statistics:
            raise UsageError(
                "the published FreDect file holds no spectra's statistics: set statistics to the "
                "folder with its dct_mean and dct_var"
            )
        own = self.network.state_dict()
        return {**state, **{name: own[name] for name in lacking}}


def shorter_side(picture: Image.Image, side: int) -> Image.Image:
    """Resized (bilinear) so that its shorter side has that length, as torchvision's Resize does."""
    short = min(picture.size)
    if short == side:
        return picture
    width, height = (side if edge == short else int(side * edge / short) for edge in picture.size)
    return picture.resize((width, height), Image.Resampling.BILINEAR)


def read_statistics(folder: Path, side: int) -> "dict[str, Tensor]":
    """The published mean and variance of each coefficient.

    Args:
        folder: holds `dct_mean` and `dct_var`, tensors of (3, side, side) that torch wrote.
        side: of the crop in pixels.

    Raises:
        UsageError: not there, not tensors, or of another side.
    """
    import torch

    read = {}
    for name in STATISTICS:
        try:
            value = torch.load(folder / name, map_location="cpu", weights_only=True)
        except Exception as error:  # a damaged or hostile file makes the unpickler raise anything
            raise UsageError(
                f"{folder / name} cannot be read as a tensor: {error!s:.100}"
            ) from None
        if not isinstance(value, torch.Tensor) or tuple(value.shape) != (3, side, side):
            found = tuple(value.shape) if isinstance(value, torch.Tensor) else type(value).__name__
            raise UsageError(f"{folder / name} must be a tensor of (3, {side}, {side}), is {found}")
        read[name] = value.to(torch.float64)
    return read
