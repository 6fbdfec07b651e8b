"""The fitted files that ship with the package."""

import json
from hashlib import sha256

import numpy as np
import pytest

from groundsight.core.seeds import make_rng
from groundsight.forensics.signal.expert import load_signal_expert
from groundsight.forensics.signal.features import NUM_FEATURES
from groundsight.forensics.signal.weights import ARRAYS_FILE, GRAPH_FILE, HERE, load_weights

pytestmark = pytest.mark.skipif(
    not (HERE / ARRAYS_FILE).is_file(), reason="the signal expert's weights are not shipped yet"
)
MAX_BYTES = 25_000_000
PARTS = ("linear", "neural", "trees", "network")


def test_the_files_are_small_and_are_what_the_digest_says() -> None:
    files = [(HERE / name).read_bytes() for name in (ARRAYS_FILE, GRAPH_FILE)]
    assert sum(map(len, files)) < MAX_BYTES
    assert load_weights().sha256 == sha256(b"".join(files)).hexdigest()


def test_the_arrays_fit_together_and_are_finite() -> None:
    weights = load_weights()
    linear, trees, network = weights.linear, weights.trees, weights.network
    assert linear.mean.shape == linear.scale.shape == linear.weight.shape == (NUM_FEATURES,)
    assert (linear.scale > 0).all()
    assert len(trees.feature) == len(trees.threshold) == len(trees.left) == len(trees.right)
    assert trees.feature.max() < NUM_FEATURES
    assert max(trees.left.max(), trees.right.max(), trees.roots.max()) < len(trees.feature)
    for member in weights.neural.members:
        assert member[0].shape[1] == NUM_FEATURES
        assert member[-1].shape == (1,)
        for weight, bias in zip(member[::2], member[1::2], strict=True):
            assert len(weight) == len(bias)
        for bias, following in zip(member[1:-1:2], member[2::2], strict=True):
            assert following.shape[1] == len(bias)
        assert all(np.isfinite(layer).all() for layer in member)
    assert len(weights.neural.members) > 1
    leaves = trees.feature == -1
    assert (trees.left[leaves] == np.flatnonzero(leaves)).all()
    assert len(network.crop_weight) == 2 * len(network.cell_weight)
    assert weights.fusion.shape == (4,)
    assert (weights.fusion >= 0).all()
    for array in (linear.mean, linear.weight, trees.threshold, network.crop_weight, weights.fusion):
        assert np.isfinite(array).all()


def test_the_summary_is_of_these_files() -> None:
    weights = load_weights()
    summary = json.loads((HERE / "fit.json").read_text(encoding="utf-8"))
    fusion = [summary["fusion"][name] for name in (*PARTS, "bias")]
    assert fusion == pytest.approx([*weights.fusion, weights.fusion_bias])
    assert len(summary["out_of_fold"]) == summary["num_pictures"]
    assert sum(row["label"] for row in summary["out_of_fold"]) == summary["num_generated"]
    assert summary["out_of_fold_auc"]["fused"] > 0.8


def test_the_shipped_expert_judges_a_picture() -> None:
    rgb = make_rng(0, "shipped").integers(0, 256, (200, 300, 3), dtype=np.uint8)
    score = load_signal_expert().score(rgb)
    assert score.p_fake is not None
    assert 0 <= score.p_fake <= 1
    assert score.cells.shape == (25, 37)
    assert tuple(score.parts) == PARTS
    assert load_signal_expert().score(rgb).p_fake == score.p_fake


def test_the_engine_reports_the_digest() -> None:
    from groundsight.engines.builtin.engine import make_builtin

    assert make_builtin("").info.weights_sha256 == load_weights().sha256
