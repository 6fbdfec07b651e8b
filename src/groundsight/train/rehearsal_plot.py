"""A rehearsal as one picture. Needs matplotlib (extra `plot`), loaded when asked for."""

from pathlib import Path
from typing import Any

from groundsight.core.errors import MissingExtraError
from groundsight.train.rehearsal import HackReport, Rehearsal, Spread, StageReport

_INK, _ACCENT, _FAINT, _BAD = "#1f2937", "#2563eb", "#cbd5e1", "#dc2626"
_STAGE_COLOURS = ("#93c5fd", "#2563eb", "#1e3a8a", "#0f766e", "#7c3aed")
# Wide to narrow, so that lines that lie on each other all show.
_WIDTHS = (5.0, 3.0, 1.4, 1.2, 1.0)
MAX_STAGES = len(_STAGE_COLOURS)


def save_plot(rehearsal: Rehearsal, path: Path) -> None:
    """Draw parts, totals, the zero-variance forecast and the hack probes.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError("a plot", "plot") from None
    stages = rehearsal.stages[:MAX_STAGES]
    parts = stages[0].parts
    columns = max(len(parts), 3)
    figure = Figure(figsize=(3.4 * columns, 8.2), layout="constrained")
    FigureCanvasAgg(figure)
    top, bottom = figure.subfigures(2, 1, squeeze=False, height_ratios=(1, 1.15)).ravel()
    for axes, part in zip(top.subplots(1, len(parts), squeeze=False)[0], parts, strict=True):
        _histogram(axes, [part.spread], [stages[0].name], part.gold_mean)
        axes.set_title(f"{part.name} ({part.type})\nmean {_number(part.spread.mean)}", fontsize=9)
    totals, chances, hacks = bottom.subplots(1, 3, width_ratios=(1, 1, 1.25))
    _histogram(totals, [stage.total for stage in stages], [stage.name for stage in stages], None)
    totals.set_title("total of the rubric, each stage\n(dashed: mean of gold replies)", fontsize=9)
    for stage, colour in zip(stages, _STAGE_COLOURS, strict=False):
        if stage.ceiling is not None:
            totals.axvline(stage.ceiling, color=colour, linestyle="--", linewidth=1)
    _forecasts(chances, stages, rehearsal.num_generations)
    _hacks(hacks, stages)
    figure.suptitle(
        f"{rehearsal.recipe}: {rehearsal.num_completions} completions of "
        f"{rehearsal.num_questions} questions",
        fontsize=11,
        color=_INK,
    )
    figure.savefig(path, dpi=110)


def _histogram(axes: Any, spreads: list[Spread], names: list[str], gold: float | None) -> None:
    """Shares of the completions in bins over the declared range."""
    for spread, name, colour in zip(spreads, names, _STAGE_COLOURS, strict=False):
        width = (spread.high - spread.low) / len(spread.bins) or 1.0
        edges = [spread.low + i * width for i in range(len(spread.bins) + 1)]
        shares = [count / max(spread.num_scored, 1) for count in spread.bins]
        if len(spreads) == 1:
            axes.stairs(shares, edges, fill=True, color=_ACCENT)
        else:
            axes.stairs(shares, edges, color=colour, linewidth=1.6, label=name)
    if len(spreads) > 1:
        axes.legend(fontsize=7, frameon=False)
    if gold is not None:
        axes.axvline(gold, color=_INK, linestyle="--", linewidth=1)
    axes.set_ylabel("share of completions", fontsize=8)
    axes.set_ylim(0, 1.02 if len(spreads) == 1 else None)
    _plain(axes)


def _forecasts(axes: Any, stages: tuple[StageReport, ...], own: int) -> None:
    """Share of zero-variance groups over G, a line a stage."""
    for stage, colour, width in zip(stages, _STAGE_COLOURS, _WIDTHS, strict=False):
        points = [(f.num_generations, f.rate) for f in stage.zero_variance if f.rate is not None]
        if points:
            sizes, rates = zip(*points, strict=True)
            axes.plot(sizes, rates, marker="o", color=colour, linewidth=width, label=stage.name)
    axes.axvline(own, color=_FAINT, linewidth=6, zorder=0)
    ticks = [forecast.num_generations for forecast in stages[0].zero_variance]
    axes.set_xscale("log", base=2)
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.set_ylim(0, 1)
    axes.set_xlabel("G, completions a question (grey: the recipe's)", fontsize=8)
    axes.set_title("groups that would teach nothing\n(equal rewards)", fontsize=9)
    if len(stages) > 1:
        axes.legend(fontsize=7, frameon=False)
    _plain(axes)


def _hacks(axes: Any, stages: tuple[StageReport, ...]) -> None:
    """Each hack's gain over its honest twin at the stage where it is largest."""
    worst: dict[str, HackReport] = {}
    for hack in (hack for stage in stages for hack in stage.hacks):
        if hack.name not in worst or _gain(hack) > _gain(worst[hack.name]):
            worst[hack.name] = hack
    names = list(reversed(worst))
    gains = [_gain(worst[name]) for name in names]
    colours = [_BAD if worst[name].num_paying else _ACCENT for name in names]
    axes.barh(names, gains, color=colours)
    axes.axvline(0, color=_INK, linewidth=0.8)
    axes.set_xlabel("hack minus honest twin, worst stage (red: pays)", fontsize=8)
    axes.set_title("known reward hacks", fontsize=9)
    _plain(axes)


def _gain(hack: HackReport) -> float:
    return hack.score - hack.twin


def _plain(axes: Any) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=7)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
