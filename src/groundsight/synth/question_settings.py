"""What a set of multi-image questions is made with; the resolved values lie beside the set."""

from typing import Self

from pydantic import Field, model_validator

from groundsight.core.config import Config
from groundsight.synth.edits import EDITS
from groundsight.synth.questions import QUESTIONS
from groundsight.synth.region import DEFAULT_RANGES, RegionRanges
from groundsight.vision.codecs import FORMATS, Format


class QuestionSettings(Config):
    """Of `groundsight synth questions`."""

    seed: int = 0
    "Root of every stream."
    kinds: tuple[str, ...] = tuple(QUESTIONS)
    "Kinds to draw from, evenly: rows of `QUESTIONS`, or import paths."
    edits: tuple[str, ...] = tuple(EDITS)
    "Operators of difference questions."
    side_rates: tuple[float, float] = DEFAULT_RANGES.side_rates
    "Least and most side of an edit over the picture's side."
    soft_rate: float = DEFAULT_RANGES.soft_rate
    "Share of edits with a soft border."
    size_px: int = Field(default=448, ge=64, le=4096)
    "Longer side of whole pictures."
    most_pictures: int = Field(default=6, ge=2, le=6)
    "Of a question; the fewest are 2."
    unanswerable_rate: float = Field(default=0.1, ge=0, le=1)
    "Share of questions to which the answer is that there is nothing to find."
    formats: tuple[Format, ...] = FORMATS
    "File formats, drawn for each question."
    qualities: tuple[int, int] = (80, 98)
    "Least and most quality of JPEG and WebP, drawn for each question."

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for name in self.kinds:
            QUESTIONS[name]
        for name in self.edits:
            EDITS[name]
        if not self.kinds or not self.edits or not self.formats:
            raise ValueError("name at least one kind, one edit and one format")
        if not 1 <= self.qualities[0] <= self.qualities[1] <= 100:
            raise ValueError(f"qualities run from 1 to 100, got {self.qualities}")
        self.regions()
        return self

    def regions(self) -> RegionRanges:
        """What the places of edits are drawn from."""
        return RegionRanges(side_rates=self.side_rates, soft_rate=self.soft_rate)


DEFAULT_QUESTION_SETTINGS = QuestionSettings()
