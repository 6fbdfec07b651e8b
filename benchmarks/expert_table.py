"""Trained experts beside the builtin signal expert, on generators that none was fitted on.

    python benchmarks/expert_table.py ../shared/images/manifest.csv runs/npr runs/cnnspot --json
    python benchmarks/expert_table.py MANIFEST DIR... --markdown

Reads a CSV with path, split, label (fake | real), family, source and generator, and folders that
`groundsight experts train` wrote on its split `fit`. Every expert sees the same picture: longest
side at most 1024 px, JPEG of a quality 80-95 drawn by its name, as in benchmarks/signal_expert.py.
Decided at p_fake 0.5; what can not be measured counts as 0.5, so as real. Intervals: percentile
bootstrap over pictures, stratified by class.

`near_duplicates` lists scored pictures that have a near-duplicate in the split `fit`;
`without_near_duplicates` are the figures without them. `beside_builtin` fuses an expert with the
builtin one: a logistic regression on the pictures that the expert's training held out, where the
builtin log-odds are out of fold, then measured on the scored split. Those pictures also chose the
expert's epoch, so the fusion trusts the expert a little too much. Times are processor seconds of
scoring alone, one picture a call; set OMP_NUM_THREADS=1.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from groundsight.core.errors import UsageError
from groundsight.experts import load_expert
from groundsight.experts.agreement import agreement
from groundsight.experts.calibration import sigmoid
from groundsight.experts.signal.classical import fit_fusion
from groundsight.forensics.signal.expert import load_signal_expert
from groundsight.forensics.signal.weights import HERE
from groundsight.metrics.classification import roc_auc
from groundsight.metrics.intervals import paired_bootstrap_difference
from groundsight.prepare.split.hashes import hash_pictures
from groundsight.prepare.split.near import scan_near
from groundsight.train.experts.data import DataChoice, ExpertPicture, read_data
from groundsight.train.experts.figures import figures_of
from groundsight.train.experts.run import SCORES_FILE
from groundsight.train.experts.scoring import matched_picture
from groundsight.vision.phash import MAX_DISTANCE

BUILTIN = "builtin"
Float = npt.NDArray[np.float64]
Say = Callable[[Image.Image], float]
"A picture's log-odds."


def builtin_logit() -> Say:
    """The shipped signal expert; 0 where it can not measure."""
    expert = load_signal_expert()

    def say(image: Image.Image) -> float:
        p_fake = expert.score(np.asarray(image)).p_fake
        p = 0.5 if p_fake is None else min(max(p_fake, 1e-9), 1 - 1e-9)
        return float(np.log(p / (1 - p)))

    return say


def trained_logit(folder: Path) -> Say:
    """A trained expert with its temperature."""
    expert = load_expert(folder, device="cpu")
    return lambda image: float(expert.score_logits([image])[0]) / expert.temperature


def score(say: Say, pictures: Sequence[ExpertPicture], name: str) -> tuple[Float, Float]:
    """(N,) log-odds and (N,) processor seconds of the scoring alone."""
    logits, seconds = [], []
    for number, picture in enumerate(pictures, 1):
        image = matched_picture(picture)
        if image is None:
            raise UsageError(f"{picture.path} cannot be read")
        start = time.process_time()
        logits.append(say(image))
        seconds.append(time.process_time() - start)
        if number % 100 == 0:
            print(f"{name}: {number} of {len(pictures)}", file=sys.stderr, flush=True)
    return np.array(logits), np.array(seconds)


def near_duplicates(
    pictures: Sequence[ExpertPicture], fit: Sequence[ExpertPicture]
) -> npt.NDArray[np.bool_]:
    """(N,) which pictures are near-duplicates of one of `fit`."""
    hashed = hash_pictures([str(one.path) for one in (*pictures, *fit)])
    count = len(pictures)
    found = scan_near(
        hashed,
        MAX_DISTANCE,
        lambda first, second: None,
        lambda first, second: np.asarray((first < count) != (second < count)),
    )
    near = np.zeros(count, dtype=bool)
    near[[pair.first for pair in found]] = True
    return near


def fuse(
    folder: Path, name: str, prefix: str, logits: dict[str, Float], labels: npt.NDArray[np.int64]
) -> dict[str, Any] | None:
    """What an expert adds to the builtin one, by weights of pictures that neither was fitted on.

    None where it was not trained on the pictures that the builtin one was fitted on.
    """
    told = json.loads((HERE / "fit.json").read_text(encoding="utf-8"))["out_of_fold"]
    builtin = {row["path"]: row["log_odds"] for row in told}
    lines = (folder / SCORES_FILE).read_text(encoding="utf-8").splitlines()
    rows = [row for row in map(json.loads, lines) if row["part"] == "held_out"]
    known = [row for row in rows if row["key"].removeprefix(prefix) in builtin]
    truth = np.array([row["label"] for row in known], np.float64)
    if not 0 < truth.sum() < len(truth):
        return None
    pairs = np.array(
        [
            (builtin[row["key"].removeprefix(prefix)], row["logit"] / row["temperature"])
            for row in known
        ]
    )
    weights = np.where(truth == 1, 0.5 / truth.sum(), 0.5 / (1 - truth).sum())
    fusion, bias = fit_fusion(pairs, truth, weights)
    fused = np.stack([logits[BUILTIN], logits[name]], axis=1) @ fusion + bias
    gain = paired_bootstrap_difference(roc_auc, labels, fused, logits[BUILTIN])
    return {
        "num_fitted_on": len(known),
        "weights": {BUILTIN: fusion[0], name: fusion[1], "bias": bias},
        "auc_of_the_fitted": {
            BUILTIN: roc_auc(truth.astype(np.int64), pairs[:, 0]),
            name: roc_auc(truth.astype(np.int64), pairs[:, 1]),
            "fused": roc_auc(truth.astype(np.int64), pairs @ fusion + bias),
        },
        "auc": roc_auc(labels, fused),
        "auc_gained": [gain.value, gain.low, gain.high],
        "balanced_accuracy": figures_of(labels, sigmoid(fused), [""] * len(labels))[
            "balanced_accuracy"
        ],
    }


def measure(manifest: Path, folders: Sequence[Path], split: str) -> dict[str, Any]:
    """Everything that the table says."""
    data = read_data(DataChoice(path=manifest, source="csv", fit_split="fit", unseen_split=split))
    # Named as in benchmarks/signal_expert.py, so that every picture has the JPEG that it has there.
    prefix = f"{manifest.stem}/"
    pictures = [replace(one, key=one.key.removeprefix(prefix)) for one in data.unseen]
    names = [BUILTIN, *(folder.resolve().name for folder in folders)]
    if len(set(names)) != len(names):
        raise UsageError(f"folders need names of their own, none {BUILTIN!r}: got {names[1:]}")
    labels = np.array([one.label for one in pictures])
    rows = [one.row for one in pictures]
    far = ~near_duplicates(pictures, data.fit)
    logits: dict[str, Float] = {}
    result: dict[str, Any] = {
        "split": split,
        "near_duplicates": [
            one.key for one, is_far in zip(pictures, far, strict=True) if not is_far
        ],
        "experts": {},
    }
    for name, folder in zip(names, (None, *folders), strict=True):
        say = builtin_logit() if folder is None else trained_logit(folder)
        logits[name], seconds = score(say, pictures, name)
        p_fake = sigmoid(logits[name])
        kept = np.flatnonzero(far)
        without = figures_of(labels[kept], p_fake[kept], [rows[i] for i in kept])
        told = figures_of(labels, p_fake, rows)
        told["mean_s"], told["median_s"] = float(seconds.mean()), float(np.median(seconds))
        told["without_near_duplicates"] = {
            key: without[key] for key in ("num_generated", "num_real", "auc", "balanced_accuracy")
        }
        if folder is not None:
            told["beside_builtin"] = fuse(folder, name, prefix, logits, labels)
            told["num_bytes"] = (folder / "model.safetensors").stat().st_size
            card = json.loads((folder / "expert.json").read_text(encoding="utf-8"))["card"]
            told["training_s"] = card.get("training", {}).get("seconds")
        result["experts"][name] = told
    if folders:
        p = {name: sigmoid(values) for name, values in logits.items()}
        result["agreement"] = [
            vars(row) | {"second_right": row.second_right} for row in agreement(p, labels)
        ]
    told_all: dict[str, Any] = rounded(result)
    return told_all


def rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: rounded(of) for key, of in value.items()}
    if isinstance(value, list):
        return [rounded(of) for of in value]
    return round(float(value), 4) if isinstance(value, float) else value


def markdown(result: dict[str, Any]) -> str:
    """Four tables: all pictures, generators, photo sources, pairs of experts."""
    experts = result["experts"]
    out = [
        "| expert | AUC | balanced accuracy | accuracy | found at 5% false alarms | AUC without "
        "near-duplicates | AUC fused with builtin, gain | MB | ms a picture |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, of in experts.items():
        beside = of.get("beside_builtin")
        gain = f"{beside['auc']:.3f}, {_span(beside['auc_gained'], '+.3f')}" if beside else "-"
        size = f"{of['num_bytes'] / 1e6:.1f}" if "num_bytes" in of else "-"
        cells = (
            *(_span(of[key]) for key in ("auc", "balanced_accuracy", "accuracy")),
            _span(of["tpr_at_5_percent_fpr"]),
            _span(of["without_near_duplicates"]["auc"]),
            *(gain, size, f"{1000 * of['mean_s']:.0f}"),
        )
        out.append(f"| {name} | {' | '.join(cells)} |")
    out += [
        "",
        *_by(experts, "by_generator", lambda of: f"{of['hit_rate'][0]:.2f}, {_span(of['auc'])}"),
    ]
    out += ["", *_by(experts, "by_photo_source", lambda of: _span(of["false_alarm_rate"], ".2f"))]
    if "agreement" in result:
        out += ["", "| experts | agree | kappa | differ | first right | second right |"]
        out += ["|---|---|---|---|---|---|"]
        for row in result["agreement"]:
            out.append(
                f"| {row['first']}, {row['second']} | {row['agree_rate']:.2f} | {row['kappa']:.2f} "
                f"| {row['num_disagree']} | {row['first_right']} | {row['second_right']} |"
            )
    return "\n".join(out)


def _by(experts: dict[str, Any], part: str, cell: Callable[[Any], str]) -> list[str]:
    rows = next(iter(experts.values()))[part]
    what = "generator: share found, AUC" if part == "by_generator" else "photographs: false alarms"
    out = [f"| {what} | pictures | {' | '.join(experts)} |", "|---" * (2 + len(experts)) + "|"]
    for row, of in rows.items():
        cells = " | ".join(cell(expert[part][row]) for expert in experts.values())
        out.append(f"| {row} | {of['num']} | {cells} |")
    return out


def _found(of: Any) -> str:
    return f"{of['hit_rate'][0]:.2f}, {_span(of['auc'], '.2f')}"


def _span(values: Sequence[float], form: str = ".3f") -> str:
    value, low, high = (format(number, form) for number in values)
    return f"{value} [{low}, {high}]"


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("manifest", type=Path, help="CSV of pictures")
    parser.add_argument("folders", type=Path, nargs="*", help="of groundsight experts train")
    parser.add_argument("--split", default="unseen", help="which split is scored (default unseen)")
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument("--json", action="store_true", help="print one line of JSON")
    shape.add_argument("--markdown", action="store_true", help="print tables")
    options = parser.parse_args(argv)
    try:
        result = measure(options.manifest, options.folders, options.split)
    except UsageError as error:
        print(f"expert_table.py: {error}", file=sys.stderr)
        return 2
    print(
        markdown(result)
        if options.markdown
        else json.dumps(result, indent=None if options.json else 1)
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
