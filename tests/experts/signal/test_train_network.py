from collections.abc import Iterator
from contextlib import nullcontext

import numpy as np
import pytest

from groundsight.core.seeds import make_rng

torch = pytest.importorskip("torch", reason="torch is in the extra `fit`")

from groundsight.experts.signal.network import SignalNetwork  # noqa: E402
from groundsight.experts.signal.train_network import (  # noqa: E402
    CropSet,
    NetworkTraining,
    _draw,
    train_network,
)

SETTINGS = NetworkTraining(steps=3, batch=4, crop_px=64)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def crop_set(composed: bool = False) -> CropSet:
    """Two real and two generated pictures; generated pixels are bright."""
    rng = make_rng(0, "crops")
    truth = np.zeros((4, 2, 96, 96), dtype=np.uint8)
    truth[2:] = 1
    if composed:
        truth[..., 40:56, 40:56] ^= 1
    pixels = rng.integers(0, 60, (4, 2, 96, 96, 3)) + 150 * truth[..., None]
    return CropSet(crops=pixels.astype(np.uint8), truth=truth, weights=np.full(4, 0.25))


def quiet(step: int, loss: float) -> None:
    assert step >= 0
    assert np.isfinite(loss)


def state(network: SignalNetwork) -> list[bytes]:
    return [tensor.numpy().tobytes() for tensor in network.state_dict().values()]


def test_the_same_settings_give_the_same_bits() -> None:
    one, again = (train_network(crop_set(), SETTINGS, quiet) for _ in range(2))
    assert state(one) == state(again)
    assert not one.training
    other = train_network(crop_set(), NetworkTraining(steps=3, batch=4, crop_px=64, seed=1), quiet)
    assert state(one) != state(other)


def mode() -> tuple[bool, bool, bool]:
    return (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        torch.utils.deterministic.fill_uninitialized_memory,
    )


@pytest.mark.parametrize("before", [(False, False, True), (True, True, True), (True, False, False)])
@pytest.mark.parametrize("fails", [False, True])
def test_torch_is_deterministic_while_training_and_then_as_it_was(
    before: tuple[bool, bool, bool], fails: bool
) -> None:
    during: list[tuple[bool, bool, bool]] = []

    def look(step: int, loss: float) -> None:
        during.append(mode())
        if fails:
            raise KeyboardInterrupt

    usual = mode()
    try:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        torch.utils.deterministic.fill_uninitialized_memory = before[2]
        with pytest.raises(KeyboardInterrupt) if fails else nullcontext():
            train_network(crop_set(), SETTINGS, look)
        assert set(during) == {(True, False, False)}
        assert mode() == before
    finally:
        torch.use_deterministic_algorithms(usual[0], warn_only=usual[1])
        torch.utils.deterministic.fill_uninitialized_memory = usual[2]


def test_pixels_and_truth_turn_together() -> None:
    rng = make_rng(0, "draws")
    for _ in range(8):
        batch = _draw(crop_set(composed=True), SETTINGS, rng)
        assert batch.pixels.shape == (4, 3, 64, 64)
        bright = (batch.pixels.float().mean(1) > 110).float()
        share = bright.reshape(4, 8, 8, 8, 8).mean((2, 4))
        assert torch.equal((share >= 0.5).float(), batch.cells)
        assert torch.equal(batch.labels, batch.cells[:, 0, 0])
        same = [len(cells.unique()) == 1 for cells in batch.cells]
        assert batch.whole.tolist() == same


def test_pictures_without_weight_are_never_drawn() -> None:
    data = crop_set()
    only = CropSet(crops=data.crops, truth=data.truth, weights=np.array([0, 0, 0, 1.0]))
    rng = make_rng(0, "weights")
    assert all(bool((_draw(only, SETTINGS, rng).cells == 1).all()) for _ in range(5))


def test_a_batch_of_composites_alone_still_teaches_the_cells() -> None:
    """No crop of one class throughout: the crop head has nothing to learn from, not a NaN."""
    network = train_network(crop_set(composed=True), SETTINGS, quiet)
    assert all(bool(torch.isfinite(p).all()) for p in network.parameters())


def test_the_network_learns_what_is_plain() -> None:
    losses: list[float] = []
    settings = NetworkTraining(steps=40, batch=8, crop_px=64)
    network = train_network(crop_set(), settings, lambda _, loss: losses.append(loss))
    assert np.mean(losses[-5:]) < 0.7 * losses[0]
    pixels = torch.from_numpy(crop_set().crops[:, 0].transpose(0, 3, 1, 2).copy())
    with torch.no_grad():
        out = network(pixels)
    assert out.crop[:2].max() < out.crop[2:].min()
    assert out.cells[:2].mean() < out.cells[2:].mean()
