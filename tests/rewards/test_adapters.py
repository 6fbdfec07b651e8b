"""Rubrics as functions of TRL, verl and ms-swift; a plain TRL GRPOTrainer takes two steps."""

import importlib.util
import json
import time
from pathlib import Path
from typing import Any

import pytest

from groundsight.core.config import validate_config
from groundsight.core.errors import UsageError
from groundsight.core.types import ImageRef, Sample, SampleRegion
from groundsight.replies.dialect import PIXELS
from groundsight.rewards.adapters import swift_orm, trl_rewards, trl_total
from groundsight.rewards.batches import BatchReader, completion_text
from groundsight.rewards.rubric import Rubric, RubricConfig
from groundsight.rewards.verl_reward import compute_score
from groundsight.tasks import TASKS

RECIPE = Path(__file__).parents[2] / "recipes" / "thinkfake_r1.toml"
EXPERTS = {"univfd": 1.0, "npr": 1.0, "aide": 1.0}
SAMPLE = Sample(
    id="a", images=(ImageRef(path="a.jpg"),), task="forgery_reasoning", label=1, experts=EXPERTS
)
GOLD = TASKS["forgery_reasoning"].gold_reply(SAMPLE)
UNDECODED = {"bytes": b"x", "path": None}
WRONG = GOLD.replace('"AI-GENERATED"', '"REAL"')


def make_rubric(*types: str, task: str = "forgery_reasoning", **first: Any) -> Rubric:
    rewards = [{"type": name} for name in types]
    rewards[0].update(first)
    tree = {"task": task, "rewards": rewards}
    return Rubric(validate_config(RubricConfig, tree, where="test"))


THINKFAKE = make_rubric("format_think_answer", "json_block", "verdict_accuracy", "agentic")


# --- completions and columns ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("completion", "text"),
    [
        ("plain", "plain"),
        ([{"role": "assistant", "content": "said"}], "said"),
        ([{"role": "assistant", "content": [{"type": "text", "text": "part"}]}], "part"),
        ([{"role": "assistant", "content": "a"}, {"role": "tool", "content": "x"}], "a"),
        ([{"content": "no role"}], "no role"),
        ([{"role": "assistant", "content": None}], ""),
        ([], ""),
    ],
)
def test_completions_plain_and_conversational(completion: Any, text: str) -> None:
    assert completion_text(completion) == text


@pytest.mark.parametrize("completion", [None, 3, {"content": "x"}, ["x"]])
def test_other_completions_are_refused(completion: Any) -> None:
    with pytest.raises(UsageError, match="a string or a list of messages"):
        completion_text(completion)


@pytest.mark.parametrize(
    "columns",
    [
        {"sample": [SAMPLE, SAMPLE]},
        {"sample": [SAMPLE.model_dump(), SAMPLE.model_dump()]},
        {"sample": [SAMPLE.model_dump_json()] * 2},
        {"label": [1, 1], "experts": [EXPERTS, EXPERTS]},
        {"label": [1, 1], "experts": [{**EXPERTS, "other": None}] * 2, "question": [None, None]},
        {
            "label": [1, 1],
            "experts": [EXPERTS] * 2,
            "images": [[{"bytes": b"x", "path": None}]] * 2,
        },
    ],
    ids=["samples", "dicts", "json", "columns", "columns of a table", "undecoded pictures"],
)
def test_trl_functions_take_samples_and_plain_columns(columns: dict[str, Any]) -> None:
    functions, weights = trl_rewards(THINKFAKE)
    batch = [GOLD, [{"role": "assistant", "content": WRONG}]]
    got = {
        function.__name__: function(
            prompts=["p", "p"],
            completions=batch,
            completion_ids=[[1], [2]],
            trainer_state=object(),
            **columns,
        )
        for function in functions
    }
    assert weights == [1.0] * 4
    assert got["format_think_answer"] == got["json_block"] == [1.0, 1.0]
    assert got["verdict_accuracy"] == [1.0, 0.0]
    assert got["agentic"] == pytest.approx([1.0, 0.0], abs=1e-5)
    total = trl_total(THINKFAKE)
    assert total(["p", "p"], batch, **columns) == pytest.approx([4.0, 2.0], abs=1e-5)


def test_what_cannot_be_scored_is_none_for_trl() -> None:
    functions, _ = trl_rewards(THINKFAKE)
    got = {f.__name__: f(["p"], [GOLD], label=[None]) for f in functions}
    assert got["verdict_accuracy"] == [None]
    assert got["json_block"] == [1.0]


def test_a_part_that_the_sample_cannot_serve_says_so_once() -> None:
    functions, _ = trl_rewards(make_rubric("report_format", task="grounded_detection"))
    columns = {"images": [["a.jpg"]], "label": [1]}
    with pytest.warns(UserWarning, match="size of a.jpg") as told:
        assert [functions[0](["p"], ["x"], **columns) for _ in range(3)] == [[None]] * 3
    assert len(told) == 1


def test_sizes_come_from_the_pictures_of_the_batch() -> None:
    from PIL import Image

    region = SampleRegion(xyxy=(0.25, 0.25, 0.5, 0.5), frame="xyxy_unit", description="a flaw")
    columns = {"images": [[Image.new("RGB", (400, 200))]], "label": [1], "regions": [[region]]}
    report = "<think>see\n[100, 50, 200, 100]: a flaw</think><tag></tag><verdict>fake</verdict>"
    total = trl_total(make_rubric("relaxed_iou", "report_format", task="grounded_detection"))
    assert total(["p"], [report], **columns) == [2.0]


def test_columns_that_make_no_sample_say_what_was_expected() -> None:
    with pytest.raises(UsageError, match="give a column `sample`"):
        trl_total(THINKFAKE)(["p"], [GOLD], label=["fake"])


def test_a_batch_is_read_once_for_all_functions() -> None:
    reader = BatchReader("forgery_reasoning", PIXELS)
    columns = {"label": [1, 1, 0]}
    first = reader.attempts([GOLD, WRONG, GOLD], columns)
    assert reader.attempts([GOLD, WRONG, GOLD], columns) is first
    assert first[0].question is first[1].question is not first[2].question
    other = reader.attempts([GOLD, WRONG, GOLD], {"label": [1, 1, 1]})
    assert other is not first
    assert other[2].sample.label == 1


# --- verl and ms-swift ---------------------------------------------------------------------------


@pytest.mark.parametrize("truth", [SAMPLE.model_dump_json(), SAMPLE.model_dump(mode="json")])
def test_verl_gets_the_total_and_every_part(truth: Any) -> None:
    # As verl calls it: four keywords, and what the configuration adds.
    score = compute_score(
        data_source="genimage",
        solution_str=GOLD,
        ground_truth=truth,
        extra_info={"num_turns": 1},
        recipe=str(RECIPE),
    )
    assert score["score"] == pytest.approx(4.0, abs=1e-5)
    assert score["accuracy"] == score["format"] == score["json"] == 1.0
    json.dumps(score)


def test_verl_is_not_told_zero_for_what_cannot_be_scored(tmp_path: Path) -> None:
    recipe = tmp_path / "r.toml"
    recipe.write_text(
        '[rubric]\ntask = "forgery_reasoning"\n[[rubric.rewards]]\ntype = "agentic"\n'
    )
    bare = SAMPLE.model_copy(update={"label": None}).model_dump_json()
    with pytest.raises(UsageError, match="sample 'a' cannot be scored"):
        compute_score("s", GOLD, bare, None, recipe=str(recipe))


def test_ms_swift_makes_an_object_and_calls_it() -> None:
    orm = swift_orm(RECIPE)
    assert orm.__name__ == "thinkfake_r1"
    rewards = orm(args=None)(completions=[GOLD, WRONG], label=[1, 1], experts=[EXPERTS] * 2)
    assert rewards == pytest.approx([4.0, 2.0], abs=1e-5)


# --- TRL, the real one ---------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("trl") is None, reason="TRL is not installed")
@pytest.mark.parametrize("conversational", [False, True])
def test_a_plain_grpo_trainer_trains_on_the_rubric(tmp_path: Path, conversational: bool) -> None:
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    started = time.perf_counter()
    model, tokenizer = _toy_model()
    functions, weights = trl_rewards(THINKFAKE)
    prompt: Any = [{"role": "user", "content": "real?"}] if conversational else "real?"
    rows = [{"prompt": prompt, "label": i % 2, "experts": EXPERTS} for i in range(4)]
    config = GRPOConfig(
        output_dir=str(tmp_path),
        max_steps=2,
        per_device_train_batch_size=4,
        num_generations=4,
        max_completion_length=8,
        reward_weights=weights,
        report_to="none",
        use_cpu=True,
        logging_steps=1,
        save_strategy="no",
        seed=0,
    )
    trainer = GRPOTrainer(
        model=model,
        reward_funcs=functions,
        args=config,
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
    )
    trainer.train()
    assert trainer.state.global_step == 2
    logged = trainer.state.log_history[0]
    # A toy model writes noise: no format, no JSON, and −1 where the JSON does not parse.
    assert logged["rewards/format_think_answer/mean"] == 0.0
    assert logged["rewards/verdict_accuracy/mean"] == -1.0
    assert logged["reward"] == -2.0
    assert time.perf_counter() - started < 60


def _toy_model() -> Any:
    """A text model of some thousand random parameters, and a tokenizer of its words."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    words = ["<pad>", "<eos>", "<unk>", "real", "?", "fake", "user", "assistant", "a", "b", "c"]
    core = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, "<unk>"))
    core.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>"
    )
    tokenizer.chat_template = "{% for m in messages %}{{ m.role }} {{ m.content }} {% endfor %}"
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(words),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=64,
        pad_token_id=0,
        eos_token_id=1,
        bos_token_id=None,
    )
    return LlamaForCausalLM(config), tokenizer
