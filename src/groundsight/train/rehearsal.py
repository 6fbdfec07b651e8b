"""What a rehearsal found, as one JSON object."""

from typing import Literal

from groundsight.core.types import Value
from groundsight.train.forecast import Forecast
from groundsight.train.signs import Signs


class Spread(Value):
    """How scores are spread over their declared range."""

    num_scored: int
    num_unscored: int
    low: float
    "Of the declared range."
    high: float
    mean: float | None
    std: float | None
    "Population; None like `mean` when nothing was scored."
    bins: tuple[int, ...]
    "Counts in ten equal bins from low to high."


class PartReport(Value):
    """One reward part at one stage."""

    name: str
    type: str
    weight: float
    spread: Spread
    gold_mean: float | None
    "What gold replies earn; None when they cannot be scored."
    reason: str | None
    "Why some could not be scored, where there is more to say than that the truth is missing."


class HackReport(Value):
    """One known hack at one stage, means over the probed questions."""

    name: str
    num_questions: int
    score: float
    twin: float
    "What honest answers of the same correctness earn."
    gold: float
    num_paying: int
    "Questions on which the hack earned more than its twin or than gold."
    why: str


class StageReport(Value):
    """One point of the schedule."""

    name: str
    start: float
    "Fraction of the run."
    total: Spread
    ceiling: float | None
    "Mean total of gold replies."
    parts: tuple[PartReport, ...]
    zero_variance: tuple[Forecast, ...]
    hacks: tuple[HackReport, ...]


class Rehearsal(Value):
    """Everything that was found."""

    schema_version: Literal["groundsight.rehearsal/1"] = "groundsight.rehearsal/1"
    recipe: str
    num_generations: int
    "G of the recipe."
    num_questions: int
    num_completions: int
    completions_per_question: tuple[int, float, int]
    "Least, median, most."
    signs: Signs
    stages: tuple[StageReport, ...]
    warnings: tuple[str, ...]
