"""Fitting the linear classifier and the trees on hand-made statistics, and the fusion of all."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from groundsight.forensics.signal.classifiers import Linear, Neural, Trees, standardised
from groundsight.forensics.signal.planes import Plane, Vector

INVERSE_PENALTY = 3e-2
NUM_TREES = 500
Float = npt.NDArray[np.float64]


def mean_and_scale(features: Plane) -> tuple[Vector, Vector]:
    """(D,) means and (D,) positive deviations; linear and neural share them in the file."""
    mean = features.mean(axis=0, dtype=np.float64).astype(np.float32)
    scale = np.maximum(features.std(axis=0, dtype=np.float64), 1e-6).astype(np.float32)
    return mean, scale


def fit_linear(features: Plane, labels: Float, weights: Float) -> Linear:
    """L2-penalised logistic regression on standardised, clipped statistics.

    Args:
        features: (N, D).
        labels: (N,) 0 or 1.
        weights: (N,) importance, any scale.
    """
    from sklearn.linear_model import LogisticRegression

    mean, scale = mean_and_scale(features)
    model = LogisticRegression(C=INVERSE_PENALTY, max_iter=300)
    model.fit(standardised(features, mean, scale), labels, sample_weight=weights / weights.mean())
    return Linear(mean, scale, model.coef_[0].astype(np.float32), float(model.intercept_[0]))


def fit_trees(features: Plane, labels: Float, weights: Float, *, threads: int = 4) -> Trees:
    """Gradient boosting, each tree on a tenth of the statistics and 70% of the windows.

    Args:
        features: (N, D).
        labels: (N,) 0 or 1.
        weights: (N,) importance, any scale.
        threads: of lightgbm.
    """
    import lightgbm

    model = lightgbm.LGBMClassifier(
        n_estimators=NUM_TREES,
        learning_rate=0.05,
        num_leaves=15,
        min_child_samples=30,
        colsample_bytree=0.1,
        subsample=0.7,
        subsample_freq=1,
        reg_lambda=5.0,
        random_state=0,
        deterministic=True,
        force_row_wise=True,
        n_jobs=threads,
        verbose=-1,
    )
    model.fit(features, labels, sample_weight=weights / weights.mean())
    return pack_trees([tree["tree_structure"] for tree in model.booster_.dump_model()["tree_info"]])


def pack_trees(structures: list[dict[str, Any]]) -> Trees:
    """LightGBM's nested trees as one node table."""
    nodes: list[tuple[int, float, int, int]] = []
    depths: list[int] = []

    def add(node: Mapping[str, Any], depth: int) -> int:
        at = len(nodes)
        nodes.append((-1, 0.0, at, at))
        depths.append(depth)
        if "leaf_value" in node:
            nodes[at] = (-1, node["leaf_value"], at, at)
        else:
            left = add(node["left_child"], depth + 1)
            right = add(node["right_child"], depth + 1)
            nodes[at] = (node["split_feature"], node["threshold"], left, right)
        return at

    roots = [add(structure, 0) for structure in structures]
    feature, threshold, left, right = zip(*nodes, strict=True)
    return Trees(
        np.array(roots, dtype=np.int32),
        np.array(feature, dtype=np.int32),
        np.array(threshold, dtype=np.float64),
        np.array(left, dtype=np.int32),
        np.array(right, dtype=np.int32),
        depth=max(depths),
    )


def fit_fusion(logits: Float, labels: Float, weights: Float) -> tuple[Float, float]:
    """Logistic regression of the label on out-of-fold logits: fusion and calibration in one.

    Args:
        logits: (N, P) out-of-fold log-odds of each part.
        labels: (N,) 0 or 1.
        weights: (N,) importance, any scale.

    Returns:
        (P,) weights, none negative, and the bias.
    """
    from scipy.optimize import minimize

    share = weights / weights.sum()
    sign = 2 * labels - 1

    def loss(theta: Float) -> tuple[float, Float]:
        margin = sign * (logits @ theta[:-1] + theta[-1])
        pull = -sign * share / (1 + np.exp(margin))
        return float(share @ np.logaddexp(0, -margin)), np.append(pull @ logits, pull.sum())

    parts = logits.shape[1]
    start = np.array([1 / parts] * parts + [0.0])
    bounds = [(0, None)] * parts + [(None, None)]
    found = minimize(loss, start, jac=True, bounds=bounds, method="L-BFGS-B").x
    return found[:-1], float(found[-1])


def logits_of(model: Linear | Neural | Trees, features: Plane) -> Float:
    """(N,) log-odds of (N, D) statistics."""
    return np.array([model.logit(row) for row in features])


def repeat_views(values: Float, views: int) -> Float:
    """(N,) → (N · views,), each value once a view."""
    return np.repeat(values, views)
