"""The table of perturbations: families, their levels, and how each is made.

Social chains stand for what uploads do in general: a longest side, then JPEG with chroma 4:2:0.
Their numbers are round ones from the range that users and forensic papers report (sides of 1080 to
2048 pixels, qualities of 70 to 85), no service's own:

| level | chain |
|---|---|
| network | longest side 2048 → JPEG 85 |
| messenger | longest side 1600 → JPEG 75 |
| feed | longest side 1080 → JPEG 75 |
| reshared | messenger → feed |
| captured | network → screenshot (PNG) → messenger |
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from PIL import Image

from groundsight.core.errors import UnknownNameError
from groundsight.core.table import Table
from groundsight.vision.codecs import Codec, recode
from groundsight.vision.perturbations import steps
from groundsight.vision.perturbations.placement import Placement

PNG = Codec(format="png")
GRID_PX = 8
"Of JPEG's blocks, which a screenshot seldom hits."
SCREEN_FACTORS = (0.6, 1.3)
MAX_PIXELS = 60_000_000
"That an enlarged picture has at most."
ALL = "all"


@dataclass(frozen=True, eq=False)
class Shown:
    """A picture on its way, and where it lies in the original."""

    image: Image.Image
    placement: Placement

    def resized(self, image: Image.Image) -> "Shown":
        """All of it at another size, or with other pixels."""
        return Shown(image, self.placement.resized(image.size))

    def cropped(self, window_px: tuple[int, int, int, int]) -> "Shown":
        """A part of it."""
        return Shown(self.image.crop(window_px), self.placement.cropped(window_px))


Step: TypeAlias = Callable[[Shown, np.random.Generator], Shown]


@dataclass(frozen=True, kw_only=True)
class Perturbation:
    """One level of one family.

    Args:
        name: "jpeg-75": family and level; how a user asks for it.
        family: curves run along one.
        level: as it is written on the axis of a curve.
        severity: its place in the family, 1 = mildest.
        steps: done in order.
        saved: the codec of the file that comes out.
        cuts: whether parts of the picture may go missing.
    """

    name: str
    family: str
    level: str
    severity: int = 0
    steps: tuple[Step, ...] = ()
    saved: Codec = PNG
    cuts: bool = False


def chosen_perturbations(names: Sequence[str]) -> tuple[str, ...]:
    """Rows of `PERTURBATIONS` from what a user asks for, each once, in the order asked for.

    Args:
        names: of rows, of families ("jpeg": all its levels), or "all".

    Raises:
        UnknownNameError: neither.
    """
    chosen: dict[str, None] = {}
    for name in names:
        if name == ALL:
            rows: Sequence[str] = tuple(PERTURBATIONS)
        elif name in FAMILIES:
            rows = FAMILIES[name]
        elif name in PERTURBATIONS:
            rows = (name,)
        else:
            raise UnknownNameError("perturbation", name, [ALL, *FAMILIES, *PERTURBATIONS])
        chosen.update(dict.fromkeys(rows))
    return tuple(chosen)


def _jpeg(quality: int) -> Codec:
    return Codec(format="jpeg", quality=quality, subsampling="4:2:0")


def _webp(quality: int) -> Codec:
    return Codec(format="webp", quality=quality)


def _pixels(change: Callable[[Image.Image, np.random.Generator], Image.Image]) -> Step:
    """A change of pixels that leaves them where they are."""
    return lambda shown, rng: shown.resized(change(shown.image, rng))


def _resized(factor: float) -> Step:
    bicubic = Image.Resampling.BICUBIC
    return _pixels(lambda image, _: steps.scaled(image, _allowed(image, factor), bicubic))


def _allowed(image: Image.Image, factor: float) -> float:
    """The factor, or as much as a large picture may still grow; it never shrinks for that."""
    most = math.sqrt(MAX_PIXELS / (image.width * image.height))
    return min(factor, max(most, 1.0))


def _uploaded(max_side: int, quality: int) -> Step:
    codec = _jpeg(quality)
    return _pixels(lambda image, _: recode(steps.bounded(image, max_side), codec))


def _cropped(side_rate: float) -> Step:
    def step(shown: Shown, rng: np.random.Generator) -> Shown:
        x_rate, y_rate = (float(rate) for rate in rng.random(2))
        size = shown.image.size
        return shown.cropped(steps.crop_window(size, side_rate, x_rate, y_rate))

    return step


def _captured(shown: Shown, rng: np.random.Generator) -> Shown:
    """Shown at another size and cut a few pixels off its grid, as a screenshot does."""
    factor = _allowed(shown.image, float(rng.uniform(*SCREEN_FACTORS)))
    seen = shown.resized(steps.screen_scaled(shown.image, factor, rng))
    x, y = (int(offset) for offset in rng.integers(0, GRID_PX, 2))
    # A picture of a few pixels keeps at least one.
    x, y = min(x, seen.image.width - 1), min(y, seen.image.height - 1)
    return seen.cropped((x, y, seen.image.width, seen.image.height))


def _family(name: str, levels: Sequence[Perturbation]) -> list[Perturbation]:
    return [replace(level, severity=place) for place, level in enumerate(levels, 1)]


def _row(
    family: str, level: object, *done: Step, saved: Codec = PNG, cuts: bool = False
) -> Perturbation:
    return Perturbation(
        name=f"{family}-{level}",
        family=family,
        level=str(level),
        steps=done,
        saved=saved,
        cuts=cuts,
    )


def _noisy(sigma: float) -> Step:
    return _pixels(lambda image, rng: steps.with_noise(image, sigma, rng))


def _blurred(sigma: float) -> Step:
    return _pixels(lambda image, _: steps.blurred(image, sigma))


def _brightened(factor: float) -> Step:
    return _pixels(lambda image, _: steps.brightened(image, factor))


_LADDERS: dict[str, list[Perturbation]] = {
    "jpeg": [_row("jpeg", q, saved=_jpeg(q)) for q in (95, 90, 80, 75, 70, 60, 50)],
    "webp": [_row("webp", q, saved=_webp(q)) for q in (90, 80, 70, 50)],
    "resize": [_row("resize", f, _resized(f)) for f in (0.75, 0.5, 0.25)],
    "enlarge": [_row("enlarge", f, _resized(f)) for f in (1.5, 2)],
    "crop": [_row("crop", r, _cropped(r), cuts=True) for r in (0.9, 0.75, 0.5)],
    "blur": [_row("blur", s, _blurred(s)) for s in (0.5, 1, 2, 3)],
    "noise": [_row("noise", s, _noisy(s)) for s in (2, 5, 10, 20)],
    "darken": [_row("darken", f, _brightened(f)) for f in (0.75, 0.5, 0.25)],
    "brighten": [_row("brighten", f, _brightened(f)) for f in (1.25, 1.5, 2)],
    "screenshot": [
        _row("screenshot", "png", _captured, cuts=True),
        _row("screenshot", "jpeg-75", _captured, saved=_jpeg(75), cuts=True),
        _row("screenshot", "webp-75", _captured, saved=_webp(75), cuts=True),
    ],
    "social": [
        _row("social", "network", _pixels(lambda i, _: steps.bounded(i, 2048)), saved=_jpeg(85)),
        _row("social", "messenger", _pixels(lambda i, _: steps.bounded(i, 1600)), saved=_jpeg(75)),
        _row("social", "feed", _pixels(lambda i, _: steps.bounded(i, 1080)), saved=_jpeg(75)),
        _row(
            "social",
            "reshared",
            _uploaded(1600, 75),
            _pixels(lambda i, _: steps.bounded(i, 1080)),
            saved=_jpeg(75),
        ),
        _row(
            "social",
            "captured",
            _uploaded(2048, 85),
            _captured,
            _pixels(lambda i, _: steps.bounded(i, 1600)),
            saved=_jpeg(75),
            cuts=True,
        ),
    ],
}
_ROWS = [row for name, levels in _LADDERS.items() for row in _family(name, levels)]
PERTURBATIONS: Table[Perturbation] = Table("perturbation", {row.name: row for row in _ROWS})
FAMILIES: dict[str, tuple[str, ...]] = {
    name: tuple(level.name for level in levels) for name, levels in _LADDERS.items()
}
"Names of a family's rows, mild to harsh."
