"""The small parts of a GRPO run: rounds, packing, scores, outcomes, clock, settings."""

import math
import time
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.train.grpo.toy_run import make_recipe

from groundsight.core.config import validate_config
from groundsight.core.errors import UsageError
from groundsight.core.types import ImageRef, Sample
from groundsight.curricula.curriculum import Curriculum, CurriculumConfig
from groundsight.models.nano import build_nano
from groundsight.models.nano_size import TOY
from groundsight.replies.dialect import Dialect
from groundsight.rewards.rubric import Rubric, RubricConfig
from groundsight.train.grpo.outcomes import factors, outcomes
from groundsight.train.grpo.packing import ActiveRows, live_rows, pack_rows
from groundsight.train.grpo.questions import EncodedPrompt
from groundsight.train.grpo.rounds import (
    PROMPT_OF_ROW,
    PROMPTS,
    Round,
    pack_batch,
    split_round,
    unpack_batch,
)
from groundsight.train.grpo.run import closing_tag
from groundsight.train.grpo.scoring import RubricScorer
from groundsight.train.grpo.settings import check_trl, trl_settings
from groundsight.train.grpo.sharing import drawing_weights, zero_of
from groundsight.train.grpo.stopwatch import Stopwatch, shares
from groundsight.train.recipe.steps import plan_steps

SAMPLE = Sample(
    id="a", images=(ImageRef(path="a.png", width=40, height=20),), task="grounded_detection"
)
NAN = math.nan


def make_prompt(name: str, length: int = 2) -> EncodedPrompt:
    return EncodedPrompt(
        id=name,
        input_ids=torch.arange(length),
        pixel_values=torch.zeros(4, 3),
        image_grid_thw=torch.tensor([[1, 2, 2]]),
        mm_token_type_ids=torch.zeros(length, dtype=torch.long),
    )


def make_scorer(*rewards: dict[str, Any], family: str | None = "qwen2_5_vl") -> RubricScorer:
    tree = {"task": "grounded_detection", "family": family, "rewards": list(rewards)}
    rubric = Rubric(validate_config(RubricConfig, tree, where="test"))
    return RubricScorer(rubric, Dialect.of("qwen2_5_vl"))


# --- rounds --------------------------------------------------------------------------------------


def test_rows_of_a_process_are_its_part_of_every_groups_rows() -> None:
    first = Round.of(["q", "r", "q"], number=3, num_generations=4, rank=0, num_rows=6)
    assert first.ids == ["q", "r"]
    assert first.prompt_of_row == (0, 0, 0, 0, 1, 1)
    assert first.keys == ["3:0", "3:1"]
    second = Round.of(["q", "r", "q"], number=3, num_generations=4, rank=1, num_rows=6)
    assert second.ids == ["r", "q"]  # the same question again is another group
    assert second.prompt_of_row == (0, 0, 1, 1, 1, 1)
    assert second.keys == ["3:1:2", "3:2"]  # a group that is cut draws no completion twice
    assert [second.num_rows_of(prompt) for prompt in (0, 1)] == [2, 4]


@given(
    num_prompts=st.integers(1, 5),
    num_generations=st.integers(2, 4),
    data=st.data(),
)
def test_splitting_keeps_groups_together_and_every_row_once(
    num_prompts: int, num_generations: int, data: st.DataObject
) -> None:
    rows = num_prompts * num_generations
    steps = data.draw(st.sampled_from([n for n in range(1, rows + 1) if rows % n == 0]))
    order = data.draw(st.permutations(range(num_prompts)))
    batch = {
        "row": torch.arange(rows),
        "name": [str(row) for row in range(rows)],
        "total": torch.tensor(9),
        PROMPTS: [make_prompt(str(prompt)) for prompt in range(num_prompts)],
        PROMPT_OF_ROW: [row // num_generations for row in range(rows)],
    }
    parts = split_round(batch, num_steps=steps, order=order)
    found = torch.cat([part["row"] for part in parts]).tolist()
    assert sorted(found) == list(range(rows))
    groups = [row // num_generations for row in found]
    assert list(dict.fromkeys(groups)) == list(order)
    assert groups == [group for group in order for _ in range(num_generations)]
    for part in parts:
        assert part["name"] == [str(int(row)) for row in part["row"]]
        assert int(part["total"]) == 9
        own = [part[PROMPTS][place].id for place in part[PROMPT_OF_ROW]]
        assert own == [str(int(row) // num_generations) for row in part["row"]]
        assert {prompt.id for prompt in part[PROMPTS]} == set(own)


def test_a_batch_survives_the_disk(tmp_path: Path) -> None:
    batch = {"a": torch.rand(2, 3), "n": 4, PROMPTS: [make_prompt("x")], PROMPT_OF_ROW: [0, 0]}
    torch.save(pack_batch(batch), tmp_path / "batch.pt")
    found = unpack_batch(torch.load(tmp_path / "batch.pt", weights_only=True), torch.device("cpu"))
    assert torch.equal(found["a"], batch["a"])
    assert (found["n"], found[PROMPT_OF_ROW], found[PROMPTS][0].id) == (4, [0, 0], "x")


# --- packing -------------------------------------------------------------------------------------


def test_packed_rows_find_their_way_back() -> None:
    active = ActiveRows(
        prompts=[make_prompt("p", 3), make_prompt("q", 2)], prompt_of_row=[0, 0, 1, 1, 1]
    )
    ids = torch.arange(10).view(5, 2)
    packed = pack_rows(active, ids, torch.ones_like(ids), [4, 1, 2])
    assert [prompt.id for prompt in packed.prompts] == ["q", "p"]
    assert packed.batch.completion_ids.shape == (2, 2, 2)
    assert packed.batch.lengths() == [[2, 2], [2, 0]]  # q has two rows, p one and an empty one
    flat = packed.batch.completion_ids.flatten(0, 1)
    assert torch.equal(flat[packed.place], ids[[4, 1, 2]])


@pytest.mark.parametrize(
    ("with_kl", "live"), [(False, [True, False, False]), (True, [True, True, False])]
)
def test_rows_live_by_advantage_or_kl_and_only_with_tokens(with_kl: bool, live: list[bool]) -> None:
    inputs = {
        "completion_mask": torch.tensor([[1, 0], [1, 1], [0, 0]]),
        "advantages": torch.tensor([0.5, 0.0, 1.0]),
    }
    assert live_rows(inputs, with_kl=with_kl) == live


def test_the_zero_reaches_every_trained_weight() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 1))
    model[0].weight.requires_grad_(False)
    zero = zero_of(model)
    zero.backward()
    assert float(zero.detach()) == 0.0
    assert model[0].weight.grad is None
    assert all(not p.grad.any() for p in (model[0].bias, *model[1].parameters()))
    with pytest.raises(UsageError, match="nothing to train"):
        zero_of(model.requires_grad_(False))


# --- scores and outcomes -------------------------------------------------------------------------


def test_reward_functions_follow_the_settings_of_the_step() -> None:
    scorer = make_scorer({"type": "verdict", "correct": 1.0, "wrong": 0.0, "name": "label"})
    columns = {"sample": [SAMPLE.model_copy(update={"label": 1}).model_dump_json()] * 2}
    texts = ["<verdict>fake</verdict>", "<verdict>real</verdict>"]
    (function,) = scorer.functions
    assert function.__name__ == "label"
    assert function([], texts, **columns) == [1.0, 0.0]
    scorer.use({"label": {"weight": 0.25, "wrong": -2.0}})
    assert scorer.weights == [0.25]
    assert function([], texts, **columns) == [1.0, -2.0]
    scorer.use({})
    assert scorer.weights == [1.0]
    assert function([], texts, **columns) == [1.0, 0.0]


def test_a_total_that_is_withheld_stays_withheld() -> None:
    scorer = make_scorer(
        {"type": "verdict", "name": "label", "required": True},
        {"type": "report_format", "name": "format"},
    )
    columns = {"sample": [SAMPLE.model_dump_json()]}  # no label: the required part has no score
    assert [function([], ["x"], **columns) for function in scorer.functions] == [[None], [None]]


def test_a_batch_is_scored_once_for_all_parts() -> None:
    scorer = make_scorer({"type": "verdict"}, {"type": "report_format"})
    columns = {"sample": [SAMPLE.model_copy(update={"label": 0}).model_dump_json()]}
    first, second = scorer.functions
    first([], ["x"], **columns)
    scores = scorer.scores
    second([], ["x"], **columns)
    assert scorer.scores is scores


def test_a_rubric_of_another_family_is_refused() -> None:
    with pytest.raises(UsageError, match="writes boxes as 'qwen2_5_vl'"):
        make_scorer({"type": "verdict"}, family="qwen3_vl")
    make_scorer({"type": "verdict"}, family=None)


def test_outcomes_are_weighted_sums_over_what_was_scored() -> None:
    groups = outcomes(
        ["p", "q"],
        ["iou", "label"],
        [0.5, 2.0],
        [[1.0, 1.0], [0.0, NAN], [NAN, NAN], [0.5, -1.0]],
        num_generations=2,
    )
    assert [group.sample_id for group in groups] == ["p", "q"]
    assert groups[0].rewards == (2.5, 0.0)
    assert groups[1].rewards == (None, -1.75)
    assert groups[0].parts == {"iou": (1.0, 0.0), "label": (1.0, None)}


def test_factors_do_not_depend_on_what_is_observed_meanwhile() -> None:
    tree = {"gate": {"type": "advantage"}}
    config = validate_config(CurriculumConfig, tree, where="test")
    curriculum = Curriculum.build(config, {"p": None, "q": None})
    groups = outcomes(["p", "q"], ["r"], [1.0], [[1.0], [1.0], [0.0], [1.0]], num_generations=2)
    assert factors(curriculum, groups) == [0.0, 1.0]
    assert curriculum.metrics()["gate/dropped_rate"] == 0.5


# --- clock, settings, stop tag -------------------------------------------------------------------


def test_nested_times_count_for_the_inner_name() -> None:
    clock = Stopwatch()
    with clock.time("update"):
        time.sleep(0.02)
        with clock.time("rollout"):
            time.sleep(0.04)
        time.sleep(0.02)
    spent = clock.take()
    assert 0.04 <= spent["update"] and 0.04 <= spent["rollout"]
    assert sum(shares(spent).values()) == pytest.approx(1.0)
    assert clock.take() == {}
    assert shares({}) == {}


def test_a_time_that_ends_in_an_error_is_closed() -> None:
    clock = Stopwatch()
    with pytest.raises(KeyError), clock.time("a"):
        raise KeyError
    with clock.time("b"):
        pass
    assert set(clock.take()) == {"a", "b"}


@pytest.mark.parametrize(
    ("grpo", "num_steps", "num_epochs"),
    [
        ({"epochs": 3, "max_steps": None, "prompts_per_step": 4}, 75, 3.0),
        ({"epochs": 0.001, "max_steps": None}, 1, 0.001),
        ({"epochs": 1, "max_steps": None, "num_iterations": 3, "prompts_per_step": 50}, 6, 1.0),
        ({"max_steps": 50, "prompts_per_step": 4}, 50, 2.0),
        ({"max_steps": 50, "prompts_per_step": 4, "num_iterations": 2}, 50, 1.0),
    ],
)
def test_steps_follow_from_epochs_and_epochs_from_steps(
    grpo: dict[str, Any], num_steps: int, num_epochs: float
) -> None:
    recipe = make_recipe(Path("m"), Path("d"), **grpo)
    steps = plan_steps(recipe.grpo, num_samples=100)
    assert steps.num_steps == num_steps
    assert steps.num_epochs == pytest.approx(num_epochs)


def test_the_recipe_reaches_trl(tmp_path: Path) -> None:
    recipe = make_recipe(
        Path("m"),
        Path("d"),
        prompts_per_step=8,
        prompts_per_device=2,
        num_iterations=2,
        beta=0.04,
        epsilon=0.1,
        epsilon_high=0.3,
        top_p=0.9,
        seed=5,
        loss_type="dr_grpo",
        report_to=["tensorboard"],
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        args = trl_settings(
            recipe,
            plan_steps(recipe.grpo, num_samples=16),
            out=tmp_path,
            num_processes=1,
            on_accelerator=False,
        )
    assert (args.per_device_train_batch_size, args.gradient_accumulation_steps) == (8, 4)
    assert (args.generation_batch_size, args.steps_per_generation) == (32, 4)
    assert (args.beta, args.epsilon, args.epsilon_high) == (0.04, 0.1, 0.3)
    assert (args.num_iterations, args.top_p, args.seed) == (2, 0.9, 5)
    assert (args.loss_type, args.report_to) == ("dr_grpo", ["tensorboard"])
    assert not args.bf16


def test_questions_that_do_not_divide_are_refused(tmp_path: Path) -> None:
    recipe = make_recipe(Path("m"), Path("d"), prompts_per_step=3, prompts_per_device=2)
    steps = plan_steps(recipe.grpo, num_samples=16)
    with pytest.raises(UsageError, match=r"grpo\.prompts_per_step = 3 is no multiple"):
        trl_settings(recipe, steps, out=tmp_path, num_processes=1, on_accelerator=False)


@pytest.mark.parametrize(("version", "fits"), [("1.16.0", True), ("1.2.1", False), ("2.0", False)])
def test_another_trl_is_refused_with_what_to_install(version: str, fits: bool) -> None:
    if fits:
        check_trl(version)
    else:
        with pytest.raises(UsageError, match=r"pip install 'trl>=1\.16\.0,<2\.0\.0'"):
            check_trl(version)


@pytest.mark.parametrize(
    ("task", "tag"),
    [
        ("grounded_detection", "</verdict>"),
        ("forgery_reasoning", "</answer>"),
        ("multi_image_grounding", "</answer>"),
    ],
)
def test_the_tag_that_closes_an_answer_is_read_off_gold(task: str, tag: str) -> None:
    sample = SAMPLE.model_copy(update={"task": task, "label": 0, "question": "Where?"})
    assert closing_tag(sample, Dialect.of("qwen2_5_vl")) == tag


def test_a_sample_without_truth_has_no_closing_tag() -> None:
    assert closing_tag(SAMPLE, Dialect.of("qwen2_5_vl")) is None


@pytest.mark.parametrize(
    ("precision", "held", "drawn"),
    [
        ("no", torch.float32, torch.float32),
        ("bf16", torch.float32, torch.bfloat16),
        ("bf16", torch.bfloat16, torch.bfloat16),
    ],
)
def test_completions_are_drawn_in_the_precision_of_the_update(
    precision: str, held: torch.dtype, drawn: torch.dtype
) -> None:
    model, _ = build_nano(size=TOY)
    model = model.to(held)
    trainer = SimpleNamespace(model=model, accelerator=SimpleNamespace(mixed_precision=precision))
    weights = drawing_weights(trainer, model)
    assert weights.dtype == drawn
    logits = weights.head(torch.ones(1, model.config.text_config.hidden_size, dtype=drawn))
    assert logits[0, model.config.image_token_id] == -math.inf
    assert model.dtype == held
