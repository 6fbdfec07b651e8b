"""Fitting the small neural classifier on hand-made statistics."""

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional

from groundsight.core.seeds import derive_short_seed
from groundsight.experts.signal.classical import Float, mean_and_scale
from groundsight.forensics.signal.classifiers import Neural, standardised
from groundsight.forensics.signal.planes import Plane

Half = npt.NDArray[np.float16]
MEMBERS = 4
WIDTHS = (128, 32)
EPOCHS = 25
BATCH = 128
LEARNING_RATE = 1e-3
WEIGHT_DECAY = 0.05
SMOOTHING = 0.1
INPUT_DROPOUT = 0.3
"Heavy, because there are more statistics than pictures: no few of them may decide."


def fit_neural(features: Plane, labels: Float, weights: Float, *, threads: int) -> Neural:
    """Several perceptrons of two hidden layers that differ in their seed only.

    Args:
        features: (N, D).
        labels: (N,) 0 or 1.
        weights: (N,) importance, any scale.
        threads: of torch; the last bits depend on it.
    """
    torch.set_num_threads(threads)
    mean, scale = mean_and_scale(features)
    inputs = torch.from_numpy(standardised(features, mean, scale))
    smooth = torch.from_numpy((labels * (1 - SMOOTHING) + SMOOTHING / 2).astype(np.float32))
    importance = torch.from_numpy((weights / weights.mean()).astype(np.float32))
    members = [_fit_member(inputs, smooth, importance, index) for index in range(MEMBERS)]
    return Neural(mean, scale, tuple(members))


def _fit_member(
    inputs: torch.Tensor, targets: torch.Tensor, importance: torch.Tensor, index: int
) -> tuple[Half, ...]:
    torch.manual_seed(derive_short_seed(0, "neural", index))
    network = _network(inputs.shape[1])
    batch = min(BATCH, len(inputs))
    steps = len(inputs) // batch
    optimizer = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, LEARNING_RATE, total_steps=max(2, steps * EPOCHS)
    )
    for _ in range(EPOCHS):
        order = torch.randperm(len(inputs))
        for step in range(steps):
            chosen = order[step * batch : (step + 1) * batch]
            losses = functional.binary_cross_entropy_with_logits(
                network(inputs[chosen])[:, 0], targets[chosen], reduction="none"
            )
            optimizer.zero_grad()
            (losses * importance[chosen]).mean().backward()
            optimizer.step()
            schedule.step()
    # Half precision halves the shipped file and moves no score by a thousandth.
    return tuple(p.detach().numpy().astype(np.float16) for p in network.parameters())


def _network(inputs: int) -> nn.Sequential:
    first, second = WIDTHS
    return nn.Sequential(
        nn.Dropout(INPUT_DROPOUT),
        nn.Linear(inputs, first),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(first, second),
        nn.ReLU(),
        nn.Dropout(0.25),
        nn.Linear(second, 1),
    )
