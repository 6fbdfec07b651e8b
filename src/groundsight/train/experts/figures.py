"""What is measured of a trained expert, in a shape that goes into its card."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from groundsight.core.json_values import JsonObject
from groundsight.experts.calibration import sigmoid
from groundsight.experts.signal.pictures import FitPicture
from groundsight.metrics.classification import (
    DECIDED_AT,
    accuracy,
    average_precision,
    balanced_accuracy,
    expected_calibration_error,
    roc_auc,
    true_positive_rate_at,
)
from groundsight.metrics.intervals import Interval, Measure, bootstrap_interval, bootstrap_mean
from groundsight.train.experts.data import ExpertPicture
from groundsight.train.experts.scoring import LogitTable

MEASURES: dict[str, Measure] = {
    "auc": roc_auc,
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
    "average_precision": average_precision,
    "tpr_at_5_percent_fpr": partial(true_positive_rate_at, max_false_positive_rate=0.05),
    "ece_equal_mass_10": partial(expected_calibration_error, binning="equal-mass"),
}
Row = Callable[[FitPicture], str]


def all_figures(table: LogitTable, temperature: float) -> JsonObject:
    """Figures over all pictures, by generator and by photo source; [value, low, high] each.

    Args:
        table: what the expert said.
        temperature: of the expert.

    Returns:
        `by_generator` sets a generator's pictures against all photographs of the table.
    """
    return figures_of(
        table.labels, sigmoid(table.logits / temperature), [row_of(one) for one in table.pictures]
    ) | {"num_unreadable": table.num_unreadable}


def figures_of(
    labels: npt.NDArray[np.int64], p_fake: npt.NDArray[np.float64], rows: Sequence[str]
) -> JsonObject:
    """As `all_figures`.

    Args:
        labels: (N,) 1 = generated, both present.
        p_fake: (N,).
        rows: the generator or photo source of each.
    """
    whole = {name: told(bootstrap_interval(of, labels, p_fake)) for name, of in MEASURES.items()}
    places: dict[tuple[int, str], list[int]] = defaultdict(list)
    for index, (label, row) in enumerate(zip(labels.tolist(), rows, strict=True)):
        places[label, row].append(index)
    real = np.flatnonzero(labels == 0)
    by_size = sorted(places.items(), key=lambda item: (-len(item[1]), item[0]))
    return {
        "num_generated": int(labels.sum()),
        "num_real": len(real),
        **whole,
        "by_generator": {
            row: _generator(p_fake, np.array(at), real) for (label, row), at in by_size if label
        },
        "by_photo_source": {
            row: {"num": len(at), "false_alarm_rate": told(_rate(p_fake[np.array(at)]))}
            for (label, row), at in by_size
            if not label
        },
    }


def row_of(picture: FitPicture) -> str:
    """The line of the table that a picture counts in."""
    return picture.row if isinstance(picture, ExpertPicture) else picture.group


def told(interval: Interval) -> list[float]:
    """[value, low, high], four digits."""
    return [round(float(number), 4) for number in interval]


def _generator(
    p_fake: npt.NDArray[np.float64], at: npt.NDArray[np.int64], real: npt.NDArray[np.int64]
) -> dict[str, Any]:
    both = np.concatenate([at, real])
    labels = np.array([1] * len(at) + [0] * len(real))
    return {
        "num": len(at),
        "hit_rate": told(_rate(p_fake[at])),
        "balanced_accuracy": told(bootstrap_interval(balanced_accuracy, labels, p_fake[both])),
        "auc": told(bootstrap_interval(roc_auc, labels, p_fake[both])),
    }


def _rate(p_fake: npt.NDArray[np.float64]) -> Interval:
    return bootstrap_mean((p_fake > DECIDED_AT).astype(np.float64))
