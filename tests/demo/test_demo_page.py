"""The page of the demo: what it shows, that it fetches nothing, that its commands exist."""

import re
import shlex
from pathlib import Path
from typing import Any, get_args

import pytest
import typer.main
from tests.detect.ugly_pictures import make_picture

from groundsight.bench.records import SCORES_FILE, ScoreLine
from groundsight.cli.app import app
from groundsight.core.types import SampleRegion
from groundsight.demo.finish import make_metrics
from groundsight.demo.outline import STAGES
from groundsight.demo.page.commands import on_a_gpu
from groundsight.demo.page.gallery import NUM_SHOWN, choose, exhibits
from groundsight.demo.page.pipeline import HEIGHT, WIDTH, arrows, nodes
from groundsight.demo.page.write import table, write_page
from groundsight.demo.settings import DemoSettings, DemoTask
from groundsight.demo.stage import StageRecord, Work
from groundsight.suites.base import SampleScore
from groundsight.train.recipe import load_recipe

ROOT = Path(__file__).parents[2]
ROW = {
    "accuracy": 0.5,
    "iou": 0.25,
    "parse_rate": 1.0,
    "reward": 1.5,
    "intervals": {name: [0.1, 0.9] for name in ("accuracy", "iou", "parse_rate", "reward")},
    "num": 12,
}
RESULTS: dict[str, dict[str, Any]] = {
    "detect": {"num_photos": 11, "verdicts": {}},
    "synth": {"num": {"cold.jsonl": 100}},
    "base": {"origin": "the shipped nano base"},
    "cold-start": {"kept": 100, "teacher": "rules"},
    "sft": {"steps": 30, "losses": []},
    "merge": {"was_adapter": True},
    "curate": {"num_kept": 20, "num_answered": 32, "taken": "kept"},
    "grpo": {"steps": 6, "rewards": []},
    "bench": {"stages": {"base": ROW, "sft": ROW, "grpo": ROW}},
}
DONE = {
    name: StageRecord(
        stage=name, sha256=name, seconds=2.5, result=RESULTS[name], command=f"groundsight {name}"
    )
    for name in STAGES
}


def make_line(number: int, picture: Path, *, label: int = 1, iou: float = 0.5) -> ScoreLine:
    box = SampleRegion(xyxy=(4, 4, 30, 30), description="<b>smear</b>")
    return ScoreLine(
        score=SampleScore(
            id=f"s{number}",
            values={"accuracy": 1.0, "iou": iou} if label else {"accuracy": 1.0},
            label=1 if label else 0,
            parsed=True,
        ),
        images=(str(picture),),
        said=(box,) if label else (),
        known=(box,) if label else (),
        raw="<script>alert(1)</script>",
    )


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    picture = make_picture(tmp_path / "x.png")
    lines = [make_line(n, picture, label=n % 3, iou=n / 12) for n in range(12)]
    for model in ("base", "sft", "grpo"):
        folder = tmp_path / STAGES["bench"].folder / model
        folder.mkdir(parents=True)
        text = "".join(line.model_dump_json(exclude_defaults=True) + "\n" for line in lines)
        (folder / SCORES_FILE).write_text(text)
    return tmp_path


@pytest.mark.parametrize("task", get_args(DemoTask))
def test_the_page_holds_all_that_it_shows(demo: Path, task: DemoTask) -> None:
    settings = DemoSettings(task=task)
    folders = {name: demo / STAGES[name].folder for name in STAGES}
    for folder in folders.values():
        folder.mkdir(exist_ok=True)
    page = demo / "report.html"
    write_page(page, settings, make_metrics(settings, DONE), DONE, folders)
    text = page.read_text(encoding="utf-8")
    assert not re.findall(r"""(?:src|href)=["'](?!data:|#)""", text)
    assert "default-src 'none'" in text and "<script" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert text.count("<figure>") == NUM_SHOWN
    assert "0.250" in text and "0.100 to 0.900" in text
    for name in STAGES:
        assert f"<summary>{name}</summary>" in text
    assert f"hf:{demo / 'model'}" in text
    assert "no detector of AI-generated pictures" in text


def test_pictures_that_are_gone_are_left_out(demo: Path) -> None:
    (demo / "x.png").unlink()
    assert exhibits(demo / STAGES["bench"].folder, ["base", "sft", "grpo"]) == []


def test_the_gallery_goes_from_best_to_worst() -> None:
    lines = [make_line(n, Path("x"), label=n % 3, iou=n / 100) for n in range(100)]
    ious = [line.score.values["iou"] for line in choose(lines) if line.known]
    assert len(choose(lines)) == NUM_SHOWN
    assert len(ious) == 6
    assert ious == sorted(ious, key=lambda iou: -(iou or 0))
    assert (ious[0], ious[-1]) == (0.98, 0.01)


@pytest.mark.parametrize("num", [0, 1, 3])
def test_few_questions_are_all_shown(num: int) -> None:
    assert len(choose([make_line(n, Path("x")) for n in range(num)])) == num


def test_nodes_lie_inside_the_picture_and_apart() -> None:
    drawn = nodes(DONE)
    assert {node.name for node in drawn} == {*STAGES, "photos"}
    for node in drawn:
        assert 0 <= node.x and node.x + node.width <= WIDTH
        assert 0 <= node.y and node.y + node.height <= HEIGHT
    for first in drawn:
        for second in drawn:
            apart = (
                abs(first.x - second.x) >= first.width or abs(first.y - second.y) >= first.height
            )
            assert first is second or apart
    assert all(a.x0 == a.x1 or a.y0 == a.y1 for a in arrows())


def test_a_metric_that_a_model_lacks_is_a_dash() -> None:
    bare = {key: value for key, value in ROW.items() if key != "iou"}
    rows = table({"base": bare, "sft": ROW, "grpo": ROW})
    assert rows[0][1][1] is None
    assert rows[1][1][1] is not None


@pytest.mark.parametrize("task", get_args(DemoTask))
def test_commands_for_a_gpu_are_ones_that_exist(task: DemoTask) -> None:
    for line in on_a_gpu(task):
        program, *words = shlex.split(line)
        assert program == "groundsight"
        parse(words)


@pytest.mark.parametrize("task", get_args(DemoTask))
def test_recipes_of_the_commands_parse(task: DemoTask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    trained = [shlex.split(line) for line in on_a_gpu(task) if " train " in line]
    assert len(trained) == 2
    for words in trained:
        settings = [words[at + 1] for at, word in enumerate(words) if word == "--set"]
        recipe = load_recipe(Path(words[3]), settings)
        assert recipe.model.name == "Qwen/Qwen2.5-VL-7B-Instruct"
        assert recipe.lora is not None


def test_the_stages_own_commands_exist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from groundsight.demo import photos

    photo = make_picture(tmp_path / "photo.png")
    monkeypatch.setattr(photos, "PHOTOS", {})
    settings = DemoSettings(photos=(photo,))
    folders = {name: tmp_path for name in STAGES}
    for inside in ("model", "run/final", "pool.jsonl", "cold.jsonl", "held_out.jsonl"):
        (tmp_path / inside).mkdir(parents=True)
    for task in get_args(DemoTask):
        for stage in STAGES.values():
            work = Work(
                settings=settings.model_copy(update={"task": task}),
                folder=tmp_path,
                records=DONE,
                folders=folders,
                resume=False,
                say=lambda _: None,
            )
            words = shlex.split(stage.command(work))
            assert not words or words[0] == "groundsight"
            assert words or stage.name == "base"
            if words:
                parse(words[1:])


def parse(words: list[str]) -> None:
    """Parse a command line without running it; an option that is none raises."""
    command: Any = typer.main.get_command(app)
    context = None
    while hasattr(command, "resolve_command"):
        context = command.make_context(command.name, list(words), parent=context)
        words = [*context._protected_args, *context.args]
        _, command, words = command.resolve_command(context, words)
    command.make_context(command.name, list(words), parent=context)
