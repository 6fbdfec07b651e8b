"""Scores of experts that stand in sample records, as rows to compare."""

from pathlib import Path

import numpy as np

from groundsight.core.errors import UsageError
from groundsight.data.samples import read_samples
from groundsight.experts.agreement import PairAgreement, Rows, agreement


def agreement_of_samples(path: Path) -> list[PairAgreement]:
    """The agreement of every pair of experts in a file of samples.

    Raises:
        UsageError: unreadable, or with scores of fewer than two experts.
    """
    scores, labels = read_scores(path)
    if len(scores) < 2:
        raise UsageError(
            f"{path} holds scores of {len(scores)} experts, two are needed: groundsight experts "
            "score writes them"
        )
    return agreement(scores, labels)


def read_scores(path: Path) -> tuple[dict[str, Rows], Rows]:
    """p_fake by expert, (N,) with NaN where one has not judged, and labels (N,), NaN unknown."""
    rows = [(sample.experts, sample.label) for sample in read_samples(path)]
    names = sorted({name for experts, _ in rows for name in experts})
    scores = {name: np.array([experts.get(name, np.nan) for experts, _ in rows]) for name in names}
    return scores, np.array([np.nan if label is None else float(label) for _, label in rows])
