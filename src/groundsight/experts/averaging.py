"""Weights of a network that lie apart from it: its running average, and the best so far."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from groundsight.experts.weights import State


def copy_state(module: nn.Module) -> State:
    """A module's state, apart from it."""
    return {name: value.detach().clone() for name, value in module.state_dict().items()}


def follow(average: State, module: nn.Module, *, keep: float) -> None:
    """Move an average towards the weights; batch statistics are taken as they are.

    Args:
        average: of `copy_state`; changed in place.
        module: learnt one step more.
        keep: of the average, in [0, 1]; 0 makes it the weights.
    """
    with torch.no_grad():
        learnt = {name for name, _ in module.named_parameters()}
        for name, value in module.state_dict().items():
            slow = average[name]
            if name in learnt and value.is_floating_point() and keep:
                slow.lerp_(value, 1 - keep)
            else:
                slow.copy_(value)


@contextmanager
def wearing(module: nn.Module, weights: State) -> Iterator[None]:
    """The module with other weights; afterwards its own again."""
    own = copy_state(module)
    module.load_state_dict(weights)
    try:
        yield
    finally:
        module.load_state_dict(own)
