"""Bars by group: accuracy by generator, by category, by task."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from groundsight.bench.report.layouts import Groups, columns_of, layouts_of
from groundsight.bench.report.naming import heading, shown
from groundsight.bench.report.plots.style import (
    BLUE,
    INK,
    PALE,
    RED,
    axis_end,
    axis_value,
    literal,
    make_plain,
    new_figure,
    set_title,
    unit_words,
)
from groundsight.suites.base import Figure, PublishedRow
from groundsight.vision.drawing import plain_text

MOST_BARS = 40


def draw_groups(
    suite: str, figures: Sequence[Figure], published: Sequence[PublishedRow], headline: str
) -> Any | None:
    """A bar a group with its interval: the first table of the suite that has groups."""
    chosen = _first_groups(suite, figures)
    if len(chosen) < 2:
        return None
    shown_bars = chosen[:MOST_BARS]
    figure = new_figure(7.4, 0.34 * len(shown_bars) + 1.5)
    axes = figure.subplots()
    places = np.arange(len(shown_bars))
    values = np.array([axis_value(one.value, one.name) for one in shown_bars])
    axes.barh(places, values, color=PALE, edgecolor=BLUE, linewidth=0.8, height=0.62, zorder=2)
    room = max([1.0, *(_draw_interval(axes, place, one) for place, one in enumerate(shown_bars))])
    most = axis_end(shown_bars[0].name, room)
    for place, one in enumerate(shown_bars):
        words = f"{shown(one.value, one.name)}  (n = {one.num:,})"
        axes.text(1.03 * most, place, words, va="center", fontsize=7.5, color=INK)
    _draw_published(axes, [one.name for one in shown_bars], figures, published, headline)
    axes.set_yticks(places, [_tick(one) for one in shown_bars], fontsize=8, color=INK)
    axes.set_ylim(len(shown_bars) - 0.4, -0.85)
    axes.set_xlim(0, 1.28 * most)
    axes.set_xticks([most * k / 5 for k in range(6)])
    axes.spines["bottom"].set_bounds(0, most)
    axes.set_xlabel(unit_words(shown_bars[0].name) + ", with 95% interval", fontsize=8, color=INK)
    more = f" (the first {MOST_BARS} of {len(chosen)})" if len(chosen) > MOST_BARS else ""
    by = (shown_bars[0].group or "").partition("=")[0]
    set_title(axes, f"{heading(shown_bars[0].name)} by {by}{more}")
    make_plain(axes, grid="x")
    return figure


def _first_groups(suite: str, figures: Sequence[Figure]) -> list[Figure]:
    by_key = {one.key: one for one in figures}
    for layout in layouts_of(suite, figures):
        if any(isinstance(part, Groups) for part in layout.columns):
            columns = columns_of(layout, figures)
            return [by_key[column.key] for column in columns if column.group is not None]
    return []


def _draw_interval(axes: Any, place: float, figure: Figure) -> float:
    """Draw it across the end of the bar; where its right end lies."""
    value = axis_value(figure.value, figure.name)
    if figure.interval is None:
        return value
    low, high = (axis_value(end, figure.name) for end in figure.interval)
    axes.plot([low, high], [place, place], color=INK, linewidth=1.4, zorder=3)
    for end in (low, high):
        axes.plot([end, end], [place - 0.14, place + 0.14], color=INK, linewidth=1.4, zorder=3)
    return max(value, high)


def _draw_published(
    axes: Any,
    names: Sequence[str],
    figures: Sequence[Figure],
    published: Sequence[PublishedRow],
    headline: str,
) -> None:
    """The best published headline as a dashed line, where it is a mean of what the bars show."""
    best = max(
        (row for row in published if headline in row.values),
        key=lambda row: row.values[headline],
        default=None,
    )
    if best is None or not headline.endswith(names[0]):
        return
    value = axis_value(best.values[headline], names[0])
    axes.axvline(value, 0, 0.96, color=RED, linestyle="--", linewidth=1.1, zorder=1)
    text = f"{plain_text(best.model, most=40)}: {shown(best.values[headline], headline)} (mean)"
    axes.text(value, -0.52, literal(text), fontsize=7, color=RED, ha="center", va="bottom")
    own = next((one for one in figures if one.key == headline), None)
    if own is not None:
        mean = axis_value(own.value, own.name)
        axes.axvline(mean, 0, 0.96, color=BLUE, linestyle=":", linewidth=1.3)


def _tick(figure: Figure) -> str:
    return literal(plain_text((figure.group or "").partition("=")[2], most=40))
