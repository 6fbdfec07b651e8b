"""Where the pixels of a changed picture lie in the original, and where its boxes went.

placed = Placement.of(PictureSize(400, 300)).cropped((100, 0, 400, 300)).resized((150, 150))
placed.boxes(Boxes.px([[200, 100, 300, 200]]))     # [[50, 50, 100, 100]]
"""

from dataclasses import dataclass

import numpy as np

from groundsight.core.types import XYXY
from groundsight.vision.boxes import PX, Boxes, FloatArray, areas
from groundsight.vision.frames import PictureSize, convert


@dataclass(frozen=True)
class Placement:
    """A window of the original, shown at a size.

    Args:
        original: size of the original picture.
        window: what is still shown of it, in its pixels.
        size: of the changed picture.
    """

    original: PictureSize
    window: XYXY
    size: PictureSize

    @classmethod
    def of(cls, original: PictureSize) -> "Placement":
        """The picture as it is."""
        return cls(original, (0.0, 0.0, float(original.width), float(original.height)), original)

    @property
    def is_whole(self) -> bool:
        """Whether all of the original is still shown."""
        return self.window == Placement.of(self.original).window

    def resized(self, size: tuple[int, int]) -> "Placement":
        """The same window at another size."""
        return Placement(self.original, self.window, PictureSize(*size))

    def cropped(self, window_px: tuple[int, int, int, int]) -> "Placement":
        """What a crop of the changed picture leaves.

        Args:
            window_px: pixels of the changed picture.
        """
        x0, y0 = self.window[:2]
        x_scale, y_scale = self._original_per_shown()
        left, top, right, bottom = window_px
        window = (
            *(x0 + left * x_scale, y0 + top * y_scale),
            *(x0 + right * x_scale, y0 + bottom * y_scale),
        )
        return Placement(self.original, window, PictureSize(right - left, bottom - top))

    def boxes(self, boxes: Boxes) -> Boxes:
        """Where boxes of the original lie in the changed picture; neither cut nor left out.

        Args:
            boxes: N of the original, in any frame.

        Returns:
            N boxes in pixels of the changed picture.
        """
        xyxy = convert(boxes, PX, self.original).xyxy
        x_scale, y_scale = self._original_per_shown()
        corner = np.array([self.window[0], self.window[1]] * 2)
        return Boxes((xyxy - corner) / np.array([x_scale, y_scale] * 2), PX)

    def visible_rates(self, boxes: Boxes) -> FloatArray:
        """(N,) share of each box's area that is still shown, in [0, 1]; 0 for a box of no area."""
        moved = self.boxes(boxes.ordered())
        whole, shown = areas(moved), areas(moved.clipped(*self.size))
        rates: FloatArray = np.divide(shown, whole, out=np.zeros_like(whole), where=whole > 0)
        return rates

    def _original_per_shown(self) -> tuple[float, float]:
        x0, y0, x1, y1 = self.window
        return (x1 - x0) / self.size.width, (y1 - y0) / self.size.height
