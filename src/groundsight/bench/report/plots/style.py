"""What all plots of a report share: colours, canvas, axes."""

from typing import Any

from groundsight.bench.report.naming import heading, is_count, is_share
from groundsight.core.errors import MissingExtraError

INK, SOFT, GRID = "#1f2937", "#6b7280", "#e5e7eb"
# Okabe and Ito's palette: told apart by people with the common colour blindnesses.
PALE, BLUE, ORANGE, GREEN, RED = "#b8d8ec", "#0072b2", "#e69f00", "#009e73", "#d55e00"
LABEL_WORDS = {0: "real", 1: "AI-generated"}


def new_figure(width: float, height: float) -> Any:
    """An empty figure of that size in inches, drawn without a screen.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError("a plot", "bench") from None
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def axis_value(value: float, name: str) -> float:
    """Where a figure's value lies on its axis: shares in per cent."""
    return 100 * value if is_share(name) else value


def unit_words(name: str) -> str:
    """The label of a figure's axis."""
    return f"{heading(name)} (%)" if is_share(name) else heading(name)


def axis_end(name: str, largest: float) -> float:
    """The end of the axis: 100 % or 1 of a share, else what is needed."""
    if is_count(name):
        return largest
    return 100.0 if is_share(name) else 1.0


def literal(text: str) -> str:
    """Text that matplotlib draws as it is."""
    return text.replace("$", r"\$")  # matplotlib reads dollars as mathematics


def set_title(axes: Any, text: str) -> None:
    """Above the axes, on the left."""
    axes.set_title(text, fontsize=9, color=INK, loc="left")


def make_plain(axes: Any, *, grid: str) -> None:
    """Without a frame, with faint lines along `grid` ("x", "y" or "both")."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=7.5)
    axes.grid(axis=grid, color=GRID, linewidth=0.7, zorder=0)
    axes.set_axisbelow(True)
