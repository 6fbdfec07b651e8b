from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.forensics.signal.windows import noise

from groundsight.forensics.signal.classifiers import Linear, Neural, Trees
from groundsight.forensics.signal.expert import load_signal_expert
from groundsight.forensics.signal.features import NUM_FEATURES
from groundsight.forensics.signal.network import Network
from groundsight.forensics.signal.planes import RGB
from groundsight.forensics.signal.weights import load_weights

torch = pytest.importorskip("torch", reason="torch is in the extra `fit`")
pytest.importorskip("onnx", reason="onnx is in the extra `fit`")

from groundsight.experts.signal.export import (  # noqa: E402
    classifier_arrays,
    network_arrays,
    network_graph,
    write_weights,
)
from groundsight.experts.signal.network import ConvNorm, SignalNetwork  # noqa: E402


def random_network() -> SignalNetwork:
    """Every parameter and running statistic off its start value."""
    generator = torch.Generator().manual_seed(0)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network: SignalNetwork = SignalNetwork().eval()
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if name.endswith("running_var") or name.endswith("norm.weight"):
                tensor.copy_(0.5 + torch.rand(tensor.shape, generator=generator))
            elif tensor.is_floating_point():
                tensor.add_(0.05 * torch.randn(tensor.shape, generator=generator))
    return network


NETWORK = random_network()


def shipped(network: SignalNetwork) -> Network:
    heads = network_arrays(network)
    return Network(
        network_graph(network),
        heads["network.crop_weight"].astype(np.float32),
        float(heads["network.crop_bias"].item()),
        heads["network.cell_weight"].astype(np.float32),
        float(heads["network.cell_bias"].item()),
    )


def tensor_of(rgb: RGB) -> Any:
    return torch.from_numpy(rgb.transpose(2, 0, 1)[None].copy())


@pytest.mark.parametrize("size", [(128, 128), (136, 200)])
def test_the_graph_says_what_torch_says(size: tuple[int, int]) -> None:
    rgb = noise(*size)
    with torch.no_grad():
        expected = NETWORK.features(tensor_of(rgb))[0].numpy()
        cells = NETWORK(tensor_of(rgb)).cells[0].numpy()
    assert np.abs(expected).max() > 0.1
    found = shipped(NETWORK)
    assert found.features(rgb) == pytest.approx(expected, abs=1e-3)
    assert found.score(rgb).cells == pytest.approx(cells, abs=1e-3)


def test_one_tile_has_the_logit_of_the_crop_it_was_trained_on() -> None:
    rgb = noise(128, 128)
    with torch.no_grad():
        expected = NETWORK(tensor_of(rgb)).crop.item()
    assert shipped(NETWORK).score(rgb).logit == pytest.approx(expected, abs=1e-3)


def test_a_folded_convolution_is_convolution_and_norm() -> None:
    layer = next(layer for layer in NETWORK.layers if isinstance(layer, ConvNorm))
    x = torch.randn(1, 24, 9, 9, generator=torch.Generator().manual_seed(1))
    weight, bias = layer.folded()
    with torch.no_grad():
        folded = torch.nn.functional.conv2d(x, weight, bias, padding=1)
        assert torch.allclose(layer(x), folded, atol=1e-5)


def test_the_same_network_gives_the_same_bytes() -> None:
    assert network_graph(NETWORK) == network_graph(random_network())


def test_weights_come_back_as_they_were_written(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    mean, scale, weight = rng.uniform(0.5, 2, (3, NUM_FEATURES)).astype(np.float32)
    index = np.array([0], dtype=np.int32)
    shapes = (3, NUM_FEATURES), (3,), (2, 3), (2,), (1, 2), (1,)
    members = tuple(
        tuple((rng.normal(0, 0.05, shape)).astype(np.float16) for shape in shapes) for _ in range(2)
    )
    neural = Neural(mean, scale, members)
    trees = Trees(index, index - 1, np.array([0.75]), index, index, depth=0)
    arrays = {
        **classifier_arrays(Linear(mean, scale, weight, 0.125), neural, trees),
        **network_arrays(NETWORK),
        "fusion.weight": np.array([0.3, 0.2, 0.1, 0.4]),
        "fusion.bias": np.array([-0.4]),
    }
    write_weights(tmp_path / "new" / "folder", arrays, network_graph(NETWORK))
    weights = load_weights(tmp_path / "new" / "folder")
    assert np.array_equal(weights.linear.mean, mean)
    assert np.array_equal(weights.linear.scale, scale)
    assert np.array_equal(weights.linear.weight, weight)
    assert weights.linear.bias == 0.125
    for member, written in zip(weights.neural.members, members, strict=True):
        assert [a.tobytes() for a in member] == [a.tobytes() for a in written]
        assert [a.shape for a in member] == list(shapes)
    assert weights.neural.logit(2 * mean) == neural.logit(2 * mean) != 0
    assert weights.trees.logit(mean) == 0.75
    assert weights.fusion.tolist() == [0.3, 0.2, 0.1, 0.4]
    assert weights.fusion_bias == -0.4
    rgb = noise(150, 140)
    assert weights.network.score(rgb).logit == shipped(NETWORK).score(rgb).logit
    score = load_signal_expert(tmp_path / "new" / "folder").score(rgb)
    assert score.p_fake is not None
    assert 0 <= score.p_fake <= 1


def test_the_order_of_arrays_does_not_change_the_file(tmp_path: Path) -> None:
    arrays = network_arrays(NETWORK)
    for name, order in (("one", sorted(arrays)), ("other", sorted(arrays, reverse=True))):
        write_weights(tmp_path / name, {key: arrays[key] for key in order}, b"graph")
    one, other = ((tmp_path / n / "signal.safetensors").read_bytes() for n in ("one", "other"))
    assert one == other
