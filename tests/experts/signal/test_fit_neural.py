from collections.abc import Iterator

import numpy as np
import pytest

from groundsight.core.seeds import make_rng
from groundsight.experts.signal.classical import Float, logits_of
from groundsight.forensics.signal.classifiers import Neural
from groundsight.forensics.signal.planes import Plane

torch = pytest.importorskip("torch", reason="torch is in the extra `fit`")

from groundsight.experts.signal.neural import MEMBERS, WIDTHS, _network, fit_neural  # noqa: E402


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def samples(count: int = 512, width: int = 6) -> tuple[Plane, Float]:
    """Statistics of which the square of the first tells the label: nothing for a straight line."""
    features = make_rng(0, "neural").normal(3, 2, (count, width)).astype(np.float32)
    return features, (np.abs(features[:, 0] - 3) > 1.35).astype(np.float64)


def same(one: Neural, other: Neural) -> bool:
    pairs = zip(sum(one.members, ()), sum(other.members, ()), strict=True)
    return all(a.tobytes() == b.tobytes() for a, b in pairs)


def test_it_learns_what_no_straight_line_can_tell() -> None:
    features, labels = samples(2048)
    model = fit_neural(features, labels, np.ones(len(labels)), threads=1)
    logits = logits_of(model, features)
    assert ((logits > 0) == (labels == 1)).mean() > 0.8
    assert model.mean == pytest.approx(features.mean(axis=0), abs=1e-4)
    assert model.scale == pytest.approx(features.std(axis=0), abs=1e-4)
    shapes = [(WIDTHS[0], 6), WIDTHS[:1], WIDTHS[::-1], WIDTHS[1:], (1, WIDTHS[1]), (1,)]
    assert [[layer.shape for layer in member] for member in model.members] == [shapes] * MEMBERS
    assert {layer.dtype for member in model.members for layer in member} == {np.dtype(np.float16)}


def test_two_fits_are_the_same_and_members_differ() -> None:
    features, labels = samples()
    one, again = (fit_neural(features, labels, np.ones(512), threads=1) for _ in range(2))
    assert same(one, again)
    assert len({member[0].tobytes() for member in one.members}) == MEMBERS


def test_the_deterministic_mode_of_torch_changes_nothing() -> None:
    """It is on in the middle of a fit or not; the numbers may not depend on it."""
    features, labels = samples()
    one = fit_neural(features, labels, np.ones(512), threads=1)
    torch.use_deterministic_algorithms(True)
    try:
        assert same(one, fit_neural(features, labels, np.ones(512), threads=1))
    finally:
        torch.use_deterministic_algorithms(False)


def test_weights_have_no_scale_and_those_of_weight_nothing_teach_nothing() -> None:
    features, labels = samples()
    weights = np.where(np.arange(512) % 2 == 0, 1.0, 0.0)
    model = fit_neural(features, labels, weights, threads=1)
    assert same(model, fit_neural(features, labels, 4 * weights, threads=1))
    turned = np.where(weights > 0, labels, 1 - labels)
    assert same(model, fit_neural(features, turned, weights, threads=1))
    assert not same(model, fit_neural(features, turned, np.ones(512), threads=1))


def test_a_statistic_that_never_varies_does_no_harm() -> None:
    features, labels = samples()
    features[:, 3] = 7
    model = fit_neural(features, labels, np.ones(512), threads=1)
    assert model.scale[3] == pytest.approx(1e-6)
    assert np.isfinite(logits_of(model, features)).all()


def test_numpy_says_what_torch_says() -> None:
    """A member's layers, in the order torch names its parameters, give torch's own output."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = _network(6).half().float().eval()  # rounded to what half precision can hold
    layers = tuple(p.detach().numpy().astype(np.float16) for p in network.parameters())
    model = Neural(np.zeros(6, dtype=np.float32), np.ones(6, dtype=np.float32), (layers,))
    features = make_rng(0, "inputs").normal(0, 1.5, (20, 6)).astype(np.float32)
    with torch.no_grad():
        expected = network(torch.from_numpy(features))[:, 0].numpy()
    assert np.ptp(expected) > 0.05
    assert logits_of(model, features) == pytest.approx(expected, abs=1e-5)
