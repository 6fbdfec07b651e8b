from pathlib import Path

import numpy as np
import pytest

from groundsight.core.seeds import make_rng
from groundsight.experts.signal.classical import (
    INVERSE_PENALTY,
    Float,
    fit_fusion,
    fit_linear,
    fit_trees,
    logits_of,
    pack_trees,
    repeat_views,
)
from groundsight.forensics.signal.planes import Plane

NEEDS_FIT = "is in the extra `fit`"


def samples(count: int = 300, width: int = 6) -> tuple[Plane, Float, Float]:
    """Statistics of which the first two tell the label, labels, and uneven weights."""
    rng = make_rng(0, "samples")
    features = rng.normal(3, 2, (count, width)).astype(np.float32)
    noise = rng.normal(0, 1, count)
    labels = (features[:, 0] - features[:, 1] * features[:, 1] / 4 + noise > 0).astype(np.float64)
    return features, labels, rng.uniform(0.1, 2.0, count)


def test_packed_trees_say_what_lightgbm_says() -> None:
    lightgbm = pytest.importorskip("lightgbm", reason=f"lightgbm {NEEDS_FIT}")
    features, labels, weights = samples()
    model = lightgbm.LGBMClassifier(
        n_estimators=25, num_leaves=7, min_child_samples=5, n_jobs=1, verbose=-1, random_state=0
    )
    model.fit(features, labels, sample_weight=weights)
    trees = pack_trees([t["tree_structure"] for t in model.booster_.dump_model()["tree_info"]])
    assert len(trees.roots) == 25
    assert trees.depth >= 3
    ours = [trees.logit(row) for row in features]
    assert ours == pytest.approx(model.predict(features, raw_score=True).tolist(), abs=1e-9)


def test_pack_trees_by_hand() -> None:
    trees = pack_trees(
        [
            {
                "split_feature": 1,
                "threshold": 0.5,
                "left_child": {"leaf_value": -1.0},
                "right_child": {
                    "split_feature": 0,
                    "threshold": 2.0,
                    "left_child": {"leaf_value": 1.0},
                    "right_child": {"leaf_value": 4.0},
                },
            },
            {"leaf_value": 0.25},
        ]
    )
    assert trees.roots.tolist() == [0, 5]
    assert trees.feature.tolist() == [1, -1, 0, -1, -1, -1]
    assert trees.threshold.tolist() == [0.5, -1, 2, 1, 4, 0.25]
    assert trees.left.tolist() == [1, 1, 3, 3, 4, 5]
    assert trees.right.tolist() == [2, 1, 4, 3, 4, 5]
    assert trees.depth == 2
    assert trees.logit(np.array([3, 1], dtype=np.float32)) == 4.25


def test_fitted_trees_rank_and_are_the_same_every_time() -> None:
    pytest.importorskip("lightgbm", reason=f"lightgbm {NEEDS_FIT}")
    features, labels, weights = samples()
    one, again = (
        logits_of(fit_trees(features, labels, weights, threads=1), features) for _ in range(2)
    )
    assert np.array_equal(one, again)
    assert one[labels == 1].mean() > one[labels == 0].mean() + 1


def test_the_linear_fit_minimises_its_own_loss() -> None:
    """At the optimum the gradient of Σ w·log-loss + |weight|²/(2C) is zero."""
    pytest.importorskip("sklearn", reason="scikit-learn is in the extra `dev`")
    features, labels, weights = samples()
    model = fit_linear(features, labels, weights)
    assert model.mean == pytest.approx(features.mean(axis=0), abs=1e-4)
    assert model.scale == pytest.approx(features.std(axis=0), abs=1e-4)
    sigmas = np.clip((features - model.mean) / model.scale, -5, 5)
    p = 1 / (1 + np.exp(-(sigmas @ model.weight + model.bias)))
    error = weights / weights.mean() * (p - labels)
    assert error @ sigmas + model.weight / INVERSE_PENALTY == pytest.approx(0, abs=0.2)
    assert error.sum() == pytest.approx(0, abs=0.2)
    assert model.logit(features[0]) == pytest.approx(
        float(sigmas[0] @ model.weight + model.bias), abs=1e-5
    )


def test_a_statistic_that_never_varies_does_no_harm() -> None:
    pytest.importorskip("sklearn", reason="scikit-learn is in the extra `dev`")
    features, labels, weights = samples()
    features[:, 3] = 7
    model = fit_linear(features, labels, weights)
    assert model.scale[3] == pytest.approx(1e-6)
    assert np.isfinite(model.logit(features[0]))
    assert abs(model.weight[3]) < 1e-3


def test_fusion_calibrates_the_one_part_that_knows() -> None:
    """Labels drawn with log-odds 2·x − 1: of x, −x and noise, x gets 2 and −x nothing."""
    rng = make_rng(0, "fusion")
    x, noise = rng.normal(0, 1.5, (2, 20_000))
    labels = (rng.random(20_000) < 1 / (1 + np.exp(1 - 2 * x))).astype(np.float64)
    weights, bias = fit_fusion(np.stack([x, -x, noise], axis=1), labels, np.ones(20_000))
    assert weights == pytest.approx([2, 0, 0], abs=0.1)
    assert bias == pytest.approx(-1, abs=0.1)
    assert (weights >= 0).all()


def test_fusion_has_a_weight_for_each_of_any_number_of_parts() -> None:
    """Two parts that each know half of the log-odds, among four."""
    rng = make_rng(0, "four")
    x, y, noise, other = rng.normal(0, 1.5, (4, 20_000))
    labels = (rng.random(20_000) < 1 / (1 + np.exp(-x - y))).astype(np.float64)
    parts = np.stack([noise, x, other, y], axis=1)
    weights, bias = fit_fusion(parts, labels, np.ones(20_000))
    assert weights == pytest.approx([0, 1, 0, 1], abs=0.1)
    assert bias == pytest.approx(0, abs=0.1)


def test_fusion_counts_weights_as_copies() -> None:
    rng = make_rng(0, "copies")
    logits = rng.normal(0, 1, (40, 3))
    labels = (logits[:, 0] + rng.normal(0, 1, 40) > 0).astype(np.float64)
    twice = np.where(np.arange(40) < 10, 2.0, 1.0)
    copied = np.concatenate([logits, logits[:10]]), np.concatenate([labels, labels[:10]])
    one, bias = fit_fusion(logits, labels, twice)
    other, other_bias = fit_fusion(*copied, np.ones(50))
    assert one == pytest.approx(other, abs=1e-3)
    assert bias == pytest.approx(other_bias, abs=1e-3)


def test_a_value_is_repeated_for_each_of_its_views() -> None:
    assert repeat_views(np.array([1.0, 2.0]), 3).tolist() == [1, 1, 1, 2, 2, 2]


def test_trees_see_the_first_views_and_the_others_see_all() -> None:
    """Other statistics in the views past the trees' change the linear and the neural part alone."""
    for package in ("torch", "lightgbm", "sklearn", "onnx"):
        pytest.importorskip(package, reason=f"{package} {NEEDS_FIT}")
    import torch

    from groundsight.experts.signal.fit import TREE_VIEWS, FitData, fit_classical
    from groundsight.experts.signal.pictures import Crops, FitPicture

    num_pictures, views, width = 32, TREE_VIEWS + 2, 6
    labels = (np.arange(num_pictures) % 2).astype(np.float64)
    features = make_rng(0, "views").normal(0, 1, (num_pictures, views, width)).astype(np.float32)
    features[..., 0] += 2 * labels[:, None]
    nothing = np.zeros((num_pictures, 0, 0, 0), dtype=np.uint8)

    def fitted(features: Plane) -> list[Float]:
        data = FitData(
            pictures=[
                FitPicture(path=Path("none"), key=str(i), label=i % 2, group=f"group{i % 2}")
                for i in range(num_pictures)
            ],
            labels=labels,
            folds=np.zeros(num_pictures, dtype=np.int64),
            features=features,
            crops=Crops(nothing, nothing),
        )
        threads = torch.get_num_threads()
        models = fit_classical(data, np.ones(num_pictures, dtype=bool), 1)
        torch.set_num_threads(threads)
        return [logits_of(model, features[:, 0]) for model in models]

    late = features.copy()
    late[:, TREE_VIEWS:, 0] *= -1
    (linear, neural, trees), (linear_late, neural_late, trees_late) = fitted(features), fitted(late)
    for logits in (linear, neural, trees):
        assert logits[labels == 1].mean() > logits[labels == 0].mean()
    assert np.array_equal(trees, trees_late)
    assert not np.allclose(linear, linear_late)
    assert not np.allclose(neural, neural_late)
