"""How a model is spoken to about boxes: the frame of its numbers, and how it writes them."""

from dataclasses import dataclass

from groundsight.replies.regions import Notation
from groundsight.vision.boxes import PX, Boxes
from groundsight.vision.frames import PictureSize, convert, frame_extent, model_frame


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """Frame and notation of the boxes that one model writes.

    Args:
        frame: "xyxy_px", "xyxy_unit" or "xyxy_model:FAMILY".
        min_pixels: of the model's processor, where it is not the family's default.
        max_pixels: likewise.
        notation: how gold replies write boxes; every notation is read, whatever this says.
    """

    frame: str = PX
    min_pixels: int | None = None
    max_pixels: int | None = None
    notation: Notation = "brackets"

    @classmethod
    def of(cls, family: str) -> "Dialect":
        """The dialect of a model family (`vision.frames.FAMILIES`) with its default processor.

        Raises:
            UnknownNameError: no such family.
        """
        return cls(frame=model_frame(family))

    def convert(self, boxes: Boxes, to: str, size: PictureSize) -> Boxes:
        """The same rectangles in another frame, under this model's processor settings."""
        return convert(boxes, to, size, min_pixels=self.min_pixels, max_pixels=self.max_pixels)

    def extent(self, size: PictureSize) -> tuple[float, float]:
        """The numbers that this model gives to a picture's right and bottom edge."""
        budget = {"min_pixels": self.min_pixels, "max_pixels": self.max_pixels}
        return frame_extent(self.frame, size, **budget)


PIXELS = Dialect()
"""Pixels of the original picture, in square brackets."""
