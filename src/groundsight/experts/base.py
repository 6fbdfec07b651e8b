"""What a detector is: a card, a network, views of a picture, logits of views.

    class Mine(Expert):
        card = ExpertCard(name="mine", ...)
        Settings = MySettings

        def build_network(self): ...            # official names and shapes
        def views(self, picture): ...           # PIL → (V, 3, H, W) float32 in 0..1
        def network_input(self, views): ...     # normalisation, residuals: differentiable

Modules of experts load no torch by being imported, so that cards, views and names are cheap; they
import it inside their functions.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from groundsight.core.types import Value

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from groundsight.experts.heat import ViewHeat
    from groundsight.experts.tracing import Trace

Sees = Literal["semantic", "frequency", "dual", "patch", "reconstruction"]
FloatArray = npt.NDArray[np.float32]
AnyArray = npt.NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class ExpertCard:
    """What a published detector is, for `groundsight experts list` and for reports.

    Args:
        name: row of `EXPERTS`, key in a sample's `experts`.
        title: as people know it.
        sees: what it looks at; ThinkFake asks for semantic, frequency and dual.
        paper: authors, venue, arXiv id.
        official_code: address of the repository.
        official_file: name of the published weights' file; empty where nothing is trained.
        official_from: where that file is found.
        licence: of the published weights and code.
        input: what the network is shown of a picture, in words.
        differentiable: `logits` has a gradient with respect to the views.
        backbone: hub name of a frozen tower that the file does not hold; None without one.
    """

    name: str
    title: str
    sees: Sees
    paper: str
    official_code: str
    official_file: str
    official_from: str
    licence: str
    input: str
    differentiable: bool = True
    backbone: str | None = None


class ExpertSettings(Value):
    """Base of what can be set of an expert; unknown names are refused."""


class Expert:
    """A detector. One polarity: a logit above 0 says AI-generated.

    Args:
        settings: of its class `Settings`; None takes the defaults.
        backbone: hub name or folder of its tower, for experts that have one.
    """

    card: ClassVar[ExpertCard]
    Settings: ClassVar[type[ExpertSettings]] = ExpertSettings
    chooses_by_content: ClassVar[bool] = False
    "Whether what a picture shows decides which of its pixels are looked at."

    def __init__(
        self, settings: ExpertSettings | None = None, *, backbone: str | Path | None = None
    ) -> None:
        self.settings: Any = settings or self.Settings()
        self.backbone = str(backbone) if backbone is not None else self.card.backbone
        self.temperature = 1.0
        self.network: nn.Module = self.build_network().eval()

    # What an expert defines

    def build_network(self) -> "nn.Module":
        """The network with fresh weights; the names and shapes of the published file."""
        raise NotImplementedError

    def views(self, picture: Image.Image) -> FloatArray:
        """What the network is shown of a picture, before normalisation.

        Args:
            picture: RGB, any size.

        Returns:
            (V, 3, H, W) float32 in 0..1; H and W are the same for all views of a picture.
        """
        return to_unit(self.packed_views(picture))

    def packed_views(self, picture: Image.Image) -> AnyArray:
        """As `views`, or the same pixels as uint8 (V, H, W, 3): a quarter of the memory.

        An expert defines this one where its views are pixels, else `views`.
        """
        return self.views(picture)

    def logits(self, views: "Tensor") -> "Tensor":
        """The network's say on each view, differentiable where the card says so.

        Args:
            views: (N, 3, H, W) in 0..1, on the network's device.

        Returns:
            (N,), before the temperature.
        """
        out: Tensor = self.network(self.network_input(views))
        return out.flatten()

    def network_input(self, views: "Tensor") -> "Tensor":
        """Normalisation of the views; here none."""
        return views

    def fit_input(self, batches: "Iterable[Tensor]") -> None:
        """Learn the normalisation from the training views, before training; here nothing is.

        Args:
            batches: (N, 3, H, W) in 0..1 each, on the network's device.
        """

    # What an expert defines where its views are more than pixels moved about

    def trace(self, picture: Image.Image) -> "Trace":
        """How the views hang on the pixels: a differentiable function, equal to `views` here.

        Args:
            picture: RGB.

        Returns:
            (3, H, W) in 0..1 → (V, 3, h, w) in 0..1.
        """
        from groundsight.experts.tracing import trace_moved

        return trace_moved(self, picture)

    def view_heat(self, views: "Tensor") -> "ViewHeat":
        """What speaks for generated, and where in each view.

        Args:
            views: (N, 3, H, W) in 0..1.
        """
        from groundsight.experts.heat import usual_view_heat

        return usual_view_heat(self, views)

    # Weights: what differs where part of the network is somebody else's

    def official_module(self) -> "nn.Module":
        """The module whose state the published file holds, and ours too."""
        return self.network

    def drop_unused(self, state: Mapping[str, "Tensor"]) -> dict[str, "Tensor"]:
        """A file's state without entries that the official code writes and never reads."""
        return dict(state)

    # What follows

    @property
    def device(self) -> "torch.device":
        """Where the network is."""
        return next(self.network.parameters()).device

    def score(self, pictures: Sequence[Image.Image], batch_size: int = 32) -> FloatArray:
        """Say of each picture how likely it is AI-generated.

        Args:
            pictures: RGB, any sizes.
            batch_size: most views that go through the network at once.

        Returns:
            (N,) float32 p_fake, the sigmoid of `score_logits` over the temperature.
        """
        return self.probabilities(self.score_logits(pictures, batch_size))

    def score_logits(self, pictures: Sequence[Image.Image], batch_size: int = 32) -> FloatArray:
        """The mean of the logits over each picture's views, (N,) float32."""
        from groundsight.experts.batching import mean_logits

        return mean_logits(self, (self.packed_views(one) for one in pictures), batch_size)

    def probabilities(self, logits: AnyArray) -> FloatArray:
        """p_fake of mean logits: 1 / (1 + exp(−logit / temperature))."""
        scaled = np.asarray(logits, np.float64) / self.temperature
        return (0.5 * (1.0 + np.tanh(0.5 * scaled))).astype(np.float32)


def to_unit(packed: AnyArray) -> FloatArray:
    """Views as float32 (V, 3, H, W) in 0..1, whichever way they are packed."""
    if packed.dtype != np.uint8:
        return packed.astype(np.float32, copy=False)
    return packed.transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255.0)
