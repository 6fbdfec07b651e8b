"""What `ground` hands up: which picture, and where in it. One JSON object a question."""

from typing import Literal

from pydantic import Field

from groundsight.core.json_values import Text
from groundsight.core.report import EngineInfo, ImageInfo, Problem, Region
from groundsight.core.types import Document

SCHEMA: Literal["groundsight.grounding/1"] = "groundsight.grounding/1"
# A box that the answer holds and no picture can show.
LOST_BOXES = frozenset(
    {"wrong_image_index", "no_image_index", "empty_box", "outside_picture", "several_boxes"}
)


class Grounding(Document):
    """The answer to one instruction over several pictures."""

    schema_: Literal["groundsight.grounding/1"] = Field(default=SCHEMA, alias="schema")
    instruction: Text
    images: tuple[ImageInfo, ...]
    "In the order given; `image_index` of a region counts them from 0."
    regions: tuple[Region, ...] = ()
    "One, where all is well; boxes in pixels of their own picture after EXIF rotation."
    nothing_found: bool = False
    "The model says that no picture shows what is asked for."
    think: Text | None = None
    "The model's reasoning, as it wrote it."
    raw: Text | None = None
    "The whole reply."
    engine: EngineInfo
    problems: tuple[Problem, ...] = ()
    timing_s: float = Field(ge=0)
    "Wall seconds, reading the pictures included."

    @property
    def is_answered(self) -> bool:
        """Whether there is one box in one picture, or the word that there is nothing to find."""
        lost = not LOST_BOXES.isdisjoint(problem.code for problem in self.problems)
        return self.nothing_found or (len(self.regions) == 1 and not lost)
