"""What official code does to a picture and in a ResNet, restated without our code."""

import math

import numpy as np
import numpy.typing as npt
import torch.nn.functional as F
from torch import Tensor

Pixels = npt.NDArray[np.uint8]


def noise(width: int, height: int) -> Pixels:
    rng = np.random.default_rng(width * 10_000 + height)
    return rng.integers(0, 256, (height, width, 3)).astype(np.uint8)


def torchvision_centre_crop(pixels: Pixels, side: int) -> Pixels:
    """torchvision's CenterCrop: pads with black, then cuts at round(rest / 2)."""
    height, width = pixels.shape[:2]
    if width < side or height < side:
        left, top = max(0, (side - width) // 2), max(0, (side - height) // 2)
        right, bottom = max(0, (side - width + 1) // 2), max(0, (side - height + 1) // 2)
        pixels = np.pad(pixels, ((top, bottom), (left, right), (0, 0)))
        height, width = pixels.shape[:2]
    top, left = round((height - side) / 2), round((width - side) / 2)
    return pixels[top : top + side, left : left + side]


def tiled(pixels: Pixels, side: int) -> Pixels:
    """Issue 23 of NPR's repository: whole copies side by side where a side is too short."""
    height, width = pixels.shape[:2]
    if min(height, width) < side:
        pixels = np.tile(pixels, (math.ceil(side / height), math.ceil(side / width), 1))
    return pixels


def resnet_forward(
    state: dict[str, Tensor], x: Tensor, depths: tuple[int, ...], head: str
) -> Tensor:
    """The forward pass by functions, in the order of the official code."""

    def norm(name: str, x: Tensor) -> Tensor:
        mean, var = state[f"{name}.running_mean"], state[f"{name}.running_var"]
        return F.batch_norm(x, mean, var, state[f"{name}.weight"], state[f"{name}.bias"])

    def convolve(name: str, x: Tensor, stride: int = 1, padding: int = 0) -> Tensor:
        return F.conv2d(x, state[f"{name}.weight"], stride=stride, padding=padding)

    kernel = state["conv1.weight"].shape[-1]
    x = F.relu(norm("bn1", convolve("conv1", x, 2, kernel // 2)))
    x = F.max_pool2d(x, 3, 2, 1)
    for stage, depth in enumerate(depths):
        for index in range(depth):
            name, stride = f"layer{stage + 1}.{index}", 2 if stage and not index else 1
            out = F.relu(norm(f"{name}.bn1", convolve(f"{name}.conv1", x)))
            out = F.relu(norm(f"{name}.bn2", convolve(f"{name}.conv2", out, stride, 1)))
            out = norm(f"{name}.bn3", convolve(f"{name}.conv3", out))
            if index == 0:
                x = norm(f"{name}.downsample.1", convolve(f"{name}.downsample.0", x, stride))
            x = F.relu(out + x)
    return F.linear(x.mean((2, 3)), state[f"{head}.weight"], state[f"{head}.bias"])
