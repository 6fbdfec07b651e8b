"""Warm up a vision tower of random weights: dense labels at every visual token, before any text.

    warm_up_tower(model, processor, samples, WarmUp(steps=450))

The models of the papers start from towers that have seen billions of pictures. A nano tower with
random weights learns next to nothing from next-token loss on a few thousand replies; told at every
visual token which object lies there, where its box ends and whether it is a region that is asked
for, it needs minutes. All objects are told where a sample knows them (`Sample.extra["objects"]`,
see `synth.shapes`), else the regions alone: a tower that is told of the odd shape only has little
to learn places from. The heads that are used for this are thrown away; the model keeps its
architecture.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from PIL import Image
from torch import nn
from torch.nn import functional as F

from groundsight.core.errors import UsageError
from groundsight.core.types import XYXY, Sample
from groundsight.synth.shapes import OBJECTS
from groundsight.tasks.base import gold_regions
from groundsight.train.samples import open_pictures

_MIN_SHARE = 0.2  # of the smaller of region and token: a token that sees less of it is not told
NUM_PLACES = 100
"Bins that a box's corners are told in, over the picture."
_MERGE = 2
_ASKED_WEIGHT = 4.0  # tokens of a region are fewer than the rest


@dataclass(frozen=True, kw_only=True)
class WarmUp:
    """How long and how fast.

    Args:
        steps: optimizer steps.
        batch_size: pictures a step.
        learning_rate: peak; it rises over the first 100 steps and falls to a tenth in a line.
        seed: of the heads and of the order of pictures.
    """

    steps: int = 450
    batch_size: int = 64
    learning_rate: float = 2e-3
    seed: int = 0


class DenseLabels(NamedTuple):
    """What each visual token of a set of equally large pictures is told; N pictures, T tokens."""

    pixels: torch.Tensor
    "(N, patches, patch_dim) float16, as the processor makes them."
    kinds: torch.Tensor
    "(N, T) int64: 0 where no object lies, else 1 + its kind."
    asked: torch.Tensor
    "(N, T) float32: 1 where the object is a region of the sample."
    boxes: torch.Tensor
    "(N, T, 4) int64: x0, y0, x1, y1 of the object there, each in one of `NUM_PLACES` bins."
    regions: torch.Tensor
    "(N, T, 4) int64: likewise of the region nearest to the token; -1 where there is none."
    grid: torch.Tensor
    "(3,) int64: the processor's `image_grid_thw`, the same for all."


def warm_up_tower(
    model: Any,
    processor: Any,
    samples: Sequence[Sample],
    settings: WarmUp = WarmUp(),
    *,
    say: Callable[[str], None] | None = None,
) -> list[float]:
    """Train tower and projector on dense labels; the language model is not touched.

    Args:
        model: of a family whose tower is `model.model.visual`; changed in place.
        processor: of the model.
        samples: with one equally large picture each; their objects and regions are the labels.
        settings: see there.
        say: is told the loss every 50 steps.

    Returns:
        The loss of every step.

    Raises:
        UsageError: pictures of several sizes, several pictures a sample, or no region at all.
    """
    labels = dense_labels(processor, samples)
    tower = model.model.visual
    device = next(tower.parameters()).device
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        heads = Heads(tower.config.out_hidden_size, num_kinds=int(labels.kinds.max()) + 1)
    heads = heads.to(device)
    trained = [p for p in tower.parameters() if p.requires_grad] + list(heads.parameters())
    optimizer = torch.optim.AdamW(trained, lr=settings.learning_rate, weight_decay=0.01)
    order = torch.Generator().manual_seed(settings.seed)
    losses = []
    for step in range(settings.steps):
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate * _pace(step, settings.steps)
        index = torch.randint(0, len(labels.kinds), (settings.batch_size,), generator=order)
        loss = _loss(tower, heads, labels, index, device)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        losses.append(float(loss.detach()))
        if say is not None and (step + 1) % 50 == 0:
            say(f"warm-up {step + 1}/{settings.steps}: loss {losses[-1]:.3f}")
    model.zero_grad(set_to_none=True)
    return losses


def dense_labels(processor: Any, samples: Sequence[Sample]) -> DenseLabels:
    """Pixels and labels of every visual token.

    Raises:
        UsageError: as `warm_up_tower`.
    """
    things = [_things(sample) for sample in samples]
    names = sorted({thing.name for of_one in things for thing in of_one})
    if not names:
        raise UsageError("a warm-up needs samples with regions: none has any")
    pixels, told, grids = [], [], []
    for sample, of_one in zip(samples, things, strict=True):
        picture = Image.fromarray(open_pictures(sample)[0])
        made = processor.image_processor([picture], return_tensors="pt")
        grids.append(made["image_grid_thw"][0])
        if not torch.equal(grids[-1], grids[0]):
            raise UsageError(f"a warm-up takes pictures of one size, {sample.id} has another")
        pixels.append(made["pixel_values"].half())
        told.append(_token_labels(of_one, names, grids[-1]))
    kinds, asked, boxes, regions = (torch.stack(parts) for parts in zip(*told, strict=True))
    return DenseLabels(torch.stack(pixels), kinds, asked, boxes, regions, grids[0])


class _Thing(NamedTuple):
    """An object of a picture: what it is, where, and whether the sample asks for it."""

    name: str
    xyxy_unit: XYXY
    asked: bool


def _things(sample: Sample) -> list[_Thing]:
    """Regions last, so that a token which sees two objects is told of the one that is asked for.

    Raises:
        UsageError: several pictures.
    """
    if len(sample.images) != 1:
        raise UsageError(f"a warm-up takes one picture a sample, {sample.id} has several")
    width, height = sample.images[0].width, sample.images[0].height
    assert width is not None and height is not None, "samples are read with sizes"
    asked = {region.xyxy_px: region for region in gold_regions(sample)}
    known = sample.extra.get(OBJECTS) or [
        {"name": region.description, "xyxy_px": place}
        for region, place in zip(sample.regions, asked, strict=True)
    ]
    things = []
    for thing in known:
        x0, y0, x1, y1 = place = tuple(thing["xyxy_px"])
        unit = (x0 / width, y0 / height, x1 / width, y1 / height)
        things.append(_Thing(thing["name"], unit, place in asked))
    return sorted(things, key=lambda thing: thing.asked)


def _token_labels(
    things: Sequence[_Thing], names: Sequence[str], grid: torch.Tensor
) -> tuple[torch.Tensor, ...]:
    rows, columns = int(grid[1]) // _MERGE, int(grid[2]) // _MERGE
    kinds = torch.zeros(rows, columns, dtype=torch.long)
    asked = torch.zeros(rows, columns)
    boxes = torch.zeros(rows, columns, 4, dtype=torch.long)
    regions = torch.full((rows, columns, 4), -1)
    nearest = torch.full((rows, columns), torch.inf)
    for thing in things:
        box = torch.tensor(thing.xyxy_unit)
        bins = (box * NUM_PLACES).long().clamp(0, NUM_PLACES - 1)
        covered = _covered(box, rows, columns)
        kinds[covered] = 1 + names.index(thing.name)
        asked[covered] = float(thing.asked)
        boxes[covered] = bins
        if thing.asked:
            distance = _distance(box, rows, columns)
            regions[distance < nearest] = bins
            nearest = torch.minimum(nearest, distance)
    return kinds.flatten(), asked.flatten(), boxes.flatten(0, 1), regions.flatten(0, 1)


def _distance(box: torch.Tensor, rows: int, columns: int) -> torch.Tensor:
    """(rows, columns): squared distance of each token's middle to a box's middle."""
    y = (torch.arange(rows) + 0.5) / rows - (box[1] + box[3]) / 2
    x = (torch.arange(columns) + 0.5) / columns - (box[0] + box[2]) / 2
    return y[:, None] ** 2 + x**2


def _covered(box: torch.Tensor, rows: int, columns: int) -> torch.Tensor:
    """(rows, columns) bool: tokens that see enough of a box given in fractions of the picture."""
    top, left = torch.arange(rows) / rows, torch.arange(columns) / columns
    tall = (torch.minimum(top + 1 / rows, box[3]) - torch.maximum(top, box[1])).clamp(min=0)
    wide = (torch.minimum(left + 1 / columns, box[2]) - torch.maximum(left, box[0])).clamp(min=0)
    seen = tall[:, None] * wide
    smaller = min(float((box[2] - box[0]) * (box[3] - box[1])), 1 / (rows * columns))
    return (seen > 0) & (seen >= _MIN_SHARE * smaller)


class Heads(nn.Module):
    """Linear readings of a visual token, thrown away after the warm-up.

    Places are told as bins, coarse and fine, as a reply writes them: digit by digit. A tower that
    is told of them as lengths leaves it to the language model to turn lengths into digits.
    """

    def __init__(self, width: int, *, num_kinds: int) -> None:
        super().__init__()
        self.kind = nn.Linear(width, num_kinds)
        self.asked = nn.Linear(width, 1)
        self.place = nn.Linear(width, 4 * (NUM_PLACES + 10))
        self.region = nn.Linear(width, 4 * (NUM_PLACES + 10))

    def loss(
        self,
        tokens: torch.Tensor,
        kinds: torch.Tensor,
        asked: torch.Tensor,
        boxes: torch.Tensor,
        regions: torch.Tensor,
    ) -> torch.Tensor:
        """Of tokens (B, T, width) against labels as in `DenseLabels`."""
        loss = F.cross_entropy(self.kind(tokens).flatten(0, 1), kinds.flatten())
        loss = loss + F.binary_cross_entropy_with_logits(
            self.asked(tokens)[..., 0],
            asked,
            pos_weight=torch.tensor(_ASKED_WEIGHT, device=tokens.device),
        )
        loss = loss + _place_loss(self.place, tokens, boxes, kinds > 0)
        return loss + _place_loss(self.region, tokens, regions, regions[..., 0] >= 0)


def _place_loss(
    head: nn.Linear, tokens: torch.Tensor, boxes: torch.Tensor, told: torch.Tensor
) -> torch.Tensor:
    """Coarse and fine bins of the boxes, over the tokens that are told one."""
    if not told.any():
        return tokens.new_zeros(())
    found = head(tokens[told]).unflatten(-1, (4, -1)).flatten(0, 1)
    bins = boxes[told].flatten()
    coarse = F.cross_entropy(found[:, :10], bins // (NUM_PLACES // 10))
    return coarse + F.cross_entropy(found[:, 10:], bins)


def _loss(
    tower: Any, heads: Heads, labels: DenseLabels, index: torch.Tensor, device: torch.device
) -> torch.Tensor:
    pixels = labels.pixels[index].flatten(0, 1).float().to(device)
    grid = labels.grid.expand(len(index), 3).to(device)
    tokens = tower(pixels, grid_thw=grid, return_dict=True).pooler_output
    told = (part[index].to(device) for part in labels[1:5])
    return heads.loss(tokens.unflatten(0, (len(index), -1)), *told)


def _pace(step: int, steps: int) -> float:
    return min(1.0, (step + 1) / 100) * max(0.1, 1 - step / steps)
