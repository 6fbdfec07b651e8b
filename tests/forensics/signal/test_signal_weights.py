from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from tests.forensics.signal.tiny_expert import LUMA_MEAN, MEANS_GRAPH, tiny_arrays, write_tiny

from groundsight.core.errors import UsageError
from groundsight.forensics.signal.features import NUM_FEATURES
from groundsight.forensics.signal.weights import ARRAYS_FILE, GRAPH_FILE, load_weights


def test_every_array_finds_its_place(tmp_path: Path) -> None:
    weights = load_weights(write_tiny(tmp_path))
    assert weights.linear.bias == 0.5
    assert (weights.linear.mean[LUMA_MEAN], weights.linear.scale[LUMA_MEAN]) == (100, 50)
    assert weights.linear.weight[LUMA_MEAN] == 2
    assert np.array_equal(weights.neural.mean, weights.linear.mean)
    assert np.array_equal(weights.neural.scale, weights.linear.scale)
    first, second = weights.neural.members
    assert [layer.shape for layer in first] == [(2, NUM_FEATURES), (2,), (1, 2), (1,)]
    assert {layer.dtype for layer in (*first, *second)} == {np.dtype(np.float16)}
    assert first[0][:, LUMA_MEAN].tolist() == [1, -1]
    assert [layer.tolist() for layer in second[1:]] == [[-1, 0], [[3, -1]], [0.25]]
    assert weights.trees.threshold.tolist() == [100, -1, 3]
    assert weights.trees.depth == 1
    assert weights.network.graph == MEANS_GRAPH
    assert (weights.network.crop_bias, weights.network.cell_bias) == (0.25, 0.5)
    assert weights.fusion.tolist() == [0.5, 0.375, 0.25, 0.125]
    assert weights.fusion_bias == -0.75


def test_the_digest_is_of_both_files_in_order(tmp_path: Path) -> None:
    folder = write_tiny(tmp_path)
    data = (folder / ARRAYS_FILE).read_bytes() + (folder / GRAPH_FILE).read_bytes()
    assert load_weights(folder).sha256 == sha256(data).hexdigest()


def test_other_weights_have_another_digest(tmp_path: Path) -> None:
    arrays = tiny_arrays() | {"fusion.bias": np.array([0.5])}
    one, other = write_tiny(tmp_path / "one"), write_tiny(tmp_path / "other", arrays)
    assert load_weights(one).sha256 != load_weights(other).sha256


@pytest.mark.parametrize("name", [ARRAYS_FILE, GRAPH_FILE])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    (write_tiny(tmp_path) / name).unlink()
    with pytest.raises(FileNotFoundError, match=name):
        load_weights(tmp_path)


@pytest.mark.parametrize("name", sorted(tiny_arrays()))
def test_a_missing_array_is_named_in_one_line_with_its_file(tmp_path: Path, name: str) -> None:
    arrays = {key: array for key, array in tiny_arrays().items() if key != name}
    with pytest.raises(UsageError) as raised:
        load_weights(write_tiny(tmp_path, arrays))
    assert f"{tmp_path / ARRAYS_FILE} lacks the array {name!r}" in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("member", ["neural.", "neural.0."])
def test_a_file_without_a_perceptron_says_so(tmp_path: Path, member: str) -> None:
    """Of all of them, as in a file of three parts, or of the first of two."""
    arrays = {key: array for key, array in tiny_arrays().items() if not key.startswith(member)}
    with pytest.raises(UsageError, match=r"neural\.0\.0"):
        load_weights(write_tiny(tmp_path, arrays))


def test_perceptrons_may_be_deep(tmp_path: Path) -> None:
    extra = {
        "neural.1.2": np.array([[1, 0], [0, 1], [1, 1]], dtype=np.float16),
        "neural.1.3": np.array([0, 0.5, 0], dtype=np.float16),
        "neural.1.4": np.array([[1, 2, 4]], dtype=np.float16),
        "neural.1.5": np.array([-1], dtype=np.float16),
    }
    first, second = load_weights(write_tiny(tmp_path, tiny_arrays() | extra)).neural.members
    assert (len(first), len(second)) == (4, 6)
    assert [layer.shape for layer in second[2:]] == [(3, 2), (3,), (1, 3), (1,)]
