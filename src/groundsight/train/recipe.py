"""The schema of a recipe: one TOML file, one run.

    recipe = load_recipe(Path("recipes/fakexplained_linear.toml"), ["grpo.num_generations=8"])

Each section stands by itself; `[rubric]` and `[curriculum]` are all that rehearsal needs. No torch.
"""

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field, model_validator

from groundsight.core.config import Config, load_config
from groundsight.core.errors import ConfigError
from groundsight.curricula.base import PartConfig
from groundsight.curricula.curriculum import Curriculum, CurriculumConfig
from groundsight.curricula.difficulty_pool import DifficultyPoolConfig
from groundsight.curricula.group_weights import DifficultyWeightConfig
from groundsight.curricula.schedules import Point, StagedConfig
from groundsight.rewards.rubric import Rubric, RubricConfig


class GrpoSection(Config):
    """The `[grpo]` section: how groups are made."""

    num_generations: int = Field(ge=2)
    "G, completions a question."
    epochs: float = Field(gt=0)
    "Passes over the questions; with a staged schedule the sum of its stages."


class Recipe(Config):
    """A whole recipe."""

    name: str
    "Of the run; the file's name without its ending."
    source: str
    "Paper and table or section that the numbers are from."
    grpo: GrpoSection
    rubric: RubricConfig
    curriculum: CurriculumConfig = CurriculumConfig()

    @model_validator(mode="after")
    def _sections_fit(self) -> "Recipe":
        try:
            self._check_settings()
        except ConfigError as error:
            raise ValueError(str(error)) from None
        self._check_reward_names()
        schedule = self.curriculum.schedule
        if isinstance(schedule, StagedConfig):
            total = sum(stage.epochs for stage in schedule.stages)
            if abs(total - self.grpo.epochs) > 1e-9:
                told = f"{self.grpo.epochs:g}"
                raise ValueError(f"the stages last {total:g} epochs, but grpo.epochs is {told}")
        return self

    def _check_settings(self) -> None:
        """Every stage's weights and parameters must be ones that the rubric takes."""
        rubric = Rubric(self.rubric)
        for point in self.points():
            rubric.with_settings(point.settings)

    def _check_reward_names(self) -> None:
        names = [entry.name for entry in self.rubric.rewards]
        for part in (self.curriculum.sampler, self.curriculum.group_weight):
            wanted = _looks_at(part)
            if wanted is not None and wanted not in names:
                raise ValueError(
                    f"curriculum: reward {wanted!r} is not in the rubric, which has: "
                    f"{', '.join(names)}"
                )

    def points(self) -> list[Point]:
        """The points of the run where the reward settings are new."""
        return Curriculum.build(self.curriculum).schedule.points()


def load_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read and check a recipe.

    Args:
        path: a TOML file.
        overrides: "dotted.path=value".

    Raises:
        ConfigError: no such file, bad TOML, unknown keys, or sections that do not fit together.
    """
    return load_config(Recipe, path, overrides)


def _looks_at(part: PartConfig) -> str | None:
    if isinstance(part, DifficultyPoolConfig | DifficultyWeightConfig):
        return part.reward
    return None
