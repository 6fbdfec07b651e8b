"""How far experts agree, and who is right when they do not.

    table = agreement({"npr": p_npr, "univfd": p_univfd}, labels)
    table[0].kappa, table[0].first_right

Two experts that agree more than chance would have it say the same thing twice; two that disagree at
chance level are second opinions. Nothing here loads torch.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from groundsight.core.errors import UsageError
from groundsight.metrics.classification import DECIDED_AT

Rows = npt.NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class PairAgreement:
    """Two experts on the pictures that both have judged, each decided at 0.5.

    Args:
        first: name.
        second: name.
        num: pictures.
        agree_rate: share on which they decide the same; None of no pictures.
        kappa: Cohen's: 1 agree always, 0 as often as chance would have it; None where chance
            alone makes them agree always, or of no pictures.
        num_disagree: pictures on which they differ and whose truth is known.
        first_right: of those; the rest the second has right.
    """

    first: str
    second: str
    num: int
    agree_rate: float | None
    kappa: float | None
    num_disagree: int
    first_right: int

    @property
    def second_right(self) -> int:
        """Pictures on which they differ and the second is right."""
        return self.num_disagree - self.first_right


def agreement(p_fake: Mapping[str, Rows], labels: Rows | None = None) -> list[PairAgreement]:
    """Every pair of experts.

    Args:
        p_fake: by expert, (N,) in 0..1 each, the same pictures in one order; NaN: not judged.
        labels: (N,) 1 = generated, 0 = real, anything else unknown; None: all unknown.

    Raises:
        UsageError: fewer than two experts, or rows of other lengths.
    """
    rows = {name: np.asarray(values, np.float64) for name, values in p_fake.items()}
    lengths = {values.shape for values in rows.values()}
    if len(rows) < 2 or len(lengths) != 1:
        raise UsageError(f"agreement needs two experts on the same pictures, got {sorted(rows)}")
    (shape,) = lengths
    truth = np.full(shape, np.nan) if labels is None else np.asarray(labels, np.float64)
    if truth.shape != shape:
        raise UsageError(f"labels must be a row of {shape[0]}, got {truth.shape}")
    return [_pair(a, b, rows[a], rows[b], truth) for a, b in combinations(rows, 2)]


def agreement_markdown(table: list[PairAgreement]) -> str:
    """The table for people."""
    lines = [
        "| experts | pictures | agree | kappa | differ, truth known | first right | second right |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in table:
        figures = (row.num, _told(row.agree_rate), _told(row.kappa), row.num_disagree)
        cells = (f"{row.first}, {row.second}", *figures, row.first_right, row.second_right)
        lines.append(f"| {' | '.join(str(cell) for cell in cells)} |")
    return "\n".join(lines)


def _pair(first: str, second: str, a: Rows, b: Rows, truth: Rows) -> PairAgreement:
    judged = np.isfinite(a) & np.isfinite(b)
    a, b, truth = a[judged] > DECIDED_AT, b[judged] > DECIDED_AT, truth[judged]
    differ = (a != b) & ((truth == 0) | (truth == 1))
    agree = float((a == b).mean()) if len(a) else None
    return PairAgreement(
        first=first,
        second=second,
        num=len(a),
        agree_rate=agree,
        kappa=None if agree is None else _kappa(agree, float(a.mean()), float(b.mean())),
        num_disagree=int(differ.sum()),
        first_right=int((differ & (a == (truth == 1))).sum()),
    )


def _kappa(agree: float, rate_a: float, rate_b: float) -> float | None:
    """Source: Cohen 1960."""
    chance = rate_a * rate_b + (1 - rate_a) * (1 - rate_b)
    return None if chance >= 1 else (agree - chance) / (1 - chance)


def _told(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
