"""Fitting the signal expert, start to end. Read `fit_signal_expert` first.

Differences from what the field does: both classes always pass the same codec (`views`), families
of generators stay whole in the folds, and the fusion is fitted on out-of-fold scores only, so its
probabilities are those of generators that the parts have not seen.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from groundsight.experts.signal.classical import (
    Float,
    fit_fusion,
    fit_linear,
    fit_trees,
    logits_of,
    repeat_views,
)
from groundsight.experts.signal.export import (
    Array,
    classifier_arrays,
    network_arrays,
    network_graph,
    write_weights,
)
from groundsight.experts.signal.network import SignalNetwork
from groundsight.experts.signal.neural import fit_neural
from groundsight.experts.signal.pictures import (
    NUM_FOLDS,
    Crops,
    FitPicture,
    assign_folds,
    choose_partners,
    described_views,
    over_pictures,
    picture_weights,
    protocol_pixels,
    read_manifest,
    training_crops,
)
from groundsight.experts.signal.train_network import CropSet, NetworkTraining, train_network
from groundsight.forensics.signal.classifiers import Linear, Neural, Trees
from groundsight.forensics.signal.planes import Plane
from groundsight.forensics.signal.weights import unpack_network

Say = Callable[[str], None]
TREE_VIEWS = 8
GROUP_POWER = 0.6
"For the network and the fusion: no large source or family decides alone."
PARTS = ("linear", "neural", "trees", "network")


@dataclass(frozen=True, kw_only=True)
class FitSettings:
    """Everything that moves the fitted numbers; the defaults rebuild the shipped files."""

    described_views: int = 16
    crop_views: int = 12
    fold_steps: int = 900
    final_steps: int = 2200
    seed: int = 0
    keep_folds: Path | None = None
    "Where each fold's network is kept, to choose region settings on pictures it has not seen."
    threads: int = 4
    "Of torch and lightgbm; the order of sums, and so the last bits, depend on it."


@dataclass(frozen=True, eq=False, kw_only=True)
class FitData:
    """What is made of the fit pictures once and used by every fold."""

    pictures: list[FitPicture]
    labels: Float  # (N,)
    folds: npt.NDArray[np.int64]  # (N,)
    features: Plane  # (N, views, D)
    crops: Crops  # pixels (N, views, 256, 256, 3), truth (N, views, 256, 256)


def fit_signal_expert(
    manifest: Path, folder: Path, settings: FitSettings, say: Say
) -> dict[str, Any]:
    """Fit on `split == fit` of a manifest and write the weights.

    Args:
        manifest: CSV of pictures, see `pictures.read_manifest`.
        folder: where the two weight files and `fit.json` go.
        settings: how.
        say: told what is going on, a line at a time.

    Returns:
        What `fit.json` holds: settings, counts, fusion weights, out-of-fold figures.
    """
    data = prepare(read_manifest(manifest, "fit"), settings, say)
    held_out = out_of_fold_logits(data, settings, say)
    fusion, bias = fit_fusion(held_out, data.labels, _weights(data, keep=None))
    everything = np.ones(len(data.pictures), dtype=bool)
    classical = fit_classical(data, everything, settings.threads)
    network = fit_network(data, everything, settings.final_steps, settings, say)
    arrays: dict[str, Array] = {
        **classifier_arrays(*classical),
        **network_arrays(network),
        "fusion.weight": fusion,
        "fusion.bias": np.array([bias]),
    }
    write_weights(folder, arrays, network_graph(network))
    summary = summarise(data, held_out, fusion, bias, settings)
    (folder / "fit.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    return summary


def prepare(pictures: list[FitPicture], settings: FitSettings, say: Say) -> FitData:
    """Describe windows and cut crops of every picture."""
    say(f"describing {settings.described_views} views of each of {len(pictures)} pictures")
    describe_one = partial(described_views, views=settings.described_views)
    features = np.stack(list(over_pictures(describe_one, pictures, settings.threads)))
    say(f"cutting {settings.crop_views} training crops of each")
    folds = assign_folds(pictures)
    pairs = list(zip(pictures, choose_partners(pictures, folds), strict=True))
    crop_one = partial(training_crops, views=settings.crop_views)
    pixels, truth = zip(*over_pictures(crop_one, pairs, settings.threads), strict=True)
    labels = np.array([picture.label for picture in pictures], dtype=np.float64)
    return FitData(
        pictures=pictures,
        labels=labels,
        folds=folds,
        features=features,
        crops=Crops(np.stack(pixels), np.stack(truth)),
    )


def out_of_fold_logits(data: FitData, settings: FitSettings, say: Say) -> Float:
    """(N, P) log-odds of the protocol view of each picture by parts that did not see its fold."""
    logits = np.zeros((len(data.pictures), len(PARTS)))
    for fold in range(NUM_FOLDS):
        say(f"fold {fold + 1} of {NUM_FOLDS}")
        outside = np.flatnonzero(data.folds == fold)
        classical = fit_classical(data, data.folds != fold, settings.threads)
        network = fit_network(data, data.folds != fold, settings.fold_steps, settings, say)
        if settings.keep_folds:
            heads = network_arrays(network)
            write_weights(settings.keep_folds / f"fold_{fold}", heads, network_graph(network))
        models: tuple[Linear | Neural | Trees, ...] = classical
        for part, model in enumerate(models):
            logits[outside, part] = logits_of(model, data.features[outside, 0])
        logits[outside, -1] = _network_logits(network, [data.pictures[i] for i in outside])
    return logits


def fit_classical(
    data: FitData, keep: npt.NDArray[np.bool_], threads: int
) -> tuple[Linear, Neural, Trees]:
    """The classifiers on the statistics of the pictures kept.

    Trees saturate with a few views of a picture; the other two gain from more.
    """
    weights = picture_weights(data.pictures, keep, group_power=1.0)[keep]

    def table(views: int) -> tuple[Plane, Float, Float]:
        features = data.features[keep, :views]
        rows = features.reshape(-1, features.shape[2])
        count = features.shape[1]
        return rows, repeat_views(data.labels[keep], count), repeat_views(weights, count)

    every = data.features.shape[1]
    trees = fit_trees(*table(TREE_VIEWS), threads=threads)
    return fit_linear(*table(every)), fit_neural(*table(every), threads=threads), trees


def fit_network(
    data: FitData, keep: npt.NDArray[np.bool_], steps: int, settings: FitSettings, say: Say
) -> SignalNetwork:
    """The network on the crops of the pictures kept."""
    import torch

    torch.set_num_threads(settings.threads)
    crops = CropSet(crops=data.crops.pixels, truth=data.crops.truth, weights=_weights(data, keep))

    def progress(step: int, loss: float) -> None:
        if (step + 1) % 200 == 0:
            say(f"network: step {step + 1} of {steps}, loss {loss:.3f}")

    return train_network(crops, NetworkTraining(steps=steps, seed=settings.seed), progress)


def summarise(
    data: FitData, logits: Float, fusion: Float, bias: float, settings: FitSettings
) -> dict[str, Any]:
    """Counts and out-of-fold figures; these are of the fit pictures, no measure of the field."""
    from sklearn.metrics import roc_auc_score

    weights = _weights(data, keep=None)
    scores = {name: logits[:, i] for i, name in enumerate(PARTS)}
    scores["fused"] = logits @ fusion + bias
    return {
        "settings": asdict(settings) | {"keep_folds": None},
        "num_pictures": len(data.pictures),
        "num_generated": int(data.labels.sum()),
        "fusion": dict(zip(PARTS, fusion.tolist(), strict=True)) | {"bias": bias},
        "out_of_fold_auc": {
            name: round(float(roc_auc_score(data.labels, score, sample_weight=weights)), 4)
            for name, score in scores.items()
        },
        "out_of_fold": [
            {"path": p.key, "label": p.label, "fold": int(f), "log_odds": round(float(s), 4)}
            for p, f, s in zip(data.pictures, data.folds, scores["fused"], strict=True)
        ],
    }


def _weights(data: FitData, keep: npt.NDArray[np.bool_] | None) -> Float:
    chosen = np.ones(len(data.pictures), dtype=bool) if keep is None else keep
    return picture_weights(data.pictures, chosen, group_power=GROUP_POWER)


def _network_logits(network: SignalNetwork, pictures: list[FitPicture]) -> list[float]:
    """By the very code that runs in production."""
    shipped = unpack_network(network_arrays(network), network_graph(network))
    return [shipped.score(protocol_pixels(picture)).logit for picture in pictures]
