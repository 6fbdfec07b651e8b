"""Where in a picture an expert sees what it says: a heat map, and its drawing.

    heat = heat_map(expert, picture)            # values > 0 speak for generated, < 0 for real
    draw_heat(picture, heat, title="npr").save("photo.npr.png")

Networks that average a score over cells give each cell's score (the mean is the logit); others
give Grad-CAM (Selvaraju et al., 2017, arXiv 1610.02391, without its ReLU, so that both signs
show), or the gradient times the input. What is found in a view is laid back where the view's
pixels come from; pixels that no view shows are NaN.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from PIL import Image

from groundsight.core.errors import UsageError
from groundsight.experts.base import Expert, FloatArray
from groundsight.experts.tracing import Trace, to_pixels

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

Method = Literal["patch scores", "Grad-CAM", "gradient × input", "rebuilding error"]
_BLOCK_PX = 8
"Gradients of single pixels are averaged over blocks of this side."


@dataclass(frozen=True, kw_only=True)
class ViewHeat:
    """What speaks for generated in views, at any resolution.

    Args:
        values: (N, h, w), laid over the whole view.
        method: how they came about.
        skips: the view leaves pixels of the picture out between those that it shows.
    """

    values: "Tensor"
    method: Method
    skips: bool = False


@dataclass(frozen=True, kw_only=True)
class HeatMap:
    """What speaks for generated in a picture.

    Args:
        values: (H, W) float32 in the picture's pixels; > 0 for generated, < 0 for real, NaN where
            the expert did not look.
        method: how they came about.
        p_fake: of the expert; None where it gives none.
    """

    values: FloatArray
    method: Method
    p_fake: float | None


def heat_map(expert: Expert, picture: Image.Image) -> HeatMap:
    """Where an expert sees what it says of a picture.

    Args:
        expert: in evaluation mode.
        picture: RGB.

    Raises:
        UsageError: the expert has no gradient and no scores of patches.
    """
    import torch
    from torch.nn.functional import interpolate

    if not expert.card.differentiable:
        raise UsageError(f"{expert.card.name} has no gradient, so it has no heat map")
    trace, pixels = expert.trace(picture), to_pixels(picture, expert.device)
    views = trace(pixels).detach()
    with torch.enable_grad():
        heat = expert.view_heat(views)
    values = heat.values.detach()[:, None].float()
    if values.shape[-2:] != views.shape[-2:]:
        values = interpolate(values, views.shape[-2:], mode="bilinear")
    smooth_px = max(picture.size) // views.shape[-1] if heat.skips else 0
    return HeatMap(
        values=_laid_back(trace, pixels, values.to(views), smooth_px),
        method=heat.method,
        p_fake=_p_fake(expert, views),
    )


def draw_heat(picture: Image.Image, heat: HeatMap, *, title: str, name: str = "") -> Image.Image:
    """The picture with the heat map over it, a title above and how to read it.

    Args:
        picture: the RGB picture that the map is of.
        heat: of it.
        title: of the expert.
        name: of the picture.
    """
    from groundsight.vision.drawing import draw_overlay
    from groundsight.vision.shading import shade

    said = "" if heat.p_fake is None else f"  p_fake {heat.p_fake:.2f}"
    reading = "orange speaks for generated, blue for real, dark was not looked at"
    return draw_overlay(
        shade(np.asarray(picture), heat.values),
        [],
        title=f"{title}{said}",
        subtitle=f"{heat.method}: {reading}{'  |  ' if name else ''}{name}",
        tone=_tone(heat.p_fake),
    )


def usual_view_heat(expert: Expert, views: "Tensor") -> ViewHeat:
    """Scores of cells where the network averages them, else the gradient times the input."""
    network: Any = expert.network
    if hasattr(network, "cell_logits"):
        import torch

        with torch.no_grad():
            cells = network.cell_logits(expert.network_input(views))
        return ViewHeat(values=cells, method="patch scores")
    return gradient_times_input(expert, views)


def gradient_times_input(expert: Expert, views: "Tensor") -> ViewHeat:
    """How far the logit would move if a block of pixels went to the view's mean, to first order."""
    import torch
    from torch.nn.functional import avg_pool2d

    inputs = views.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(expert.logits(inputs).sum(), inputs)
    centred = inputs.detach() - inputs.detach().mean((2, 3), keepdim=True)
    moved = (gradient * centred).sum(1, keepdim=True)
    side = min(_BLOCK_PX, *views.shape[-2:])
    return ViewHeat(values=avg_pool2d(moved, side)[:, 0], method="gradient × input")


def grad_cam(
    logits: "Tensor", features: "Tensor", maps: "Callable[[Tensor], Tensor] | None" = None
) -> "Tensor":
    """Features weighted by the mean of the logit's gradient over places, summed over channels.

    Args:
        logits: (N,), computed from the features.
        features: (N, C, h, w), or anything that `maps` makes such maps of.
        maps: brings features, and their gradient, to (N, C, h, w).

    Returns:
        (N, h, w), signed.
    """
    import torch

    (gradient,) = torch.autograd.grad(logits.sum(), features, retain_graph=True)
    if maps is not None:
        gradient, features = maps(gradient), maps(features)
    return (gradient.mean((2, 3), keepdim=True) * features).sum(1).detach()


def _laid_back(trace: Trace, pixels: "Tensor", values: "Tensor", smooth_px: int) -> FloatArray:
    """View values (V, 1, h, w) as the mean at each pixel of what the views say of it."""
    import torch
    from torch.nn.functional import avg_pool2d

    probe = pixels.clone().requires_grad_()
    out = trace(probe)
    told, seen = (
        torch.autograd.grad(out, probe, weights.expand_as(out), retain_graph=True)[0].sum(0)
        for weights in (values, torch.ones_like(values))
    )
    if smooth_px > 0:
        told, seen = (
            avg_pool2d(x[None], 2 * smooth_px + 1, stride=1, padding=smooth_px)[0]
            for x in (told, seen)
        )
    laid: FloatArray = torch.where(seen > 0, told / seen, torch.nan).cpu().numpy()
    return laid.astype(np.float32)


def _p_fake(expert: Expert, views: "Tensor") -> float | None:
    import torch

    with torch.no_grad():
        logit = expert.logits(views).mean().cpu().numpy()
    try:
        return float(expert.probabilities(logit))
    except UsageError:  # AEROBLADE without a threshold says a distance, no probability
        return None


def _tone(p_fake: float | None) -> Literal["warn", "calm", "unsure"]:
    if p_fake is None:
        return "unsure"
    return "warn" if p_fake >= 0.5 else "calm"
