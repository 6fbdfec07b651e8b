"""A copy of an expert that only scores: batch norms folded into convolutions, channels last.

The copy says the same to rounding; that is checked on a probe, and an expert that does not bear it
is used as it is.
"""

import copy
import warnings
from collections.abc import Iterator

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from groundsight.core.seeds import make_rng
from groundsight.experts.base import Expert

MOST_DIFFERENCE = 1e-3
"Of a logit, relative to its size past 1."
_PROBE_SIZE = (300, 260)


def for_scoring(expert: Expert) -> Expert:
    """An expert that says the same and is faster at it; cannot be trained or saved.

    Args:
        expert: stays as it is.

    Returns:
        The copy, or the expert itself where it has no convolutions or the copy would differ.
    """
    if not any(isinstance(module, nn.Conv2d) for module in expert.network.modules()):
        return expert
    fast = copy.copy(expert)
    fast.network = copy.deepcopy(expert.network).eval().requires_grad_(False)
    fold_batch_norms(fast.network)
    fast.network.to(memory_format=torch.channels_last)
    said, wanted = (one.score_logits([_probe()])[0] for one in (fast, expert))
    if abs(said - wanted) <= MOST_DIFFERENCE * max(1.0, abs(wanted)):
        return fast
    warnings.warn(
        f"{expert.card.name} is scored unfolded: folded it says {said:.5f}, not {wanted:.5f}",
        stacklevel=2,
    )
    return expert


def fold_batch_norms(network: nn.Module) -> int:
    """Fold each batch norm that follows a convolution into it, in place.

    Pairs are found by torchvision's names: `conv1` and `bn1`, or neighbours in a `Sequential`.

    Args:
        network: in evaluation mode, nothing to be trained.

    Returns:
        How many were folded.
    """
    pairs = [pair for module in network.modules() for pair in _pairs(module)]
    for module, convolution, norm in pairs:
        fused = fuse_conv_bn_eval(getattr(module, convolution), getattr(module, norm))
        setattr(module, convolution, fused.requires_grad_(False))
        setattr(module, norm, nn.Identity())
    return len(pairs)


def _pairs(module: nn.Module) -> Iterator[tuple[nn.Module, str, str]]:
    children = dict(module.named_children())
    for name, child in children.items():
        if not isinstance(child, nn.Conv2d):
            continue
        after = f"bn{name.removeprefix('conv')}" if name.startswith("conv") else ""
        if isinstance(module, nn.Sequential):
            after = str(int(name) + 1) if name.isdigit() else ""
        norm = children.get(after)
        if isinstance(norm, nn.BatchNorm2d) and norm.num_features == child.out_channels:
            yield module, name, after


def _probe() -> Image.Image:
    width, height = _PROBE_SIZE
    pixels = make_rng(0, "expert probe").integers(0, 256, (height, width, 3))
    return Image.fromarray(pixels.astype(np.uint8))
