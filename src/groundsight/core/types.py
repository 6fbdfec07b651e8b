"""The values that every floor speaks of: labels, verdicts, regions, samples, reasoning.

One polarity everywhere: label 1 = AI-generated, 0 = real; `p_fake` is a probability of 1.
"""

from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from groundsight.core.json_values import Text

Label = Literal[0, 1]
XYXY = tuple[float, float, float, float]


class Verdict(StrEnum):
    """What is said of a picture. The first two are ThinkFake's own words."""

    REAL = "REAL"
    AI_GENERATED = "AI-GENERATED"
    INCONCLUSIVE = "INCONCLUSIVE"

    @classmethod
    def from_label(cls, label: Label) -> "Verdict":
        """1 → AI-GENERATED, 0 → REAL."""
        return cls.AI_GENERATED if label == 1 else cls.REAL


class Value(BaseModel):
    """Base of immutable records that travel to disk; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Document(Value):
    """Base of records that name their schema, under the key `schema`, which pydantic keeps."""

    model_config = ConfigDict(
        validate_by_name=True, validate_by_alias=True, serialize_by_alias=True
    )


class DetailedObservation(Value):
    """Step 2 of the Forgery Reasoning Prompt; None means not examined."""

    texture: Text | None = None
    lighting: Text | None = None
    shadows: Text | None = None
    reflections: Text | None = None
    edges: Text | None = None
    blending: Text | None = None


class TechnicalAnalysis(Value):
    """Step 3: technical analysis and source tracing; None means not examined."""

    structure: Text | None = None
    surfaces: Text | None = None
    edges: Text | None = None
    context: Text | None = None


class SpecialistAnalysis(Value):
    """Step 4: what the three experts say, each a p_fake in [0, 1]; None means no such expert."""

    prob_semantic: float | None = None
    prob_frequency: float | None = None
    prob_dual: float | None = None


class FinalVerdict(Value):
    """Step 5: judgment and conclusion."""

    verdict: Verdict
    reason: Text | None = None


class ForgeryReasoning(Value):
    """ThinkFake's five steps (arXiv 2509.19841); names as in METHODS.md §3."""

    quick_scan: Text | None = None
    detailed_observation: DetailedObservation = DetailedObservation()
    technical_analysis: TechnicalAnalysis = TechnicalAnalysis()
    specialist_analysis: SpecialistAnalysis = SpecialistAnalysis()
    final_verdict: FinalVerdict


class SampleRegion(Value):
    """A known region of one of a sample's pictures."""

    image_index: int = Field(default=0, ge=0)
    "Which picture of the sample, from 0."
    xyxy: XYXY
    "x0, y0, x1, y1 in `frame`."
    frame: Literal["xyxy_px", "xyxy_unit"] = "xyxy_px"
    "`xyxy_px`: pixels of the original picture after EXIF rotation; `xyxy_unit`: 0 to 1."
    description: Text = ""
    "What is wrong, or what is shown, there."


class ImageRef(Value):
    """A picture of a sample, by path; sizes where the source tells them."""

    path: str
    "A file, or the address of a picture in a table (`data.packed`): `val.parquet::12/image_1`."
    width: int | None = Field(default=None, gt=0)
    "Pixels, after EXIF rotation."
    height: int | None = Field(default=None, gt=0)
    "Pixels, after EXIF rotation."


class Sample(Value):
    """One question with its truth, for every task. Immutable; what scores it is built around it."""

    id: str
    images: tuple[ImageRef, ...]
    task: str
    "Name of a row of `tasks.TASKS`."
    question: Text | None = None
    "The instruction, where the task does not fix it."
    label: Label | None = None
    "1 = AI-generated; None where the task has no such truth."
    regions: tuple[SampleRegion, ...] = ()
    tags: tuple[Text, ...] = ()
    "Image-level tags (FakeXplained's C_i)."
    experts: dict[str, float] = Field(default_factory=dict)
    "p_fake by expert, e.g. {'univfd': 0.9, 'npr': 0.7, 'aide': 0.8}."
    generator: str | None = None
    split: str | None = None
    source: str | None = None
    "Data set the sample comes from."
    extra: dict[str, Any] = Field(default_factory=dict)
    "What the source says beyond this, kept as it came."
