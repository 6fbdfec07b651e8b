"""FGSM and PGD on plain functions: by hand, then what must hold whatever the loss."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from groundsight.bench.attack.linf import Loss, attack
from groundsight.bench.attack.records import AttackSettings

FGSM, PGD = AttackSettings(method="fgsm"), AttackSettings(method="pgd", steps=5)


def test_fgsm_by_hand() -> None:
    pixels = torch.tensor([0.5, 0.5, 0.0, 1.0, 0.5]).view(1, 1, 5)
    weights = torch.tensor([2.0, -3.0, -1.0, 1.0, 0.0]).view(1, 1, 5)
    found = attack(lambda x: (weights * x).sum(), pixels, level=51, settings=FGSM)
    # A fifth up or down by the sign; black stays black, white white; no gradient, no change.
    expected = torch.tensor([0.7, 0.3, 0.0, 1.0, 0.5]).view(1, 1, 5)
    torch.testing.assert_close(found.pixels, expected)
    assert found.loss == pytest.approx(1.4 - 0.9 + 1.0)


def test_pgd_goes_round_a_corner_that_fgsm_steps_over() -> None:
    """A peak inside the box: one full step overshoots it, small steps climb it."""
    pixels = torch.full((1, 1, 1), 0.5)

    def loss(x: Tensor) -> Tensor:
        return -(x - 0.53).abs().sum()

    once = attack(loss, pixels, level=51, settings=FGSM)
    many = attack(loss, pixels, level=51, settings=AttackSettings(steps=50))
    assert once.loss == pytest.approx(-0.03)  # the picture itself: the step would be worse
    assert many.loss > -0.011


def some_loss(seed: int, kind: str) -> Loss:
    weights = torch.randn(3, 6, 5, generator=torch.Generator().manual_seed(seed))
    kinds: dict[str, Loss] = {
        "linear": lambda x: (weights * x).sum(),
        "waves": lambda x: (weights * torch.sin(40 * x + weights)).sum(),
        "well": lambda x: -(x - 0.5).square().sum() * float(weights[0, 0, 0]),
        "steps": lambda x: (weights * x).sum() + torch.floor(9 * x.sum()),
        "flat": lambda x: (x * 0).sum(),
        "roots": lambda x: (x - x.detach()).abs().sqrt().sum(),  # its gradient is no number
    }
    return kinds[kind]


losses = st.builds(
    some_loss,
    st.integers(0, 99),
    st.sampled_from(["linear", "waves", "well", "steps", "flat", "roots"]),
)
ways = st.builds(
    AttackSettings,
    method=st.sampled_from(["fgsm", "pgd"]),
    steps=st.integers(1, 4),
    restarts=st.integers(0, 2),
)


def picture(seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (3, 6, 5), generator=generator) / 255.0


@settings(max_examples=80, deadline=None)
@given(loss=losses, way=ways, level=st.integers(0, 16), seed=st.integers(0, 99))
def test_within_epsilon_and_never_a_lower_loss(
    loss: Loss, way: AttackSettings, level: int, seed: int
) -> None:
    pixels = picture(seed)
    kept = pixels.clone()
    found = attack(loss, pixels, level=level, settings=way, seed=seed)
    torch.testing.assert_close(pixels, kept, rtol=0, atol=0)  # the picture given is left alone
    assert float((found.pixels - pixels).abs().max()) <= level / 255 + 1e-6
    assert 0 <= float(found.pixels.min()) and float(found.pixels.max()) <= 1
    assert found.loss >= float(loss(pixels))
    assert found.loss == pytest.approx(float(loss(found.pixels)))
    # Rounded to 8 bits it is still within ε, which is a whole number of grey levels.
    change = (found.pixels * 255).round() - (pixels * 255).round()
    assert float(change.abs().max()) <= level
    if level == 0:
        torch.testing.assert_close(found.pixels, pixels, rtol=0, atol=0)


@settings(max_examples=30, deadline=None)
@given(loss=losses, way=ways, seed=st.integers(0, 99))
def test_a_larger_epsilon_that_goes_on_from_a_smaller_one_is_no_weaker(
    loss: Loss, way: AttackSettings, seed: int
) -> None:
    pixels = picture(seed)
    small = attack(loss, pixels, level=2, settings=way)
    large = attack(loss, pixels, level=4, settings=way, start=small.pixels)
    assert large.loss >= small.loss


def test_the_same_seed_finds_the_same() -> None:
    loss, way = some_loss(1, "waves"), AttackSettings(restarts=2, steps=3)
    one, other = (attack(loss, picture(1), level=4, settings=way, seed=5) for _ in range(2))
    torch.testing.assert_close(one.pixels, other.pixels, rtol=0, atol=0)
