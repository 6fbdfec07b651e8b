"""Faster kernels under unchanged modules, for inference: the vision tower's layers.

with torch.no_grad(), FasterKernels():
model.get_image_features(...)
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from groundsight.models.decoding.linear import multiply_plain, packs


class FasterKernels(TorchFunctionMode):
    """Sends float32 linear layers on x86 through oneDNN where no gradient is wanted."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if func is F.linear and not kwargs and not torch.is_grad_enabled() and _fits(args):
            return multiply_plain(*args)
        return func(*args, **(kwargs or {}))


def _fits(args: Sequence[Any]) -> bool:
    x, weight = args[0], args[1]
    return packs(weight) and x.dtype == weight.dtype and x.is_contiguous() and x.numel() > 0
