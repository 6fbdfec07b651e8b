"""Fused, packed and replaced layers compute what the plain layers compute."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from groundsight.models.decoding.attention import attend_parts
from groundsight.models.decoding.kernels import FasterKernels
from groundsight.models.decoding.layers import rms_norm
from groundsight.models.decoding.linear import LinearPart, LowRank, fused, packs, separate

# Where the machine has no oneDNN the same calls must work without packing.
PACKS = packs(torch.zeros(2, 2))


def make_parts() -> list[LinearPart]:
    """Plain, with a bias, and with two adapters of which one has a bias; all read 24 numbers."""
    generator = torch.Generator().manual_seed(0)

    def random(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator)

    first = LowRank(down=random(3, 24), up=random(5, 3), scale=0.5)
    second = LowRank(down=random(2, 24), up=random(5, 2), scale=-1.5, bias=random(5))
    return [
        LinearPart(weight=random(7, 24)),
        LinearPart(weight=random(4, 24), bias=random(4)),
        LinearPart(weight=random(5, 24), changes=(first, second)),
    ]


def by_hand(part: LinearPart, x: torch.Tensor) -> torch.Tensor:
    out = x @ part.weight.T
    if part.bias is not None:
        out = out + part.bias
    for change in part.changes:
        inner = x @ change.down.T @ change.up.T
        out = out + change.scale * (inner if change.bias is None else inner + change.bias)
    return out


@pytest.mark.parametrize("rows", [1, 8, 200])
@pytest.mark.parametrize("pack", [False, PACKS])
@pytest.mark.parametrize("chosen", [[0], [1], [2], [0, 1, 2]])
def test_layers_side_by_side(chosen: list[int], pack: bool, rows: int) -> None:
    parts = [make_parts()[index] for index in chosen]
    x = torch.randn(rows, 24, generator=torch.Generator().manual_seed(1))
    expected = torch.cat([by_hand(part, x) for part in parts], dim=-1)
    with torch.no_grad():
        assert torch.allclose(fused(parts, pack=pack)(x), expected, atol=1e-4)
        assert torch.allclose(separate(parts, pack=pack)(x), expected, atol=1e-4)


def test_adapters_beside_bfloat16_layers_are_not_rounded_away() -> None:
    # 1 + 2^-9 is no bfloat16 number: merged into the weight 1, the change is lost.
    change = LowRank(down=torch.tensor([[1.0, 0.0]]), up=torch.tensor([[2.0**-9]]), scale=1.0)
    weight = torch.tensor([[1.0, -1.0]], dtype=torch.bfloat16)
    part = LinearPart(weight=weight, changes=(change,))
    x = torch.ones(1, 2, dtype=torch.bfloat16)
    assert separate([part], pack=False)(x).item() == 2.0**-9
    assert fused([part], pack=False)(x).item() == 0.0


def test_only_float32_on_a_cpu_is_packed() -> None:
    assert not packs(torch.zeros(2, 2, dtype=torch.bfloat16))
    assert not packs(torch.zeros(2, 2, device="meta"))


def test_replaced_kernels_equal_the_modules() -> None:
    torch.manual_seed(0)
    linear, x = nn.Linear(24, 40), torch.randn(5, 6, 24)
    with torch.no_grad(), FasterKernels():
        found = linear(x), linear(x.transpose(0, 1))
    with torch.no_grad():
        expected = linear(x), linear(x.transpose(0, 1))
    for one, other in zip(found, expected, strict=True):
        assert one.shape == other.shape
        assert torch.allclose(one, other, atol=1e-5)


def test_gradients_still_flow_under_replaced_kernels() -> None:
    linear, x = nn.Linear(4, 3), torch.ones(2, 4)
    with FasterKernels():
        linear(x).sum().backward()
    assert linear.weight.grad is not None
    assert linear.weight.grad.tolist() == [[2.0] * 4] * 3


@pytest.mark.parametrize("rows", [1, 64, 65])
def test_the_norm_is_the_same_for_few_and_many_rows(rows: int) -> None:
    generator = torch.Generator().manual_seed(0)
    x, weight = torch.randn(rows, 96, generator=generator), torch.rand(96, generator=generator)
    expected = x * (x.pow(2).mean(-1, keepdim=True) + 1e-6).rsqrt() * weight
    assert torch.allclose(rms_norm(x, weight, 1e-6), expected, atol=1e-6)


def test_attention_over_parts_is_attention_over_their_keys_in_a_row() -> None:
    generator = torch.Generator().manual_seed(0)
    kv_heads, prompts, each, dim = 2, 3, 4, 8
    rows = prompts * each

    def random(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator)

    queries = random(rows, 6, dim)
    lengths = {1: 5, prompts: 7, rows: 2}
    parts = [
        (random(kv_heads * groups, length, dim), random(kv_heads * groups, length, dim))
        for groups, length in lengths.items()
    ]
    # The second prompt is two tokens shorter than its room: columns 10 and 11 are hidden.
    bias = torch.zeros(prompts, 12)
    bias[1, 10:] = float("-inf")
    found = attend_parts(queries, parts, num_kv_heads=kv_heads, scale=0.3, bias=bias)
    for row in range(rows):
        keys, values = (
            torch.cat(
                [
                    part[which].view(kv_heads, groups, length, dim)[:, row * groups // rows]
                    for part, (groups, length) in zip(parts, lengths.items(), strict=True)
                ],
                dim=1,
            )
            for which in (0, 1)
        )
        seen = torch.ones(14, dtype=torch.bool)
        seen[10:12] = row // each != 1
        expected = F.scaled_dot_product_attention(
            queries[row, None].transpose(0, 1)[None],
            keys[None, :, seen].repeat_interleave(3, dim=1),
            values[None, :, seen].repeat_interleave(3, dim=1),
            scale=0.3,
        )
        assert torch.allclose(found[row], expected.flatten(), atol=1e-5)
