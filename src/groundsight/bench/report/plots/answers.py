"""What was answered: stated probabilities, verdicts by truth, IoUs."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from groundsight.bench.report.gather import ANSWERS, Gathered
from groundsight.bench.report.plots.style import (
    BLUE,
    GREEN,
    INK,
    LABEL_WORDS,
    RED,
    SOFT,
    make_plain,
    new_figure,
    set_title,
)
from groundsight.metrics.classification import expected_calibration_error, reliability
from groundsight.metrics.intervals import wilson_interval


def draw_reliability(gathered: Gathered) -> Any | None:
    """Stated against observed shares, and how p_fake is spread over both classes."""
    labels, p_fake = np.array(gathered.labels), np.array(gathered.p_fake)
    if len(np.unique(labels)) < 2:
        return None
    figure = new_figure(9.6, 4.2)
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.15))
    bins = reliability(labels, p_fake)
    left.plot([0, 1], [0, 1], color=SOFT, linestyle=":", linewidth=1)
    stated = [one.mean_p_fake for one in bins]
    for one in bins:
        low, high = wilson_interval(round(one.generated_rate * one.num), one.num)
        left.plot([one.mean_p_fake] * 2, [low, high], color=BLUE, linewidth=1.4, alpha=0.6)
    left.plot(stated, [one.generated_rate for one in bins], color=BLUE, linewidth=1, alpha=0.7)
    most = max(one.num for one in bins)
    sizes = [24 + 90 * one.num / most for one in bins]
    left.scatter(stated, [one.generated_rate for one in bins], s=sizes, color=BLUE, zorder=3)
    left.set_xlim(-0.02, 1.02)
    left.set_ylim(-0.02, 1.02)
    left.set_aspect("equal")
    left.set_xlabel("stated p_fake, mean of a bin", fontsize=8, color=INK)
    left.set_ylabel("share that is AI-generated", fontsize=8, color=INK)
    error = expected_calibration_error(labels, p_fake)
    set_title(left, f"Reliability: ECE {error:.3f} (ten bins, 95% intervals)")
    make_plain(left, grid="both")
    _spread(right, labels, p_fake)
    return figure


def _spread(axes: Any, labels: Any, p_fake: Any) -> None:
    edges = np.linspace(0, 1, 21)
    for label, colour in ((0, GREEN), (1, RED)):
        inside = p_fake[labels == label]
        shares = np.histogram(inside, edges)[0] / len(inside)
        name = f"{LABEL_WORDS[label]} (n = {len(inside):,})"
        axes.stairs(shares, edges, color=colour, linewidth=1.6, label=name)
        axes.stairs(shares, edges, color=colour, fill=True, alpha=0.16)
    axes.axvline(0.5, color=SOFT, linestyle=":", linewidth=1)
    axes.set_xlim(0, 1)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("p_fake", fontsize=8, color=INK)
    axes.set_ylabel("share of the class", fontsize=8, color=INK)
    axes.legend(fontsize=8, frameon=False)
    set_title(axes, "How p_fake is spread")
    make_plain(axes, grid="y")


def draw_confusion(counts: Mapping[tuple[int, str], int]) -> Any | None:
    """Answers by truth: counts, and shares of the row as shade."""
    labels = [label for label in (0, 1) if any(key[0] == label for key in counts)]
    if not labels:
        return None
    answers = [one for one in ANSWERS if any(counts.get((label, one), 0) for label in labels)]
    table = np.array([[counts.get((label, one), 0) for one in answers] for label in labels])
    shares = table / table.sum(axis=1, keepdims=True)
    figure = new_figure(1.5 * len(answers) + 2.0, 0.95 * len(labels) + 1.1)
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for row, column in np.ndindex(*table.shape):
        ink = "white" if shares[row, column] > 0.55 else INK
        words = f"{table[row, column]:,}\n{100 * shares[row, column]:.1f}%"
        axes.text(column, row, words, ha="center", va="center", fontsize=9, color=ink)
    axes.set_xticks(range(len(answers)), answers, fontsize=8, color=INK)
    axes.set_yticks(range(len(labels)), [LABEL_WORDS[one] for one in labels], fontsize=8, color=INK)
    axes.set_xlabel("answered", fontsize=8, color=INK)
    axes.set_ylabel("true", fontsize=8, color=INK)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    set_title(axes, "Confusion: pictures, and share of the true class")
    return figure


def draw_ious(values: Sequence[float]) -> Any | None:
    """How IoU is spread, and the share above any threshold."""
    if len(values) < 2:
        return None
    ious = np.sort(np.array(values))
    figure = new_figure(9.6, 3.4)
    left, right = figure.subplots(1, 2)
    left.hist(ious, np.linspace(0, 1, 21), color=BLUE)
    left.axvline(ious.mean(), color=RED, linestyle="--", linewidth=1.1)
    left.set_xlim(0, 1)
    left.set_xlabel("IoU of answered and true regions", fontsize=8, color=INK)
    left.set_ylabel("samples", fontsize=8, color=INK)
    set_title(left, f"IoU: mean {ious.mean():.3f} (dashed), n = {len(ious):,}")
    right.plot(ious, 100 * (1 - np.arange(len(ious)) / len(ious)), color=BLUE, linewidth=1.6)
    for threshold in (0.3, 0.5, 0.7):
        share = 100 * float((ious >= threshold).mean())
        right.plot([threshold] * 2, [0, share], color=SOFT, linestyle=":", linewidth=1)
        right.text(threshold, share + 2, f"{share:.1f}", fontsize=7.5, color=INK)
    right.set_xlim(0, 1)
    right.set_ylim(0, 108)
    right.set_xlabel("threshold", fontsize=8, color=INK)
    right.set_ylabel("% of samples with at least that IoU", fontsize=8, color=INK)
    set_title(right, "Share above a threshold")
    for axes in (left, right):
        make_plain(axes, grid="y")
    return figure
