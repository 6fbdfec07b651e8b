"""A Qwen3-VL tower over many equal square pictures: the same numbers, faster on a CPU.

Pictures of one size need no ragged attention, and both frames of a still picture are the same, so
that the patch embedding is half as wide as it looks.
"""

from types import MethodType
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

_PATCH, _MERGE = 16, 2


def make_equal(tower: Any) -> None:
    """Let a tower take (patches, 768) rows of equally large pictures; weights stay as they are."""
    tower.patch_embed.forward = MethodType(_embed, tower.patch_embed)
    for block in tower.blocks:
        block.attn.forward = MethodType(_attend, block.attn)


def patch_rows(rgb: torch.Tensor, mean: torch.Tensor, std: torch.Tensor) -> torch.Tensor:
    """Pictures as rows of patches, in the tower's order.

    Args:
        rgb: (B, S, S, 3) uint8; S is a multiple of 32.
        mean: (3,) of the processor.
        std: (3,) of the processor.

    Returns:
        (B·(S/16)², 768) float32.
    """
    scaled = (rgb.float() / 255 - mean) / std
    cells = rgb.shape[1] // (_PATCH * _MERGE)
    rows = scaled.permute(0, 3, 1, 2).reshape(
        len(rgb), 3, cells, _MERGE, _PATCH, cells, _MERGE, _PATCH
    )
    return rows.permute(0, 2, 5, 3, 6, 1, 4, 7).reshape(-1, 3 * _PATCH * _PATCH)


def grid_of(side_px: int, count: int) -> torch.Tensor:
    """(count, 3) int64 as the processor's `image_grid_thw`."""
    return torch.tensor([[1, side_px // _PATCH, side_px // _PATCH]]).expand(count, 3)


def whiten_patches(tower: Any, rows: torch.Tensor, *, seed: int) -> None:
    """Start the patch embedding at whitened filters, so that fine detail is as loud as colour.

    A third of the filters are the strongest principal components of photographs' patches, the rest
    random mixtures of the weaker ones, all scaled to like variance (ZCA, Bell and Sejnowski 1997).
    With plain random filters a tower sees little but mean colour for its first 100,000 pictures.

    Args:
        tower: after `make_equal`.
        rows: (N, 768) patches of photographs, some ten thousand.
        seed: of the mixtures.
    """
    mean = rows.mean(0)
    variances, components = torch.linalg.eigh(torch.cov((rows - mean).T))
    variances, components = variances.flip(0), components.flip(1)
    kernel = tower.patch_embed.proj
    width = kernel.weight.shape[0]
    strong, known = width // 3, min(500, rows.shape[1])
    plain = components[:, :strong] / (variances[:strong] + 1e-2).sqrt()
    fine = components[:, strong:known] / (variances[strong:known] + 1e-3).sqrt()
    draw = torch.Generator().manual_seed(seed)
    mixture = torch.randn(known - strong, width - strong, generator=draw) / (known - strong) ** 0.5
    filters = torch.cat([plain, fine @ mixture], dim=1).T
    halves = (filters / 2).reshape(width, 3, 1, _PATCH, _PATCH)
    with torch.no_grad():
        kernel.weight.copy_(halves.expand_as(kernel.weight))
        kernel.bias.copy_(-(filters @ mean))


def _embed(self: Any, rows: torch.Tensor) -> torch.Tensor:
    weight = self.proj.weight.sum(2).flatten(1)
    return F.linear(rows, weight, self.proj.bias)


def _attend(
    self: Any,
    hidden_states: torch.Tensor,
    cu_seqlens: torch.Tensor,
    position_embeddings: tuple[torch.Tensor, torch.Tensor] | None = None,
    **_: Any,
) -> torch.Tensor:
    assert position_embeddings is not None, "the tower gives them to every block"
    count = len(cu_seqlens) - 1
    length = hidden_states.shape[0] // count
    parts = self.qkv(hidden_states).view(count, length, 3, self.num_heads, -1)
    query, key, value = parts.permute(2, 0, 3, 1, 4).unbind(0)
    cos, sin = (table[:length] for table in position_embeddings)
    query, key = (part * cos + _half_turned(part) * sin for part in (query, key))
    seen = F.scaled_dot_product_attention(query, key, value, scale=self.scaling)
    out: torch.Tensor = self.proj(seen.transpose(1, 2).reshape(count * length, -1))
    return out


def _half_turned(part: torch.Tensor) -> torch.Tensor:
    first, second = part.chunk(2, dim=-1)
    return torch.cat((-second, first), dim=-1)


class DenseHeads(nn.Module):
    """Linear readings of patches and visual tokens, thrown away after the pretraining.

    Places are told as lengths and as their first two digits, which is how replies write them.
    """

    def __init__(self, *, tower_width: int, width: int, num_kinds: int) -> None:
        super().__init__()
        self.patch_kind = nn.Linear(tower_width, 1 + num_kinds)
        self.kind = nn.Linear(width, 1 + num_kinds)
        self.box = nn.Linear(width, 4)
        self.digits = nn.Linear(width, 4 * 20)

    def losses(
        self, patches: torch.Tensor, tokens: torch.Tensor, labels: Any
    ) -> dict[str, torch.Tensor]:
        """Each part of the loss.

        Args:
            patches: (B, 4·T, tower width), the tower's last states.
            tokens: (B, T, width), what the language model gets.
            labels: `DenseLabels` of the same scenes.
        """
        parts = {
            "patch": F.cross_entropy(
                self.patch_kind(patches).flatten(0, 1), labels.patch_kinds.flatten()
            ),
            "token": F.cross_entropy(self.kind(tokens).flatten(0, 1), labels.token_kinds.flatten()),
        }
        inside = labels.token_kinds > 0
        if inside.any():
            told, boxes = tokens[inside], labels.boxes[inside]
            parts["box"] = 4 * (self.box(told) - boxes).abs().mean()
            units = (boxes * 1000).round().long().clamp(0, 999)
            read = self.digits(told).unflatten(-1, (2, 4, 10))
            parts["digits"] = 0.3 * sum(
                F.cross_entropy(read[:, at].flatten(0, 1), digit.flatten())
                for at, digit in enumerate((units // 100, units // 10 % 10))
            )
        return parts
