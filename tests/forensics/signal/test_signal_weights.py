from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from tests.forensics.signal.tiny_expert import LUMA_MEAN, MEANS_GRAPH, tiny_arrays, write_tiny

from groundsight.forensics.signal.weights import ARRAYS_FILE, GRAPH_FILE, load_weights


def test_every_array_finds_its_place(tmp_path: Path) -> None:
    weights = load_weights(write_tiny(tmp_path))
    assert weights.linear.bias == 0.5
    assert (weights.linear.mean[LUMA_MEAN], weights.linear.scale[LUMA_MEAN]) == (100, 50)
    assert weights.linear.weight[LUMA_MEAN] == 2
    assert weights.trees.threshold.tolist() == [100, -1, 3]
    assert weights.trees.depth == 1
    assert weights.network.graph == MEANS_GRAPH
    assert (weights.network.crop_bias, weights.network.cell_bias) == (0.25, 0.5)
    assert weights.fusion.tolist() == [0.5, 0.25, 0.125]
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
