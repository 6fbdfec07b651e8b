"""Attacks within ε of every pixel: FGSM and PGD. Torch, no pictures.

    attacked = attack(loss, pixels, level=4, settings=AttackSettings())
    (attacked.pixels - pixels).abs().max()      # at most 4 / 255

Source: Goodfellow et al., 2015 (arXiv 1412.6572), Eq. 1; Madry et al., 2018 (arXiv 1706.06083),
Eq. 5. One thing differs: of all pixels visited, the starting ones included, those with the highest
loss are taken, so that an attack never helps its victim.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from groundsight.bench.attack.records import AttackSettings

Loss = Callable[[Tensor], Tensor]
"(3, H, W) pixels in 0..1 → the label's loss, a number with a gradient."
GREY_LEVELS = 255.0


@dataclass(frozen=True, eq=False, kw_only=True)
class Attacked:
    """What an attack found.

    Args:
        pixels: (3, H, W) in 0..1.
        loss: of the label there; at least that of the pixels attacked.
    """

    pixels: Tensor
    loss: float


def attack(
    loss: Loss,
    pixels: Tensor,
    *,
    level: int,
    settings: AttackSettings,
    start: Tensor | None = None,
    seed: int = 0,
) -> Attacked:
    """Raise the label's loss within `level` grey levels of every pixel.

    Args:
        loss: of pixels.
        pixels: (3, H, W) in 0..1, the picture.
        level: ε in grey levels; 0 changes nothing.
        settings: which attack, how many steps.
        start: pixels within ε to go on from, e.g. what a smaller ε found.
        seed: of the random starts.
    """
    best = _valued(loss, pixels)
    if start is not None:
        best = max(best, _valued(loss, start), key=lambda found: found.loss)
    if level == 0:
        return best
    low, high = _box(pixels, level)
    for begin in _starts(best.pixels, low, high, settings, seed):
        for found in _walk(loss, begin, low, high, level, settings):
            best = max(best, found, key=lambda one: one.loss)
    return best


def _box(pixels: Tensor, level: int) -> tuple[Tensor, Tensor]:
    epsilon = level / GREY_LEVELS
    return (pixels - epsilon).clamp_min(0.0), (pixels + epsilon).clamp_max(1.0)


def _starts(
    first: Tensor, low: Tensor, high: Tensor, settings: AttackSettings, seed: int
) -> Iterator[Tensor]:
    yield first
    if settings.method == "fgsm":
        return
    generator = torch.Generator().manual_seed(seed)
    for _ in range(settings.restarts):
        noise = torch.rand(low.shape, generator=generator).to(low)
        yield low + noise * (high - low)


def _walk(
    loss: Loss, pixels: Tensor, low: Tensor, high: Tensor, level: int, settings: AttackSettings
) -> Iterator[Attacked]:
    """The pixels after each step up the gradient's signs, kept in the box."""
    steps = 1 if settings.method == "fgsm" else settings.steps
    rate = 1.0 if settings.method == "fgsm" else settings.step_rate / steps
    size = rate * level / GREY_LEVELS
    for _ in range(steps):
        value, gradient = _with_gradient(loss, pixels)
        yield Attacked(pixels=pixels, loss=value)
        pixels = torch.minimum(torch.maximum(pixels + size * gradient.sign(), low), high)
    yield _valued(loss, pixels)


def _valued(loss: Loss, pixels: Tensor) -> Attacked:
    with torch.no_grad():
        return Attacked(pixels=pixels, loss=float(loss(pixels)))


def _with_gradient(loss: Loss, pixels: Tensor) -> tuple[float, Tensor]:
    variable = pixels.detach().requires_grad_()
    with torch.enable_grad():
        value = loss(variable)
        (gradient,) = torch.autograd.grad(value, variable)
    # A gradient that is no number says nothing about where to go.
    return float(value.detach()), torch.nan_to_num(gradient, nan=0.0)
