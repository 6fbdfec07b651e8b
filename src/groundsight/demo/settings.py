"""What a demo is made with: the task, how much of everything, and the numbers that learn."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from groundsight.core.config import Config

DemoTask = Literal["grounded_detection", "multi_image_grounding"]
SUITE_OF: dict[DemoTask, str] = {
    "grounded_detection": "explained",
    "multi_image_grounding": "grounding",
}
"What the held-out questions of a task are measured with."
SPLITS = {"train": 0.6, "val": 0.1, "test": 0.3}
"Shares of the photographs; every crop of a photograph is in its split."

DemoSize = Literal["full", "tenth"]
SIZES: dict[DemoSize, float] = {"full": 1.0, "tenth": 0.1}
"Name → factor on every amount. A tenth shows that all fits together; it learns little."


class Amounts(Config):
    """How much is done at size full; a smaller size does less of all of it."""

    num_pictures: int
    "Pictures, or questions, that are made in all; `SPLITS` divides them."
    num_cold: int
    "Of the training part, for the cold start; the rest is the pool that is curated."
    num_pool: int
    "Most questions that rejection sampling asks."
    num_validation: int
    "Questions that GRPO is watched on."
    num_held_out: int
    "Questions of the bench, of photographs that nothing was trained on."
    sft_steps: int
    "Optimizer steps of 16 samples."
    grpo_steps: int
    "Optimizer steps of 16 questions with 8 completions."
    picture_px: int
    "Side of the pictures, which no size changes."
    max_new_tokens: int
    "Longest reply, which no size changes."

    def times(self, factor: float) -> "Amounts":
        """The same at another size; enough is left for the format to be learned."""
        least = {
            "num_pictures": 600,
            "num_cold": 240,
            "num_pool": 48,
            "num_validation": 8,
            "num_held_out": 40,
            "sft_steps": 120,
            "grpo_steps": 10,
        }
        scaled = {}
        for name, low in least.items():
            own: int = getattr(self, name)
            scaled[name] = min(own, max(low, round(own * factor)))
        return self.model_copy(update=scaled)


AMOUNTS: dict[DemoTask, Amounts] = {
    "grounded_detection": Amounts(
        num_pictures=4800,
        num_cold=1600,
        num_pool=960,
        num_validation=40,
        num_held_out=240,
        sft_steps=120,
        grpo_steps=120,
        picture_px=128,
        max_new_tokens=128,
    ),
    "multi_image_grounding": Amounts(
        num_pictures=5000,
        num_cold=2200,
        num_pool=480,
        num_validation=40,
        num_held_out=200,
        sft_steps=360,
        grpo_steps=100,
        picture_px=128,
        max_new_tokens=128,
    ),
}


class DemoSettings(Config):
    """Of one demo."""

    task: DemoTask = "grounded_detection"
    "What the model learns."
    size: DemoSize = "full"
    "How much of everything: `SIZES`."
    seed: int = Field(default=0, ge=0)
    "Root of every random stream; another one is another split of the photographs."
    teacher: str = "rules:brief"
    "Who writes the cold start: as of `groundsight synthesize --teacher`."
    photos: tuple[Path, ...] = ()
    "Real photographs; the demo's own where none is named here."
    base: Path | None = None
    "Model folder to begin with; None: the pretrained one that ships with the package."

    @property
    def amounts(self) -> Amounts:
        """How much is done."""
        return AMOUNTS[self.task].times(SIZES[self.size])
