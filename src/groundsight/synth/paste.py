"""A region of one picture pasted into another, with the box where it went.

rgb, box = paste_region(photo, generated, make_rng(0, "paste", "0001.jpg"))

No blending of colours: what is pasted keeps its own pixels, at their own resolution, so that the
only thing a detector can find is what the pixels say and the seam. `feather_px` softens the seam.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from groundsight.core.errors import UsageError
from groundsight.core.types import XYXY
from groundsight.vision.images import RGBArray

MIN_SIDE_RATE = 0.2
MAX_SIDE_RATE = 0.5


class Pasted(NamedTuple):
    """The composite and its truth."""

    rgb: RGBArray
    "(H, W, 3), as large as the photo."
    xyxy_px: XYXY
    "Whole pixels of the composite: inside, at least half of each pixel is the donor's."


class _Span(NamedTuple):
    """One axis of a paste: where the box lies in the photo, and where it comes from."""

    start: int
    stop: int
    donor_start: int


def paste_region(
    photo: RGBArray,
    donor: RGBArray,
    rng: np.random.Generator,
    *,
    min_side_rate: float = MIN_SIDE_RATE,
    max_side_rate: float = MAX_SIDE_RATE,
    feather_px: int = 0,
) -> Pasted:
    """Paste a random rectangle of `donor` somewhere into `photo`.

    Args:
        photo: (H, W, 3) uint8; not changed.
        donor: (h, w, 3) uint8; where it is smaller than the drawn box, the box shrinks to it.
        rng: draws the box's sides, its place, and the place it is taken from.
        min_side_rate: shortest side of the box over the photo's side, in (0, 1].
        max_side_rate: longest, at least `min_side_rate`.
        feather_px: width of the ramp from photo to donor, centred on the edges of the box;
            0 is a hard edge.

    Returns:
        The composite and the box; the same inputs and generator state give the same two.

    Raises:
        UsageError: not such arrays, rates or feather.
    """
    _check(photo, donor, min_side_rate, max_side_rate, feather_px)
    rates = (min_side_rate, max_side_rate)
    y, x = (_draw_span(photo.shape[i], donor.shape[i], rates, rng) for i in (0, 1))
    weight_y = _ramp(photo.shape[0], donor.shape[0], y, feather_px)
    weight_x = _ramp(photo.shape[1], donor.shape[1], x, feather_px)
    weight = np.minimum.outer(weight_y, weight_x)[..., None]
    shifted = _shifted(donor, photo.shape[:2], y, x)
    mixed = weight * shifted + (1 - weight) * photo
    rgb = np.floor(mixed + 0.5).astype(np.uint8)
    return Pasted(rgb, (x.start, y.start, x.stop, y.stop))


def _draw_span(
    side: int, donor_side: int, rates: tuple[float, float], rng: np.random.Generator
) -> _Span:
    length = max(1, min(round(side * float(rng.uniform(*rates))), side, donor_side))
    start = int(rng.integers(0, side - length + 1))
    donor_start = int(rng.integers(0, donor_side - length + 1))
    return _Span(start, start + length, donor_start)


def _ramp(side: int, donor_side: int, span: _Span, feather_px: int) -> npt.NDArray[np.float64]:
    """(side,) the donor's share along one axis: 1 inside, 0 outside, half on the box's edge."""
    centre = np.arange(side) + 0.5
    depth = np.minimum(centre - span.start, span.stop - centre)
    share = np.clip(0.5 + depth / feather_px, 0, 1) if feather_px else (depth > 0).astype(float)
    offset = span.donor_start - span.start
    has_donor = (np.arange(side) + offset >= 0) & (np.arange(side) + offset < donor_side)
    return np.where(has_donor, share, 0.0)


def _shifted(donor: RGBArray, shape: tuple[int, ...], y: _Span, x: _Span) -> RGBArray:
    """(H, W, 3) the donor laid so that its region meets the box; its edge pixels go on outside."""
    rows, columns = (
        np.clip(np.arange(side) + span.donor_start - span.start, 0, limit - 1)
        for side, span, limit in zip(shape, (y, x), donor.shape, strict=False)
    )
    return donor[rows[:, None], columns[None, :]]


def _check(photo: RGBArray, donor: RGBArray, low: float, high: float, feather_px: int) -> None:
    for name, rgb in (("photo", photo), ("donor", donor)):
        if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or rgb.size == 0:
            raise UsageError(f"the {name} must be (H, W, 3) uint8, got {rgb.dtype} {rgb.shape}")
    if not 0 < low <= high <= 1:
        raise UsageError(f"side rates must be 0 < smallest <= largest <= 1, got {low} and {high}")
    if feather_px < 0:
        raise UsageError(f"feather_px must be 0 or more, got {feather_px}")
