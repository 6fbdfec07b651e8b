"""What a set of edited photographs is made with; the resolved values lie beside the set."""

from typing import Literal, Self

from pydantic import Field, model_validator

from groundsight.core.config import Config
from groundsight.synth.edits import EDITS
from groundsight.synth.photos import check_splits
from groundsight.synth.region import SHAPES, RegionRanges, Shape
from groundsight.vision.codecs import FORMATS, Format

Twins = Literal["pairs", "disjoint"]


class EditSettings(Config):
    """Of `groundsight synth edits`."""

    seed: int = 0
    "Root of every stream: photographs, crops, codecs, edits, splits."
    edits: tuple[str, ...] = tuple(EDITS)
    "Operators to draw from: rows of `EDITS`, or import paths."
    most_edits: int = Field(default=2, ge=1, le=8)
    "An edited picture has 1 to this many edits."
    twins: Twins = "disjoint"
    "`pairs`: both the crop and its edited twin are in the set; `disjoint`: one of the two."
    task: Literal["grounded_detection", "forgery_reasoning"] = "grounded_detection"
    "Of the samples."
    size_px: int = Field(default=448, ge=64, le=4096)
    "Longer side of every picture."
    max_aspect: float = Field(default=1.0, ge=1, le=4)
    "Longer over shorter side, drawn from 1 to this for each pair; 1 is square."
    min_crop_rate: float = Field(default=0.5, gt=0, le=1)
    "Smallest crop over the largest that fits."
    mirror: bool = True
    "Mirror every second crop."
    crops_per_photo: int = Field(default=1, ge=1)
    "Crops of a photograph in a row before the next one; more saves decoding large photographs."
    formats: tuple[Format, ...] = FORMATS
    "File formats, drawn for each pair."
    qualities: tuple[int, int] = (70, 98)
    "Least and most quality of JPEG and WebP, drawn for each pair."
    splits: dict[str, float] = Field(default={"train": 0.8, "val": 0.1, "test": 0.1})
    "Name → share of the photographs; empty: one file without splits."
    side_rates: tuple[float, float] = (0.15, 0.45)
    "Least and most side of a region over the picture's side."
    soft_rate: float = 0.5
    "Share of regions with a soft border."
    shapes: tuple[Shape, ...] = SHAPES
    "Outlines of regions, drawn evenly."

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for name in self.edits:
            EDITS[name]
        if not self.edits or not self.formats:
            raise ValueError("name at least one edit and one format")
        if not 1 <= self.qualities[0] <= self.qualities[1] <= 100:
            raise ValueError(f"qualities run from 1 to 100, got {self.qualities}")
        check_splits(self.splits)
        self.regions()
        return self

    def regions(self) -> RegionRanges:
        """What regions are drawn from."""
        return RegionRanges(
            side_rates=self.side_rates, soft_rate=self.soft_rate, shapes=self.shapes
        )


DEFAULT_SETTINGS = EditSettings()
