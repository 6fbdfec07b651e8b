"""Amounts at every size, and recipes that parse once they are filled in."""

from pathlib import Path
from typing import get_args

import pytest

from groundsight.core.errors import UsageError
from groundsight.demo.recipe_files import SFT, grpo_name, recipe_digest, write_recipe
from groundsight.demo.settings import AMOUNTS, SIZES, SPLITS, DemoSettings, DemoSize, DemoTask
from groundsight.demo.stages.curate import FEWEST, PASSES
from groundsight.demo.training import goes_on
from groundsight.prepare.curate import load_curation_recipe
from groundsight.train.recipe import load_grpo_recipe, load_sft_recipe

TASKS = get_args(DemoTask)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("size", get_args(DemoSize))
def test_every_size_has_pictures_for_all_stages(task: DemoTask, size: DemoSize) -> None:
    amounts = DemoSettings(task=task, size=size).amounts
    # A photograph more or less in a split moves its share by about a tenth.
    for split, wanted in (
        ("train", amounts.num_cold + FEWEST),
        ("val", amounts.num_validation // 2),
        ("test", amounts.num_held_out // 2),
    ):
        assert amounts.num_pictures * SPLITS[split] * 0.8 >= wanted, split


def test_a_tenth_is_a_tenth() -> None:
    full = AMOUNTS["grounded_detection"]
    tenth = full.times(SIZES["tenth"])
    assert tenth.grpo_steps == round(full.grpo_steps / 10)
    assert tenth.sft_steps == full.sft_steps  # as many as it takes to learn the format
    assert tenth.picture_px == full.picture_px
    assert tenth.num_held_out >= 40


def test_shares_of_the_photographs_add_up() -> None:
    assert sum(SPLITS.values()) == pytest.approx(1)


def test_the_sft_recipe_parses(tmp_path: Path) -> None:
    base = tmp_path / 'a "quoted" folder'
    path = write_recipe(tmp_path, SFT, steps=30, base=base, train=tmp_path / "x.jsonl", seed=3)
    recipe = load_sft_recipe(path)
    assert (recipe.model.name, recipe.sft.max_steps, recipe.sft.seed) == (str(base), 30, 3)
    assert recipe.sft.save_steps == 7


@pytest.mark.parametrize("task", TASKS)
def test_the_grpo_recipe_parses_and_curates(tmp_path: Path, task: DemoTask) -> None:
    name = grpo_name(DemoSettings(task=task))
    path = write_recipe(
        tmp_path,
        name,
        steps=1,
        start=tmp_path / "m",
        train=tmp_path / "t.jsonl",
        validation=tmp_path / "v.jsonl",
        max_new_tokens=64,
        seed=0,
    )
    recipe = load_grpo_recipe(path)
    assert (recipe.rubric.task, recipe.grpo.save_steps) == (task, 1)
    assert recipe.grpo.share_prefix
    first, *_, last = recipe.points()
    assert first.settings["grounding"]["weight"] == 0.5
    assert last.settings["grounding"]["weight"] == 1.0
    part, pass_at = PASSES[task]
    assert load_curation_recipe(path).settings(part=part, pass_at=pass_at).samples == 8


def test_recipes_have_different_digests() -> None:
    names = [SFT, *(f"grpo_{task}" for task in TASKS)]
    assert len({recipe_digest(name) for name in names}) == len(names)


def test_a_recipe_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot use"):
        write_recipe(tmp_path / "no", SFT, steps=1, base=tmp_path, train=tmp_path, seed=0)


def test_a_run_that_had_not_begun_is_taken_away(tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert not goes_on(run)
    run.mkdir()
    (run / "recipe.json").touch()
    assert not goes_on(run)
    assert not run.exists()
    run.mkdir()
    (run / "versions.json").touch()
    assert goes_on(run)
