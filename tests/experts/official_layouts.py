"""Names and shapes of published files, written down from the official networks' definitions."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

Shape = tuple[int, ...]


def resnet_layout(
    depths: Sequence[int] = (3, 4, 6, 3), *, stem: int = 7, head: str = "fc", outputs: int = 1
) -> dict[str, Shape]:
    """torchvision's ResNet-50 (or its first stages): name → shape, counters included."""
    layout: dict[str, Shape] = {"conv1.weight": (64, 3, stem, stem), **_norm("bn1", 64)}
    channels = 64
    for stage, depth in enumerate(depths):
        inner = 64 * 2**stage
        for block in range(depth):
            layout |= dict(_block(f"layer{stage + 1}.{block}", channels, inner, first=block == 0))
            channels = 4 * inner
    return {**layout, f"{head}.weight": (outputs, channels), f"{head}.bias": (outputs,)}


def _block(name: str, channels: int, inner: int, *, first: bool) -> Iterator[tuple[str, Shape]]:
    yield f"{name}.conv1.weight", (inner, channels, 1, 1)
    yield f"{name}.conv2.weight", (inner, inner, 3, 3)
    yield f"{name}.conv3.weight", (4 * inner, inner, 1, 1)
    for index, width in enumerate((inner, inner, 4 * inner)):
        yield from _norm(f"{name}.bn{index + 1}", width).items()
    if first:
        yield f"{name}.downsample.0.weight", (4 * inner, channels, 1, 1)
        yield from _norm(f"{name}.downsample.1", 4 * inner).items()


def _norm(name: str, channels: int) -> dict[str, Shape]:
    vectors = ("weight", "bias", "running_mean", "running_var")
    return {
        **{f"{name}.{one}": (channels,) for one in vectors},
        f"{name}.num_batches_tracked": (),
    }


def drawn_state(layout: dict[str, Shape], seed: int = 0) -> dict[str, Tensor]:
    """Tensors of a layout, small enough that a deep network stays finite."""
    generator = torch.Generator().manual_seed(seed)
    state: dict[str, Tensor] = {}
    for name, shape in layout.items():
        if name.endswith("num_batches_tracked"):
            state[name] = torch.tensor(7)
        elif name.endswith(("running_var",)):
            state[name] = torch.rand(shape, generator=generator) + 0.5
        else:
            fan_in = max(1, int(torch.tensor(shape[1:]).prod())) if len(shape) > 1 else 100
            state[name] = torch.randn(shape, generator=generator) * (2.0 / fan_in) ** 0.5
    return state
