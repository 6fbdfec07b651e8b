"""A whole run from a recipe: its folder, its resumption, and what a user is told."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from tests.train.grpo.toy_run import (
    VOWELS,
    make_recipe,
    make_shapes,
    make_toy_model,
    toy_trainer,
    weights_of,
)

from groundsight.core.errors import UsageError
from groundsight.models.load import load_model
from groundsight.rewards.rubric import Rubric
from groundsight.synth.shapes import write_shapes
from groundsight.train.grpo.questions import QuestionBook
from groundsight.train.grpo.run import add_validation, run_grpo
from groundsight.train.grpo.scoring import RubricScorer
from groundsight.train.grpo.sharing import Sharing, SharingSettings
from groundsight.train.grpo.telling import Teller
from groundsight.train.grpo.validation import Validator
from groundsight.train.metrics_file import read_metrics
from groundsight.train.samples import read_samples

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_toy_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_shapes(tmp_path_factory.mktemp("shapes"))


def test_a_run_leaves_weights_metrics_curves_and_completions(
    tmp_path: Path, model: Path, shapes: Path
) -> None:
    label = {"type": "verdict", "name": "label"}
    recipe = make_recipe(
        model, shapes, rewards=[VOWELS, label], max_steps=3, report_to=["tensorboard"]
    )
    said: list[str] = []
    final = run_grpo(recipe, out=tmp_path / "run", device="cpu", say=said.append)
    rows = read_metrics(tmp_path / "run" / "metrics.jsonl")
    assert [row["step"] for row in rows] == [1, 2, 3]
    assert {"loss", "reward", "rewards/vowels/mean", "time/rollout_share"} <= set(rows[0])
    assert json.loads((tmp_path / "run" / "recipe.json").read_text())["grpo"]["max_steps"] == 3
    known = json.loads((tmp_path / "run" / "versions.json").read_text())
    assert len(known["data_sha256"]) == 64
    with Image.open(tmp_path / "run" / "training.png") as curves:
        assert curves.width > 400
    page = (tmp_path / "run" / "completions.html").read_text()
    assert page.count("<article>") >= 2
    assert "<script" not in page
    overlays = list((tmp_path / "run" / "completions").glob("*.jpg"))
    assert len(overlays) >= 2
    assert list((tmp_path / "run").glob("**/events.out.tfevents*"))
    trained = load_model(str(final), device="cpu").model.state_dict()
    start = load_model(str(model), device="cpu").model.state_dict()
    assert any(not torch.equal(trained[name], start[name]) for name in start)
    assert any("1/3" in line for line in said)


def test_a_run_is_gone_on_with_never_written_over_and_saved_again_at_its_end(
    tmp_path: Path, model: Path, shapes: Path
) -> None:
    out = tmp_path / "run"
    short = make_recipe(model, shapes, max_steps=1)
    run_grpo(short, out=out, device="cpu", say=lambda _: None)
    with pytest.raises(UsageError, match="--resume"):
        run_grpo(short, out=out, device="cpu", say=lambda _: None)
    said: list[str] = []
    longer = make_recipe(model, shapes, max_steps=2)
    final = run_grpo(longer, out=out, device="cpu", resume=True, say=said.append)
    assert any("checkpoint-1" in line for line in said)
    assert [row["step"] for row in read_metrics(out / "metrics.jsonl")] == [1, 2]
    saved = load_file(final / "model.safetensors")
    page = (out / "completions.html").read_text()
    (final / "model.safetensors").unlink()  # killed after the last checkpoint
    run_grpo(longer, out=out, device="cpu", resume=True, say=lambda _: None)
    again = load_file(final / "model.safetensors")
    assert all(torch.equal(saved[name], again[name]) for name in saved)
    assert (out / "completions.html").read_text() == page


def test_held_out_questions_are_answered_at_checkpoints_without_touching_the_run(
    tmp_path: Path, model: Path, shapes: Path
) -> None:
    samples = write_shapes(tmp_path / "held-out", 5, seed=7)
    lines = [s.model_copy(update={"id": f"held-{s.id}"}).model_dump_json() for s in samples]
    held_out = tmp_path / "held-out" / "held.jsonl"
    held_out.write_text("\n".join(lines))
    recipe = make_recipe(model, shapes, max_steps=3, save_steps=2, validation=held_out)
    plain = toy_trainer(recipe, tmp_path / "plain")
    measured = toy_trainer(recipe, tmp_path / "measured")
    add_validation(recipe, measured, print)
    plain.train()
    measured.train()
    rows = [row for row in measured.state.log_history if "reward" in row]
    assert ["validation/reward" in row for row in rows] == [False, True, True]
    assert 0 <= rows[-1]["validation/reward"] <= 1
    expected = weights_of(plain)
    assert all(torch.equal(expected[n], weight) for n, weight in weights_of(measured).items())
    same = make_recipe(model, shapes, validation=shapes)
    with pytest.raises(UsageError, match="cannot validate"):
        add_validation(same, plain, print)


def test_held_out_answers_end_where_a_user_sees_them_end(
    tmp_path: Path, model: Path, shapes: Path
) -> None:
    recipe = make_recipe(model, shapes, max_completion_tokens=20)
    trainer = toy_trainer(recipe, tmp_path)
    loaded = trainer.start.loaded
    book = QuestionBook(read_samples(shapes), loaded.processor, loaded.dialect)
    scorer = RubricScorer(Rubric(recipe.rubric), loaded.dialect)
    validator = Validator(book, scorer, trainer)
    names = list(book.samples)[:4]
    answers = validator._answers(names)
    trainer.sharing = Sharing(SharingSettings(stop_strings=(answers[0][3],), prove=False))
    trainer.sharing.attach(trainer)
    assert validator._answers(names) == answers


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"data": "none.jsonl"}, "none.jsonl"),
        ({"model": "no/such/folder"}, "no model folder"),
        ({"task": "forgery_reasoning"}, "forgery_reasoning"),
        ({"family": "qwen3_vl"}, "set rubric.family"),
        ({"prompts_per_step": 3, "prompts_per_device": 2}, "no multiple"),
    ],
    ids=["no data", "no model", "another task", "another family", "does not divide"],
)
def test_a_users_mistake_is_one_line(
    tmp_path: Path, model: Path, shapes: Path, change: dict[str, Any], words: str
) -> None:
    settings: dict[str, Any] = {"model": str(model), "data": shapes} | change
    recipe = make_recipe(Path(settings.pop("model")), tmp_path / settings.pop("data"), **settings)
    with pytest.raises(UsageError, match=words) as caught:
        run_grpo(recipe, out=tmp_path / "run", device="cpu", say=lambda _: None)
    assert "\n" not in str(caught.value)


def test_failure_signs_are_said_once_while_they_stand(tmp_path: Path) -> None:
    from tests.train.grpo.test_grpo_parts import make_scorer

    from groundsight.core.types import ImageRef, Sample
    from groundsight.replies.dialect import PIXELS
    from groundsight.replies.reply import parse_reply
    from groundsight.rewards.base import Attempt, Question

    image = ImageRef(path="a.png", width=10, height=10)
    sample = Sample(id="a", images=(image,), task="grounded_detection", label=1)
    question = Question(sample, PIXELS)

    class ToyTrainer:
        scorer = make_scorer({"type": "report_format", "name": "format"})
        window = [Attempt(parse_reply("no format at all"), question)] * 80

    said: list[str] = []
    trainer = ToyTrainer()
    teller = Teller(trainer, tmp_path, name="toy", say=said.append)
    assert any("unparseable" in line for line in teller.tell(10))
    teller.tell(20)
    assert [line for line in said if "unparseable" in line] == said[:1]
    trainer.window = trainer.window[:10]
    assert teller.tell(30) == []


# --- several processes ---------------------------------------------------------------------------

WORKER = """
import json, sys
from pathlib import Path
from tests.train.grpo.test_grpo_run import run_and_write
model, data, out, lora = sys.argv[1:5]
run_and_write(Path(model), Path(data), Path(out), json.loads(lora))
"""


def run_and_write(model: Path, data: Path, out: Path, lora: dict[str, Any] | None) -> None:
    recipe = make_recipe(
        model, data, max_steps=2, prompts_per_step=4, learning_rate=1e-3, lora=lora, beta=0.05
    )
    trainer = toy_trainer(recipe, out)
    trainer.train()
    trainer.save_model(str(out / "final"))
    if trainer.is_world_process_zero():
        keys = ("loss", "grad_norm", "reward", "kl")
        rows = [[row[key] for key in keys] for row in trainer.state.log_history if "reward" in row]
        (out / "rows.json").write_text(json.dumps(rows))


def run_in_two_processes(
    tmp_path: Path, model: Path, data: Path, out: Path, lora: dict[str, Any] | None
) -> None:
    script = tmp_path / "worker.py"
    script.write_text(WORKER)
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    places = {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", "OMP_NUM_THREADS": "1"}
    subprocess.run(
        [*launch, str(script), str(model), str(data), str(out), json.dumps(lora)],
        env=os.environ | places | {"HF_HUB_OFFLINE": "1"},
        check=True,
        capture_output=True,
        timeout=600,
    )


@pytest.mark.parametrize(
    "lora",
    [
        pytest.param(None, id="full"),
        pytest.param({"rank": 4, "alpha": 8}, id="adapter", marks=pytest.mark.slow),
    ],
)
def test_two_processes_do_what_one_does(
    tmp_path: Path, model: Path, shapes: Path, lora: dict[str, Any] | None
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    run_and_write(model, shapes, one, lora)
    run_in_two_processes(tmp_path, model, shapes, two, lora)
    rows = [json.loads((out / "rows.json").read_text()) for out in (one, two)]
    for ours, theirs in zip(*rows, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-4, abs=1e-6)
    name = "model.safetensors" if lora is None else "adapter_model.safetensors"
    first, second = (load_file(out / "final" / name) for out in (one, two))
    for key, weight in first.items():
        torch.testing.assert_close(weight, second[key], rtol=0, atol=1e-4)
