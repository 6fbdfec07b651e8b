"""Training the residual network on crops held in memory.

Half of the crops hold a rectangle of a picture of the other class. The cell head learns from all
of them which cells are generated, the crop head from those that are of one class throughout.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from groundsight.core.seeds import derive_seed, make_rng
from groundsight.experts.averaging import follow
from groundsight.experts.determinism import deterministic
from groundsight.experts.signal.network import SignalNetwork
from groundsight.forensics.signal.network import CELL_PX

Crops = npt.NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class NetworkTraining:
    """Settings; the defaults are those of the shipped network."""

    steps: int = 3000
    batch: int = 64
    crop_px: int = 128
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    smoothing: float = 0.1
    average: float = 0.998
    seed: int = 0


@dataclass(frozen=True, eq=False, kw_only=True)
class CropSet:
    """Crops to draw from.

    Args:
        crops: (pictures, views, side, side, 3) uint8.
        truth: (pictures, views, side, side) uint8, 1 = generated.
        weights: (pictures,) chance of being drawn, summing to 1.
    """

    crops: Crops
    truth: Crops
    weights: npt.NDArray[np.float64]


@deterministic()
def train_network(
    data: CropSet, settings: NetworkTraining, progress: Callable[[int, float], None]
) -> SignalNetwork:
    """Train from scratch; the same data, settings, torch and thread count give the same bits.

    Args:
        data: what to draw from.
        settings: how.
        progress: called with (step, loss).

    Returns:
        The running average of the weights, in evaluation mode.
    """
    torch.manual_seed(derive_seed(settings.seed, "network"))
    rng = make_rng(settings.seed, "batches")
    network = SignalNetwork().to(memory_format=torch.channels_last)
    average = SignalNetwork()
    average.load_state_dict(network.state_dict())
    optimizer = torch.optim.AdamW(
        network.parameters(), settings.learning_rate, weight_decay=settings.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, settings.learning_rate, total_steps=settings.steps, pct_start=0.15
    )
    for step in range(settings.steps):
        loss = _loss(network, _draw(data, settings, rng), settings.smoothing)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        keep = min(settings.average, (step + 1) / (step + 10))
        follow(average.state_dict(), network, keep=keep)
        progress(step, float(loss.detach()))
    average.eval()
    return average


@dataclass(frozen=True, eq=False)
class _Batch:
    pixels: torch.Tensor  # (B, 3, side, side)
    labels: torch.Tensor  # (B,)
    cells: torch.Tensor  # (B, side/8, side/8)
    whole: torch.Tensor  # (B,) bool: of one class throughout


def _draw(data: CropSet, settings: NetworkTraining, rng: np.random.Generator) -> _Batch:
    count, side = settings.batch, settings.crop_px
    pick = rng.choice(len(data.weights), count, p=data.weights)
    view = rng.integers(0, data.crops.shape[1], count)
    corner = rng.integers(0, data.crops.shape[2] - side + 1, (count, 2))
    at = [
        (i, v, slice(y, y + side), slice(x, x + side))
        for i, v, (y, x) in zip(pick, view, corner, strict=True)
    ]
    pixels = np.stack([data.crops[place] for place in at])
    truth = np.stack([data.truth[place] for place in at])
    turn, flip = int(rng.integers(0, 4)), bool(rng.random() < 0.5)
    pixels, truth = np.rot90(pixels, turn, (1, 2)), np.rot90(truth, turn, (1, 2))
    if flip:
        pixels, truth = pixels[:, :, ::-1], truth[:, :, ::-1]
    grid = side // CELL_PX
    share = truth.reshape(count, grid, CELL_PX, grid, CELL_PX).mean(axis=(2, 4))
    cells = (share >= 0.5).astype(np.float32)
    return _Batch(
        torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))),
        torch.from_numpy(np.ascontiguousarray(cells[:, 0, 0])),
        torch.from_numpy(cells),
        torch.from_numpy((cells == cells[:, :1, :1]).all(axis=(1, 2))),
    )


def _loss(network: SignalNetwork, batch: _Batch, smoothing: float) -> torch.Tensor:
    out = network(batch.pixels)
    smooth = (1 - smoothing) * batch.labels + smoothing / 2
    cells = (1 - smoothing) * batch.cells + smoothing / 2
    where = 0.5 * functional.binary_cross_entropy_with_logits(out.cells, cells)
    if not batch.whole.any():  # the mean over no crop is NaN
        return where
    crop = functional.binary_cross_entropy_with_logits(out.crop[batch.whole], smooth[batch.whole])
    return crop + where
