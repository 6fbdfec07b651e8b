"""Curves over the levels of each perturbation."""

from collections.abc import Sequence
from typing import Any

from groundsight.bench.records import NONE, RunFile
from groundsight.bench.report.naming import heading, is_share
from groundsight.bench.report.plots.style import (
    BLUE,
    INK,
    ORANGE,
    axis_value,
    make_plain,
    new_figure,
    set_title,
    unit_words,
)
from groundsight.vision.perturbations import FAMILIES

_MOST_FAMILIES_A_ROW = 4
_MOST_TICK_LETTERS = 26


def draw_robustness(run: RunFile, headline: str) -> Any | None:
    """A panel a family: the headline (and AUC) over its levels, mild to harsh."""
    families = {
        family: [level for level in levels if run.figures.get(level)]
        for family, levels in FAMILIES.items()
    }
    families = {family: levels for family, levels in families.items() if levels}
    if not families:
        return None
    keys = [key for key in dict.fromkeys((headline, "auc")) if _anywhere(run, key)]
    if not keys:
        return None
    columns = min(len(families), _MOST_FAMILIES_A_ROW)
    rows = -(-len(families) // columns)
    figure = new_figure(max(2.9 * columns, 4.6), 2.7 * rows + 0.5)
    grid = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel()
    for axes in grid[len(families) :]:
        axes.set_visible(False)
    for axes, (family, levels) in zip(grid, families.items(), strict=False):
        for key, colour, marker in zip(keys, (BLUE, ORANGE), "os", strict=False):
            _curve(axes, run, levels, key, colour, marker)
        named = [NONE, *levels] if run.figures.get(NONE) else levels
        axes.set_xticks(range(len(named)), [_level(family, one) for one in named], fontsize=7)
        if sum(len(_level(family, one)) for one in named) > _MOST_TICK_LETTERS:
            axes.tick_params(axis="x", rotation=30)
        set_title(axes, family)
        make_plain(axes, grid="y")
    words = unit_words(keys[0]) if len(keys) == 1 or not is_share(keys[0]) else "%"
    for axes in grid[: len(families) : columns]:
        axes.set_ylabel(words, fontsize=8, color=INK)
    grid[0].legend(fontsize=7, frameon=False, loc="lower left")
    return figure


def _curve(
    axes: Any, run: RunFile, levels: Sequence[str], key: str, colour: str, marker: str
) -> None:
    names = [NONE, *levels] if run.figures.get(NONE) else list(levels)
    found = [(place, run.figure(key, name)) for place, name in enumerate(names)]
    points = [(place, one) for place, one in found if one is not None]
    if not points:
        return
    x = [place for place, _ in points]
    axes.plot(
        x,
        [axis_value(one.value, one.name) for _, one in points],
        color=colour,
        marker=marker,
        markersize=4,
        linewidth=1.4,
        label=heading(key.partition("[")[0]),
    )
    ends = [one.interval or (one.value, one.value) for _, one in points]
    low = [axis_value(end[0], key) for end in ends]
    high = [axis_value(end[1], key) for end in ends]
    axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)


def _anywhere(run: RunFile, key: str) -> bool:
    return any(run.figure(key, name) is not None for name in run.figures)


def _level(family: str, name: str) -> str:
    return "as is" if name == NONE else name.removeprefix(f"{family}-")
