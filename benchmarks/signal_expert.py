"""How well the signal expert tells generated pictures from photographs.

    python benchmarks/signal_expert.py ../shared/images/manifest.csv --json
    python benchmarks/signal_expert.py MANIFEST --perturbations jpeg-60-75,resize-0.5 --workers 4

Reads a CSV with path, split, label (fake | real), family, source and generator. Both classes pass
the same codec (`experts.signal.views.protocol_view`), every picture is decided at p_fake 0.5, and
one that can not be measured counts as 0.5, so as real. Intervals: percentile bootstrap over
pictures, stratified by class; they hold for more pictures of these generators, not for others.

The expert has seen `split == fit`: figures on it say nothing. Choose nothing on `unseen`.
"""

import argparse
import csv
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from groundsight.core.errors import PictureError, UnknownNameError, UsageError
from groundsight.core.types import Verdict
from groundsight.detect.worker import ONE_THREAD
from groundsight.engines.builtin.verdict import Band
from groundsight.experts.signal.pictures import FitPicture, over_pictures, read_manifest
from groundsight.experts.signal.reshipped import PROTOCOL, VIEWS
from groundsight.forensics.signal.expert import load_signal_expert
from groundsight.forensics.signal.weights import HERE, load_weights
from groundsight.metrics.classification import (
    DECIDED_AT,
    accuracy,
    average_precision,
    balanced_accuracy,
    expected_calibration_error,
    reliability,
    roc_auc,
    true_positive_rate_at,
)
from groundsight.metrics.intervals import (
    COVERAGE,
    NUM_RESAMPLES,
    Measure,
    bootstrap_interval,
    bootstrap_mean,
    paired_bootstrap_difference,
)
from groundsight.vision.images import open_picture

MAX_FALSE_ALARMS = 0.05
UNMEASURED = 0.5
MEASURES: dict[str, Measure] = {
    "auc": roc_auc,
    "balanced_accuracy": balanced_accuracy,
    "tpr_at_5_percent_fpr": partial(
        true_positive_rate_at, max_false_positive_rate=MAX_FALSE_ALARMS
    ),
    "ece_equal_width_10": expected_calibration_error,
    "ece_equal_mass_10": partial(expected_calibration_error, binning="equal-mass"),
    "accuracy": accuracy,
    "average_precision": average_precision,
}


@dataclass(frozen=True, kw_only=True)
class Scored:
    """One picture's scores.

    Args:
        picture: what was scored.
        p_fake: by view; None where the expert could not measure.
        seconds: of `score` alone, by view.
        megapixels: of the protocol view.
        problem: why the file could not be read, else "".
    """

    picture: FitPicture
    p_fake: dict[str, float | None] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    megapixels: float = 0.0
    problem: str = ""


def score_picture(picture: FitPicture, views: Sequence[str], weights: Path) -> Scored:
    """Every view of one picture; what a worker process does."""
    try:
        image = Image.fromarray(open_picture(picture.path).rgb)
    except PictureError as error:
        return Scored(picture=picture, problem=str(error))
    expert = load_signal_expert(weights)
    p_fake: dict[str, float | None] = {}
    seconds: dict[str, float] = {}
    megapixels = 0.0
    for name in views:
        rgb = np.asarray(VIEWS[name](image, picture.key))
        start = time.perf_counter()
        p_fake[name] = expert.score(rgb).p_fake
        seconds[name] = time.perf_counter() - start
        if name == PROTOCOL:
            megapixels = rgb.shape[0] * rgb.shape[1] / 1e6
    return Scored(picture=picture, p_fake=p_fake, seconds=seconds, megapixels=megapixels)


def score_all(
    pictures: Sequence[FitPicture], views: Sequence[str], weights: Path, workers: int
) -> list[Scored]:
    """In the order of the manifest, whatever the number of workers; one thread each."""
    for name, value in ONE_THREAD.items():
        os.environ.setdefault(name, value)
    job = partial(score_picture, views=tuple(views), weights=weights)
    return list(_counted(over_pictures(job, pictures, workers), len(pictures)))


def _counted(results: Iterable[Scored], total: int) -> Iterator[Scored]:
    for number, result in enumerate(results, 1):
        if number % 50 == 0 or number == total:
            print(f"{number} of {total} pictures", file=sys.stderr, flush=True)
        yield result


def rows_of(scored: Sequence[Scored], view: str) -> tuple[npt.NDArray[np.int64], Any]:
    """(N,) labels and (N,) p_fake, unmeasured pictures at 0.5."""
    p_fake = [one.p_fake[view] for one in scored]
    return (
        np.array([one.picture.label for one in scored]),
        np.array([UNMEASURED if p is None else p for p in p_fake]),
    )


def figures(scored: Sequence[Scored], view: str, num_resamples: int) -> dict[str, Any]:
    """All figures of one view; of other views also what they lose against the protocol."""
    labels, p_fake = rows_of(scored, view)
    table: dict[str, Any] = {
        name: rounded(
            bootstrap_interval(measure, labels, p_fake, num_resamples=num_resamples)._asdict()
        )
        for name, measure in MEASURES.items()
    }
    for name, label in (("false_alarm_rate", 0), ("hit_rate", 1)):
        decided = p_fake[labels == label] > DECIDED_AT
        table[name] = rounded(bootstrap_mean(decided, num_resamples=num_resamples)._asdict())
    if view != PROTOCOL and PROTOCOL in scored[0].p_fake:
        before = rows_of(scored, PROTOCOL)[1]
        lost = paired_bootstrap_difference(
            roc_auc, labels, before, p_fake, num_resamples=num_resamples
        )
        table["auc_lost"] = rounded({"value": lost.value, "low": lost.low, "high": lost.high})
    table["num_unmeasurable"] = sum(one.p_fake[view] is None for one in scored)
    return table


def by_name(
    scored: Sequence[Scored], view: str, name_of: Callable[[Scored], str]
) -> dict[str, Any]:
    """How each kind of picture is decided, most pictures first."""
    groups: dict[str, list[Scored]] = defaultdict(list)
    for one in scored:
        groups[name_of(one)].append(one)
    table = {}
    for name, members in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])):
        _, p_fake = rows_of(members, view)
        table[name] = {
            "num": len(members),
            "decided_generated_rate": round(float((p_fake > DECIDED_AT).mean()), 4),
            "mean_p_fake": round(float(p_fake.mean()), 4),
            "num_unmeasurable": sum(one.p_fake[view] is None for one in members),
        }
    return table


def abstention(scored: Sequence[Scored], view: str, band: Band) -> dict[str, Any]:
    """What a band of INCONCLUSIVE buys and costs; unmeasured pictures lie in it."""
    labels, p_fake = rows_of(scored, view)
    verdicts = [band.leaning(p) for p in p_fake.tolist()]
    measured = np.array([one.p_fake[view] is not None for one in scored])
    decided = measured & np.array([verdict is not Verdict.INCONCLUSIVE for verdict in verdicts])
    generated = np.array([verdict is Verdict.AI_GENERATED for verdict in verdicts])
    right = generated == (labels == 1)
    real, fake = decided & (labels == 0), decided & (labels == 1)
    return {
        "low": band.low,
        "high": band.high,
        "inconclusive_rate": _mean(~decided),
        "inconclusive_rate_of_real": _mean(~decided[labels == 0]),
        "inconclusive_rate_of_generated": _mean(~decided[labels == 1]),
        "accuracy_of_the_rest": _mean(right[decided]),
        "false_alarm_rate_of_the_rest": _mean(generated[real]),
        "hit_rate_of_the_rest": _mean(generated[fake]),
        "accuracy_inside_the_band_at_0.5": _mean(((p_fake > DECIDED_AT) == labels)[~decided]),
    }


def timing(scored: Sequence[Scored], view: str) -> dict[str, float]:
    """Of scoring alone, without opening, one thread; told beside the size of what was scored."""
    seconds = np.array([one.seconds[view] for one in scored])
    megapixels = sum(one.megapixels for one in scored)
    return {
        "mean_s": round(float(seconds.mean()), 4),
        "median_s": round(float(np.median(seconds)), 4),
        "p95_s": round(float(np.quantile(seconds, 0.95)), 4),
        "s_per_megapixel": round(float(seconds.sum()) / max(megapixels, 1e-9), 4),
    }


def report(
    results: Sequence[Scored],
    views: Sequence[str],
    generators: dict[str, str],
    band: Band,
    num_resamples: int,
) -> dict[str, Any]:
    """Everything that is said of one set of scores."""
    scored = [one for one in results if not one.problem]
    labels = rows_of(scored, PROTOCOL)[0]
    return {
        "num_pictures": len(scored),
        "num_generated": int(labels.sum()),
        "num_real": int((labels == 0).sum()),
        "num_unreadable": len(results) - len(scored),
        # Of the number of pixels; under 0.5 where the generated pictures are the smaller ones.
        "size_alone_auc": round(roc_auc(labels, np.array([one.megapixels for one in scored])), 4),
        "decided_at": DECIDED_AT,
        "intervals": {"coverage": COVERAGE, "num_resamples": num_resamples, "by": "class"},
        "views": {view: figures(scored, view, num_resamples) for view in views},
        "by_source": by_name(scored, PROTOCOL, _kind),
        "by_generator": by_name(
            [one for one in scored if one.picture.label],
            PROTOCOL,
            lambda one: generators.get(one.picture.key) or one.picture.group,
        ),
        "abstention": abstention(scored, PROTOCOL, band),
        "reliability": [rounded(one._asdict()) for one in reliability(*rows_of(scored, PROTOCOL))],
        "time_a_picture": timing(scored, PROTOCOL),
    }


def _kind(one: Scored) -> str:
    return f"{'generated' if one.picture.label else 'real'}: {one.picture.group}"


def _mean(values: npt.NDArray[np.bool_]) -> float | None:
    """None of no pictures: a share of nothing is no figure."""
    return round(float(values.mean()), 4) if len(values) else None


def rounded(values: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in values.items()}


def read_generators(manifest: Path) -> dict[str, str]:
    with manifest.open(newline="", encoding="utf-8") as file:
        return {row["path"]: row.get("generator") or "" for row in csv.DictReader(file)}


def chosen_views(names: str) -> list[str]:
    """The protocol first; "all", "none", or names with commas between."""
    if names == "all":
        return list(VIEWS)
    wanted = [] if names == "none" else [name.strip() for name in names.split(",")]
    for name in wanted:
        if name not in VIEWS:
            raise UnknownNameError("perturbation", name, VIEWS)
    return list(dict.fromkeys([PROTOCOL, *wanted]))


def measure(options: argparse.Namespace) -> dict[str, Any]:
    views = chosen_views(options.perturbations)
    if not 0 <= options.low <= options.high <= 1:
        raise UsageError(f"0 <= low <= high <= 1 is needed, got {options.low} and {options.high}")
    if options.workers < 1:
        raise UsageError(f"at least one worker is needed, got {options.workers}")
    band = Band(options.low, options.high)
    try:
        digest = load_weights(options.weights).sha256
        pictures = read_manifest(options.manifest, options.split)
    except FileNotFoundError as error:
        raise UsageError(f"{error.filename}: no such file; give a manifest and weights") from None
    if {picture.label for picture in pictures} != {0, 1}:
        raise UsageError(
            f"split {options.split!r} of {options.manifest} needs pictures of both labels, fake "
            f"and real; it has {len(pictures)} pictures"
        )
    results = score_all(pictures, views, options.weights, options.workers)
    head = {"split": options.split, "weights_sha256": digest}
    return head | report(results, views, read_generators(options.manifest), band, options.resamples)


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("manifest", type=Path, help="CSV of pictures")
    parser.add_argument("--split", default="unseen", help="which split (default unseen)")
    parser.add_argument("--weights", type=Path, default=HERE, help="default: the shipped ones")
    parser.add_argument(
        "--perturbations", default="all", help=f"all, none, or some of {', '.join(VIEWS)}"
    )
    parser.add_argument("--low", type=float, default=Band().low, help="REAL up to here")
    parser.add_argument("--high", type=float, default=Band().high, help="AI-GENERATED from here")
    parser.add_argument("--resamples", type=int, default=NUM_RESAMPLES, help="of the bootstrap")
    parser.add_argument("--workers", type=int, default=1, help="processes (default 1)")
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    options = arguments(argv)
    try:
        result = measure(options)
    except UsageError as error:
        print(f"signal_expert.py: {error}", file=sys.stderr)
        return 2
    json.dump(result, sys.stdout, indent=None if options.json else 1, ensure_ascii=False)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
