"""The file that verl loads by path: one function with verl's signature.

custom_reward_function:
path: .../groundsight/rewards/verl_reward.py
name: compute_score
reward_kwargs: {recipe: recipes/thinkfake_r1.toml}
"""

from functools import lru_cache
from pathlib import Path
from typing import Any

from groundsight.rewards.adapters import verl_score
from groundsight.rewards.rubric import Rubric, load_rubric


def compute_score(
    data_source: str,
    solution_str: str,
    ground_truth: Any,
    extra_info: dict[str, Any] | None = None,
    *,
    recipe: str,
    **_: Any,
) -> dict[str, float]:
    """Score one reply.

    Args:
        data_source: not used; one recipe scores all of them.
        solution_str: the reply.
        ground_truth: the Sample as JSON or dict (`reward_model.ground_truth` of verl's parquet).
        extra_info: not used.
        recipe: a TOML file with a `[rubric]` section.

    Returns:
        `score`, and every scored part by name.

    Raises:
        UsageError: the recipe or the sample does not fit, or nothing could be scored.
    """
    return verl_score(_rubric(recipe), solution_str, ground_truth)


@lru_cache(maxsize=8)
def _rubric(recipe: str) -> Rubric:
    return load_rubric(Path(recipe))
