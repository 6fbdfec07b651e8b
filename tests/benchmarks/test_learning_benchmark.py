import json
from pathlib import Path

import pytest

from benchmarks import learning
from groundsight.curricula.schedules import LinearConfig
from groundsight.train.recipe import GrpoRecipe, SftRecipe, load_recipe


def test_every_stage_has_a_recipe_that_loads(tmp_path: Path) -> None:
    stages = list(learning.stages_of(tmp_path, 3, learning.FULL, {"plain", "many", "two"}))
    assert [stage.name for stage in stages] == [
        "sft-3", "grpo-3", "plain-3",
        "many-sft-3", "many-grpo-3", "many-fixed-3",
        "two-sft-3", "two-grpo-3",
    ]  # fmt: skip
    for stage in stages:
        file = tmp_path / f"{stage.name}.toml"
        file.write_text(stage.recipe, encoding="utf-8")
        recipe = load_recipe(file)
        assert isinstance(recipe, SftRecipe if stage.kind == "sft" else GrpoRecipe)
        if isinstance(recipe, GrpoRecipe):
            assert recipe.grpo.share_prefix == (stage.name != "plain-3")
            grounding = recipe.rubric.rewards[0]
            linear = stage.name in ("grpo-3", "plain-3", "many-grpo-3")
            assert grounding.weight == (0.5 if linear else 1.0)
            assert isinstance(recipe.curriculum.schedule, LinearConfig) == linear


def test_the_summary_is_the_last_point_of_each_seed(tmp_path: Path) -> None:
    point = {"step": 1, "reward": 1.0, "iou": 0.25, "accuracy": None, "parse_rate": 1.0, "boxes": 1}
    later = {**point, "step": 2, "iou": 0.5}
    found = {"two-sft-0": [point], "two-sft-1": [point, later]}
    assert learning.summary(found)["two-sft"]["iou"] == [0.25, 0.5]
    learning.draw(found, tmp_path / "learning.png")
    assert (tmp_path / "learning.png").stat().st_size > 5_000


@pytest.mark.slow
def test_a_few_steps_run_from_start_to_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--out", str(tmp_path), "--seeds", "0", "--smoke", "--two", "--json"]
    assert learning.main(arguments) == 0
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert set(last) == {"sft", "grpo", "two-sft", "two-grpo"}
    again = json.loads((tmp_path / "learning.json").read_text())
    assert learning.main(arguments) == 0
    assert json.loads((tmp_path / "learning.json").read_text()) == again
