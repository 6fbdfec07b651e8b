"""Whom is attacked: the loss to climb, and the judgement of a file."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from PIL import Image

from groundsight.bench.attack.linf import Loss
from groundsight.core.errors import UsageError
from groundsight.core.types import Sample, Verdict
from groundsight.engines.expert import ExpertEngine
from groundsight.vision.images import Picture

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from groundsight.experts import Expert

GREY_LEVELS = 255.0


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What is said of a file.

    Args:
        verdict: None where a reply has none.
        p_fake: None where there is none.
        region_iou: of the boxes; None where none are asked for.
    """

    verdict: Verdict | None
    p_fake: float | None = None
    region_iou: float | None = None


class Victim(Protocol):
    """A detector whose gradient reaches the picture."""

    @property
    def device(self) -> "torch.device":
        """Where it computes."""
        ...

    def describe(self) -> Mapping[str, Any]:
        """JSON values that name it: what a run is gone on with under the same ones."""
        ...

    def loss(self, sample: Sample, picture: Picture) -> Loss:
        """The label's loss as a function of the picture's pixels."""
        ...

    def judge(self, sample: Sample, picture: Picture) -> Judgement:
        """What it says of a picture that was opened from a file."""
        ...


class ExpertVictim:
    """An expert, attacked through its pre-processing and network.

    The loss is the logit away from the label: it has the cross-entropy's order, and a gradient
    however sure the expert is.

    Args:
        expert: ready to score.

    Raises:
        UsageError: it has no gradient.
    """

    def __init__(self, expert: "Expert") -> None:
        if not expert.card.differentiable:
            raise UsageError(
                f"{expert.card.name} has no gradient: a white-box attack cannot be run"
            )
        expert.network.requires_grad_(False)
        self.expert, self._engine = expert, ExpertEngine(expert)

    @property
    def device(self) -> "torch.device":
        """The network's."""
        return self.expert.device

    def describe(self) -> Mapping[str, Any]:
        """As engines are told."""
        return self._engine.info.model_dump(mode="json")

    def loss(self, sample: Sample, picture: Picture) -> Loss:
        """The mean logit over the views, with the sign that is wrong for the label."""
        sign = -1.0 if sample.label == 1 else 1.0
        expert, still = self.expert, self.expert.trace(Image.fromarray(picture.rgb))

        def of(pixels: "Tensor") -> "Tensor":
            views_of = expert.trace(to_image(pixels)) if expert.chooses_by_content else still
            return sign * expert.logits(views_of(pixels)).mean()

        return of

    def judge(self, sample: Sample, picture: Picture) -> Judgement:
        """By the engine's rule."""
        (answer,) = self._engine.examine([picture])
        return Judgement(verdict=answer.verdict, p_fake=answer.p_fake)


def to_image(pixels: "Tensor") -> Image.Image:
    """(3, H, W) in 0..1 as an RGB picture, rounded to 8 bits."""
    levels = (pixels.detach() * GREY_LEVELS).round().clamp(0, GREY_LEVELS).byte()
    return Image.fromarray(levels.permute(1, 2, 0).cpu().numpy())
