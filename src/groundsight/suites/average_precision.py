"""COCO's average precision of a whole run, from the boxes that its scores keep.

    table = Detections.of(scores)
    table.average_precision("1", threshold=0)       # of class "1" at the first IoU threshold
    table.figure("ap50", {"1": 0.8, "2": 0.2})      # weighed, with its interval

Precision is made non-increasing and read at 101 recalls, as pycocotools does. Boxes of equal
certainty keep the order of their samples, which is that of the numbers that end the ids.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from groundsight.core.seeds import make_rng
from groundsight.metrics.intervals import COVERAGE, percentiles
from groundsight.suites.base import Figure, Found, Interval, SampleScore

FloatArray = npt.NDArray[np.float64]
NUM_RESAMPLES = 200
"Fewer than elsewhere: each is a pass over every box."
_RECALLS = np.linspace(0.0, 1.0, 101)
_TAIL = re.compile(r"(\d{1,18})$")


@dataclass
class Detections:
    """The boxes of a run by class, and how many true ones there are."""

    ids: list[str] = field(default_factory=list)
    found: dict[str, list[tuple[int, Found]]] = field(default_factory=dict)
    "By class: number of the sample, box."
    true: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    "By class: number of the sample, how many."

    def taking(self, scores: Iterable[SampleScore]) -> Iterator[SampleScore]:
        """The same scores, kept on their way."""
        for score in scores:
            if score.unscored is None:
                number = len(self.ids)
                self.ids.append(score.id)
                for name, boxes in score.found.items():
                    self.found.setdefault(name, []).extend((number, box) for box in boxes)
                for name, count in score.num_true.items():
                    self.true.setdefault(name, []).append((number, count))
            yield score

    @classmethod
    def of(cls, scores: Iterable[SampleScore]) -> "Detections":
        """All boxes of a run."""
        kept = cls()
        for _ in kept.taking(scores):
            pass
        return kept

    def num_true(self, name: str) -> int:
        """True boxes of a class."""
        return sum(count for _, count in self.true.get(name, ()))

    def average_precision(self, name: str, *, threshold: int = 0, of: str = "") -> float:
        """Of one class, in [0, 1]; 0 where nothing was found.

        Args:
            name: of the class as true boxes have it.
            threshold: which of the suite's IoU thresholds, from 0.
            of: the class as found boxes have it; "": the same.
        """
        counts = np.ones((1, len(self.ids)))
        return float(self._precisions(name, of or name, threshold, counts)[0])

    def figure(
        self,
        name: str,
        weights: Mapping[str, float],
        *,
        thresholds: Sequence[int] = (0,),
        prefix: str = "",
    ) -> list[Figure]:
        """Weighed mean of the classes' average precision, resampled over samples.

        Args:
            name: of the figure.
            weights: by class; they add up to 1.
            thresholds: which of the suite's IoU thresholds, from 0; the mean over them.
            prefix: of the class as found boxes have it.
        """
        num = len(self.ids)
        if not num or not weights:
            return []
        counts = np.concatenate([np.ones((1, num)), _resamples(num)])
        row = np.zeros(len(counts))
        for one, weight in weights.items():
            for at in thresholds:
                precisions = self._precisions(one, f"{prefix}{one}", at, counts)
                row += precisions * weight / len(thresholds)
        interval = Interval(*percentiles(row[1:], COVERAGE)) if num > 1 else None
        return [Figure(name=name, value=float(row[0]), num=num, interval=interval)]

    def _precisions(
        self, true_name: str, found_name: str, threshold: int, counts: FloatArray
    ) -> FloatArray:
        """(R,) average precision when each sample occurs as often as `counts` (R, N) says."""
        owners, hits = self._ranked(found_name, threshold)
        num_true = np.zeros(len(counts))
        for owner, count in self.true.get(true_name, ()):
            num_true += counts[:, owner] * count
        if not len(owners):
            return np.zeros(len(counts))
        shown = np.cumsum(counts[:, owners], axis=1)
        right = np.cumsum(counts[:, owners] * hits, axis=1)
        precision = np.divide(right, shown, out=np.zeros_like(right), where=shown > 0)
        precision = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        recall = np.divide(
            right, num_true[:, None], out=np.zeros_like(right), where=num_true[:, None] > 0
        )
        rows = zip(recall, precision, num_true, strict=True)
        return np.array([_at_recalls(*row[:2]) if row[2] else 0.0 for row in rows])

    def _ranked(self, name: str, threshold: int) -> tuple[npt.NDArray[np.int64], FloatArray]:
        """(D,) sample and hit of each found box, most certain first."""
        place = np.argsort(np.argsort([_order(one) for one in self.ids], kind="stable"))
        boxes = self.found.get(name, [])
        owners = np.array([owner for owner, _ in boxes], dtype=np.int64)
        scores = np.array([box.score for _, box in boxes], dtype=np.float64)
        hits = np.array([float(box.hits[threshold]) for _, box in boxes])
        if not len(owners):
            return owners, hits
        order = np.lexsort((place[owners], -scores))
        return owners[order], hits[order]


def _at_recalls(recall: FloatArray, precision: FloatArray) -> float:
    at = np.searchsorted(recall, _RECALLS, side="left")
    reached = at < len(recall)
    return float(np.where(reached, precision[np.minimum(at, len(recall) - 1)], 0.0).mean())


def _order(sample_id: str) -> int:
    tail = _TAIL.search(sample_id)
    return int(tail[1]) if tail else 0


def _resamples(num: int) -> FloatArray:
    rng = make_rng(0, "average precision")
    drawn = rng.integers(0, num, (NUM_RESAMPLES, num))
    return np.stack([np.bincount(row, minlength=num) for row in drawn]).astype(np.float64)
