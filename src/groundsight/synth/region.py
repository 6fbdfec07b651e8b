"""Where an edit goes: a box of whole pixels, and a shape in it with a hard or a soft border.

    region = draw_region(make_rng(0), (448, 448))
    region.weight        # (h, w) 0 to 1: how much of the new pixels; 0 is outside the shape
    region.crop(rgb)     # the pixels of the box, as a view

The weight falls to 0 inside the box, so that nothing outside the shape ever changes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeVar, cast

import numpy as np
import numpy.typing as npt

from groundsight.core.errors import UsageError
from groundsight.core.seeds import pick
from groundsight.vision.images import RGBArray

FloatMap = npt.NDArray[np.floating[Any]]
Shape = Literal["box", "ellipse", "blob"]
SHAPES: tuple[Shape, ...] = ("box", "ellipse", "blob")
MIN_SIDE_PX = 12
"Smaller regions show nothing that a person could point at."
_TRIES = 30
_S = TypeVar("_S", bound=np.generic)


class PixelBox(NamedTuple):
    """Whole pixels: columns `x0` to `x1`, rows `y0` to `y1`, the last ones not included."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def height(self) -> int:
        """Rows."""
        return self.y1 - self.y0

    @property
    def width(self) -> int:
        """Columns."""
        return self.x1 - self.x0

    @property
    def area(self) -> int:
        """Pixels."""
        return self.height * self.width

    @property
    def xyxy(self) -> tuple[float, float, float, float]:
        """As `core.types.XYXY`."""
        return float(self.x0), float(self.y0), float(self.x1), float(self.y1)

    def crop(self, pixels: npt.NDArray[_S]) -> npt.NDArray[_S]:
        """The part of an (H, W, …) array that lies in the box, as a view."""
        return pixels[self.y0 : self.y1, self.x0 : self.x1]

    def grown(self, by: int, height: int, width: int) -> "PixelBox":
        """The box with a margin, cut where the picture ends."""
        return PixelBox(
            max(self.x0 - by, 0),
            max(self.y0 - by, 0),
            min(self.x1 + by, width),
            min(self.y1 + by, height),
        )

    def meets(self, other: "PixelBox", gap: int = 0) -> bool:
        """Whether fewer than `gap` pixels, or none, lie between the two."""
        apart_x = self.x1 + gap <= other.x0 or other.x1 + gap <= self.x0
        apart_y = self.y1 + gap <= other.y0 or other.y1 + gap <= self.y0
        return not (apart_x or apart_y)


@dataclass(frozen=True, eq=False, kw_only=True)
class EditRegion:
    """One place to be edited.

    Args:
        box: of the shape.
        weight: (h, w) float32 of the box, in [0, 1].
        shape: of the border.
        feather_px: width of the soft border, 0 for a hard one.
    """

    box: PixelBox
    weight: FloatMap = field(repr=False)
    shape: Shape = "box"
    feather_px: float = 0.0

    @property
    def mask(self) -> npt.NDArray[np.bool_]:
        """(h, w) of the box: where something may change."""
        return self.weight > 0

    def crop(self, rgb: RGBArray) -> RGBArray:
        """The pixels of the box, as a view."""
        return self.box.crop(rgb)


@dataclass(frozen=True, kw_only=True)
class RegionRanges:
    """What regions are drawn from.

    Args:
        side_rates: least and most side of the box over the picture's side, in (0, 1].
        shapes: drawn from evenly.
        soft_rate: share of regions with a soft border.
        feather_rates: least and most width of a soft border over the region's shorter side.
    """

    side_rates: tuple[float, float] = (0.15, 0.45)
    shapes: tuple[Shape, ...] = SHAPES
    soft_rate: float = 0.5
    feather_rates: tuple[float, float] = (0.05, 0.25)

    def __post_init__(self) -> None:
        for name, (low, high) in (("side", self.side_rates), ("feather", self.feather_rates)):
            if not 0 < low <= high <= 1:
                text = f"{name} rates must be 0 < least <= most <= 1, got {low:g} and {high:g}"
                raise UsageError(text)
        if not 0 <= self.soft_rate <= 1 or not self.shapes or set(self.shapes) - set(SHAPES):
            raise UsageError(
                f"regions need a soft rate of 0 to 1 and shapes of {', '.join(SHAPES)}; got "
                f"{self.soft_rate:g} and {', '.join(self.shapes) or 'no shape'}"
            )


DEFAULT_RANGES = RegionRanges()


def draw_place(rng: np.random.Generator, rgb: RGBArray, box: PixelBox) -> PixelBox:
    """A box of the same size anywhere in a picture, which it must fit in."""
    y = int(rng.integers(0, rgb.shape[0] - box.height + 1))
    x = int(rng.integers(0, rgb.shape[1] - box.width + 1))
    return PixelBox(x, y, x + box.width, y + box.height)


def draw_region(
    rng: np.random.Generator,
    size: tuple[int, int],
    *,
    ranges: RegionRanges = DEFAULT_RANGES,
    taken: Sequence[PixelBox] = (),
) -> EditRegion | None:
    """Draw a region that keeps clear of those that are taken.

    Args:
        rng: draws everything.
        size: height and width of the picture, pixels.
        ranges: sizes, shapes and borders.
        taken: boxes of earlier regions; at least 4 pixels stay between.

    Returns:
        None when the picture is too small or too full.
    """
    for _ in range(_TRIES):
        box = _draw_box(rng, size, ranges.side_rates)
        if box is not None and not any(box.meets(other, gap=4) for other in taken):
            break
    else:
        return None
    shape: Shape = pick(rng, ranges.shapes)
    feather = 0.0
    if rng.random() < ranges.soft_rate:
        feather = float(rng.uniform(*ranges.feather_rates)) * min(box.height, box.width)
    weight = _weight(box, shape, feather, rng)
    return EditRegion(box=box, weight=weight, shape=shape, feather_px=round(feather, 2))


def box_region(box: PixelBox, *, feather_px: float = 0.0) -> EditRegion:
    """A rectangle at a place that is known already."""
    weight = _soft(_depth_of_box(box), feather_px)
    return EditRegion(box=box, weight=weight, feather_px=feather_px)


def _draw_box(
    rng: np.random.Generator, size: tuple[int, int], rates: tuple[float, float]
) -> PixelBox | None:
    height, width = (max(MIN_SIDE_PX, round(side * float(rng.uniform(*rates)))) for side in size)
    if height > size[0] or width > size[1]:
        return None
    y0 = int(rng.integers(0, size[0] - height + 1))
    x0 = int(rng.integers(0, size[1] - width + 1))
    return PixelBox(x0, y0, x0 + width, y0 + height)


def _weight(box: PixelBox, shape: Shape, feather_px: float, rng: np.random.Generator) -> FloatMap:
    if shape == "box":
        return _soft(_depth_of_box(box), feather_px)
    return _soft(_depth_of_blob(box, 0.0 if shape == "ellipse" else 0.16, rng), feather_px)


def _soft(depth: FloatMap, feather_px: float) -> FloatMap:
    """Depth below the border in pixels → weight; 0 on the border, 1 a feather below it."""
    if feather_px <= 0:
        return (depth > 0).astype(np.float32)
    return cast(FloatMap, np.clip(depth / feather_px, 0, 1).astype(np.float32))


def _depth_of_box(box: PixelBox) -> FloatMap:
    rows, columns = (
        np.minimum(np.arange(side) + 0.5, side - np.arange(side) - 0.5)
        for side in (box.height, box.width)
    )
    return cast(FloatMap, np.minimum(rows[:, None], columns[None, :]).astype(np.float32))


def _depth_of_blob(box: PixelBox, wobble: float, rng: np.random.Generator) -> FloatMap:
    """Depth below the outline r(θ) = 1 - wobble·(1 + waves) of a wobbly ellipse in the box."""
    y = (np.arange(box.height, dtype=np.float32) + 0.5) * 2 / box.height - 1
    x = (np.arange(box.width, dtype=np.float32) + 0.5) * 2 / box.width - 1
    radius = np.hypot(y[:, None], x[None, :])
    waves = np.zeros_like(radius)
    if wobble:
        angle = np.arctan2(y[:, None], x[None, :])
        for n in (2, 3, 4, 5):
            height, phase = float(rng.uniform(-1, 1)) / (n - 1), float(rng.uniform(0, 2 * np.pi))
            waves += height * np.cos(n * angle + phase)
    outline = 1 - wobble * (1 + np.clip(waves, -1, 1))
    return np.asarray((outline - radius) * (min(box.height, box.width) / 2), dtype=np.float32)
