"""Accuracy over ε as a picture. Needs matplotlib (extra `plot`), loaded when asked for."""

from pathlib import Path
from typing import Any

from groundsight.bench.attack.records import AttackFigure, AttackFile, AttackSettings
from groundsight.core.errors import MissingExtraError, UsageError
from groundsight.vision.drawing import plain_text

_INK = "#1f2937"
_LINES = (
    ("accuracy", "both classes", "#111827", "-", "o"),
    ("accuracy_real", "real pictures", "#0072b2", "--", "s"),
    ("accuracy_fake", "generated pictures", "#d55e00", "--", "^"),
    ("mean_region_iou", "mean IoU of boxes", "#009e73", ":", "D"),
)


def save_accuracy(found: AttackFile, path: Path) -> None:
    """Draw accuracy, of each class and of both, over ε; IoU of boxes where there are any.

    Raises:
        MissingExtraError: matplotlib is not installed.
        UsageError: the file cannot be written.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError("a plot", "plot") from None
    figure = Figure(figsize=(7.2, 4.4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for name, words, colour, style, marker in _LINES:
        _line(axes, found.figures, name, words, colour, style, marker)
    _band(axes, found.figures)
    _dress(axes, found)
    try:
        figure.savefig(path, dpi=110)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from error


def _line(
    axes: Any, figures: tuple[AttackFigure, ...], name: str, words: str, colour: str, *look: str
) -> None:
    known = [(one.level, getattr(one, name)) for one in figures if getattr(one, name) is not None]
    if known:
        style, marker = look
        axes.plot(*zip(*known, strict=True), style, color=colour, marker=marker, ms=5, label=words)


def _band(axes: Any, figures: tuple[AttackFigure, ...]) -> None:
    levels = [one.level for one in figures]
    lows, highs = zip(*(one.interval for one in figures), strict=True)
    axes.fill_between(levels, lows, highs, color=_INK, alpha=0.12, lw=0, label="95% interval")


def _dress(axes: Any, found: AttackFile) -> None:
    settings = found.settings
    axes.set_xticks([one.level for one in found.figures])
    axes.set_ylim(-0.02, 1.02)
    axes.axhline(0.5, color=_INK, lw=0.6, alpha=0.4)
    axes.set_xlabel("ε: most change of a pixel, in grey levels of 255")
    axes.set_ylabel("after the attack and the codec")
    name = plain_text(str(found.victim.get("name", "")), most=48)
    axes.set_title(
        f"{name} under {settings.method.upper()}, {_codec_words(settings)}; "
        f"{found.num_attacked:,} pictures",
        fontsize=10,
        color=_INK,
    )
    axes.grid(alpha=0.2)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=8, frameon=False, loc="best")


def _codec_words(settings: AttackSettings) -> str:
    known = "" if settings.codec == "png" or settings.through_codec else ", unknown to the attacker"
    return f"{settings.codec}{known}"
