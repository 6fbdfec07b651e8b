"""Does it learn: SFT, then GRPO, on coloured shapes with known boxes and held-out pictures.

    python benchmarks/learning.py --out learning --seeds 0,1,2 --json
    python benchmarks/learning.py --out learning --seeds 0 --plain     # also TRL's own path
    python benchmarks/learning.py --out learning --many   # many boxes; also ω_G fixed at 1
    python benchmarks/learning.py --out learning --two                 # also two pictures

A model of 2.4 million random weights (Qwen3-VL's architecture: its tower knows places) gets its
tower warmed up on dense labels; from then on the tower is frozen, as in ThinkFake. It is fine-tuned
on gold replies, then trained by GRPO with FakeXplained's rewards and linear ω_G. Every stage is a
run folder below `--out`; a stage that is finished is not run again, one that was cut short goes on.
Nothing here is a detector of AI-generated pictures: it shows that the training works.

Writes `learning.json` and `learning.png`; `--json` prints the former.
"""

import argparse
import itertools
import json
import multiprocessing
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

POINTS = 6
"Checkpoints of a stage, each measured."
DRAWS = 4
"Drawn replies a question, at the end of a stage."
QUIET = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error", "TQDM_DISABLE": "1"}
SFT = """
name = "shapes_sft"
source = "[choice]"
[model]
name = "{start}"
freeze = ["vision", "projector"]
[data]
train = "{data}"
[sft]
max_steps = {steps}
learning_rate = {rate}
batch_size = 16
per_device_batch_size = 16
warmup = 0.05
scheduler = "linear"
gradient_checkpointing = false
save_steps = {every}
save_total_limit = 20
logging_steps = 20
seed = {seed}
"""
GRPO = """
name = "shapes_grpo"
source = "FakeXplained (ICLR 2026 version): ω_G, ω_C, ω_F, η; the rest [choice]"
[model]
name = "{start}"
freeze = ["vision", "projector"]
[data]
train = "{data}"
[grpo]
max_steps = {steps}
num_generations = 8
prompts_per_step = 16
prompts_per_device = 16
learning_rate = 5e-5
beta = 0.0
temperature = 1.0
max_completion_tokens = 96
gradient_checkpointing = false
save_steps = {every}
save_total_limit = 20
scheduler = "constant"
share_prefix = {share}
seed = {seed}
[rubric]
task = "{task}"
family = "qwen3_vl"
"""
ONE_PICTURE = """
[[rubric.rewards]]
type = "relaxed_iou"
name = "grounding"
weight = {grounding}
eta = 1.1
max_boxes = 64
[[rubric.rewards]]
type = "verdict"
name = "label"
weight = 1.0
correct = 1.0
wrong = 0.0
[[rubric.rewards]]
type = "report_format"
name = "format"
weight = 1.0
ok = 1.0
bad = -1.0
max_boxes = 64
"""
LINEAR = """
[curriculum.schedule]
type = "linear"
[curriculum.schedule.weights]
grounding = { start = 0.5, end = 1.0 }
"""
TWO_PICTURES = """
[[rubric.rewards]]
type = "grounding_iou"
name = "grounding"
weight = 1.0
[[rubric.rewards]]
type = "format_think_answer"
name = "format"
weight = 1.0
"""


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much is done.

    Args:
        warm_up_steps: of 64 pictures, dense labels.
        sft_pictures: to fine-tune on; half of them warm the tower up.
        grpo_pictures: questions of GRPO.
        held_out: pictures that are measured on.
        sft_steps: of 16 pictures.
        grpo_steps: of 16 questions with 8 completions.
    """

    warm_up_steps: int = 450
    sft_pictures: int = 12_000
    grpo_pictures: int = 2_000
    held_out: int = 200
    sft_steps: int = 160
    grpo_steps: int = 120


FULL = Size()
SMOKE = Size(
    warm_up_steps=2, sft_pictures=64, grpo_pictures=16, held_out=8, sft_steps=4, grpo_steps=2
)


class Data(NamedTuple):
    """One kind of question.

    Args:
        prefix: of its folders below `out`.
        out: where everything lies.
        task: its name.
    """

    prefix: str
    out: Path
    task: str

    def samples(self, name: str) -> Path:
        """The file of `sft`, `rl` or `val`."""
        return self.out / f"{self.prefix}{name}" / "samples.jsonl"


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One training run.

    Args:
        name: its folder below the output.
        kind: sft or grpo.
        recipe: TOML.
        data: what it asks; its checkpoints are measured on the kind's `val`.
    """

    name: str
    kind: str
    recipe: str
    data: Data


# --- stages --------------------------------------------------------------------------------------


def make_sets(out: Path, size: Size, wanted: set[str]) -> None:
    """Pictures: disjoint sets by seed, with names of their own."""
    from groundsight.core.types import Sample
    from groundsight.synth.shapes import write_shapes

    kinds: dict[str, dict[str, Any]] = {
        "": {"grid": 2},
        "two-": {"grid": 2, "kind": "difference"},
        "many-": {"grid": 3, "max_odd": 3},
    }
    numbers = {"sft": size.sft_pictures, "rl": size.grpo_pictures, "val": size.held_out}
    for seed, (prefix, part) in enumerate(itertools.product(kinds, numbers), start=1):
        if prefix and prefix.rstrip("-") not in wanted:
            continue
        name, settings = f"{prefix}{part}", kinds[prefix]
        lines = out / name / "samples.jsonl"
        if lines.exists():
            continue
        write_shapes(out / name, numbers[part], grey=True, side_px=128, seed=seed, **settings)
        samples = map(Sample.model_validate_json, lines.read_text("utf-8").splitlines())
        named = [s.model_copy(update={"id": f"{name}-{s.id}"}) for s in samples]
        text = "".join(sample.model_dump_json() + "\n" for sample in named)
        lines.write_text(text, encoding="utf-8")


def make_base(out: Path, seed: int, size: Size) -> Path:
    """A nano model whose tower has been warmed up; its language model has random weights."""
    from groundsight.models.nano import build_nano
    from groundsight.models.nano_size import NanoSize
    from groundsight.models.patch_embedding import embed_patches_by_linear
    from groundsight.train.samples import read_samples
    from groundsight.train.warm_up import WarmUp, warm_up_tower

    folder = out / f"base-{seed}"
    if (folder / "model.safetensors").exists():
        return folder
    model, processor = build_nano(
        "qwen3_vl",
        seed=seed,
        size=NanoSize(
            hidden_size=128,
            num_layers=4,
            num_heads=4,
            num_kv_heads=2,
            head_dim=32,
            intermediate_size=384,
            vision_hidden_size=96,
            vision_layers=4,
            vision_heads=3,
            vision_intermediate_size=256,
        ),
    )
    embed_patches_by_linear(model)
    samples = read_samples(out / "sft" / "samples.jsonl")[: max(1, size.sft_pictures // 2)]
    losses = warm_up_tower(
        model,
        processor,
        samples,
        WarmUp(steps=size.warm_up_steps, seed=seed),
        say=lambda line: print(f"seed {seed}: {line}", file=sys.stderr, flush=True),
    )
    (out / f"base-{seed}.losses.json").write_text(json.dumps(losses), encoding="utf-8")
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def stages_of(out: Path, seed: int, size: Size, wanted: set[str]) -> Iterator[Stage]:
    """The runs of one seed, in the order in which they build on each other."""
    data = Data("", out, "grounded_detection")
    yield sft_stage(data, seed, out / f"base-{seed}", steps=size.sft_steps, rate=2e-3)
    yield grpo_stage("grpo", data, seed, size, ONE_PICTURE.format(grounding=0.5) + LINEAR)
    if "plain" in wanted:
        rewards = ONE_PICTURE.format(grounding=0.5) + LINEAR
        yield grpo_stage("plain", data, seed, size, rewards, share="false")
    if "many" in wanted:
        yield from _many_boxes(out, seed, size)
    if "two" in wanted:
        two = Data("two-", out, "multi_image_grounding")
        start = out / f"sft-{seed}" / "final"
        yield sft_stage(two, seed, start, steps=size.sft_steps, rate=1e-3)
        yield grpo_stage("grpo", two, seed, size, TWO_PICTURES)


def _many_boxes(out: Path, seed: int, size: Size) -> Iterator[Stage]:
    """Pictures with up to three odd shapes: does full IoU weight from the start fragment boxes?"""
    many = Data("many-", out, "grounded_detection")
    start = out / f"sft-{seed}" / "final"
    yield sft_stage(many, seed, start, steps=size.sft_steps, rate=1e-3)
    yield grpo_stage("grpo", many, seed, size, ONE_PICTURE.format(grounding=0.5) + LINEAR)
    yield grpo_stage("fixed", many, seed, size, ONE_PICTURE.format(grounding=1.0))


def sft_stage(data: Data, seed: int, start: Path, *, steps: int, rate: float) -> Stage:
    """Gold replies to the questions of a kind."""
    return Stage(
        name=f"{data.prefix}sft-{seed}",
        kind="sft",
        data=data,
        recipe=SFT.format(
            start=start,
            data=data.samples("sft"),
            steps=steps,
            every=max(1, steps // POINTS),
            rate=rate,
            seed=seed,
        ),
    )


def grpo_stage(
    name: str, data: Data, seed: int, size: Size, rewards: str, *, share: str = "true"
) -> Stage:
    """GRPO from the kind's SFT."""
    recipe = GRPO.format(
        start=data.out / f"{data.prefix}sft-{seed}" / "final",
        data=data.samples("rl"),
        steps=size.grpo_steps,
        every=max(1, size.grpo_steps // POINTS),
        share=share,
        task=data.task,
        seed=seed,
    )
    return Stage(
        name=f"{data.prefix}{name}-{seed}", kind="grpo", data=data, recipe=recipe + rewards
    )


def run_stage(out: Path, stage: Stage) -> Path:
    """Train, unless that is done already; go on where it was cut short."""
    from groundsight.train.recipe import load_grpo_recipe, load_sft_recipe

    folder = out / stage.name
    recipe = out / f"{stage.name}.toml"
    recipe.write_text(stage.recipe, encoding="utf-8")
    if (folder / "final" / "config.json").exists():
        return folder
    resume = folder.exists()
    if stage.kind == "sft":
        from groundsight.train.sft import run_sft

        run_sft(load_sft_recipe(recipe), out=folder, resume=resume, device="cpu")
    else:
        from groundsight.train.grpo.run import run_grpo

        run_grpo(load_grpo_recipe(recipe), out=folder, resume=resume, device="cpu")
    return folder


# --- measuring -----------------------------------------------------------------------------------


def measure(model: Path, held_out: Path, recipe: Path, *, num_draws: int = 0) -> dict[str, Any]:
    """Replies to held-out questions: one greedy, and draws at temperature 1.

    Args:
        model: folder.
        held_out: samples.
        recipe: whose rubric scores, with its final weights.
        num_draws: replies a question besides the greedy one. GRPO raises what these earn on
            average; the greedy reply follows.

    Returns:
        `figures` of the greedy replies, those of the draws with `drawn_` before them, and num.
    """
    from groundsight.engines import load_chat_model
    from groundsight.engines.chat import ChatRequest, Decoding
    from groundsight.engines.options import EngineOptions
    from groundsight.rewards.rubric import load_rubric
    from groundsight.tasks import TASKS
    from groundsight.train.samples import read_samples
    from groundsight.vision.images import open_picture

    samples = read_samples(held_out)
    task = TASKS[samples[0].task]
    chat = load_chat_model(f"hf:{model}", EngineOptions(device="cpu", task=task.name))
    requests = [
        ChatRequest(
            id=sample.id,
            messages=task.messages(sample, chat.dialect),
            pictures=tuple(open_picture(image.path) for image in sample.images),
        )
        for sample in samples
    ]

    def answered(decoding: Decoding) -> dict[str, Any]:
        replies = chat.complete(requests, decoding)
        pairs = [
            (sample, completion.text)
            for sample, reply in zip(samples, replies, strict=True)
            for completion in reply.completions
        ]
        return figures(pairs, load_rubric(recipe), chat.dialect)

    found = answered(Decoding(max_new_tokens=96))
    if num_draws:
        drawn = answered(Decoding(max_new_tokens=96, temperature=1.0, num_samples=num_draws))
        found |= {f"drawn_{name}": value for name, value in drawn.items()}
    return {**found, "num": len(samples)}


def figures(pairs: Sequence[tuple[Any, str]], rubric: Any, dialect: Any) -> dict[str, Any]:
    """Of replies to samples.

    Returns:
        accuracy, iou (union, over pictures with a region), parse_rate, boxes (answered for each
        true one), reward.
    """
    from groundsight.rewards.batches import BatchReader
    from groundsight.train.signs import measure as read_signs

    columns = {"sample": [sample.model_dump_json() for sample, _ in pairs]}
    reader = BatchReader(pairs[0][0].task, dialect)
    attempts = list(reader.attempts([text for _, text in pairs], columns))
    signs = read_signs(rubric, attempts)
    placed = [attempt for attempt in attempts if attempt.sample.regions]
    return {
        "accuracy": signs.accuracy,
        "iou": signs.mean_iou,
        "parse_rate": None if signs.unparseable_rate is None else 1 - signs.unparseable_rate,
        "boxes": sum(len(a.regions) for a in placed) / sum(len(a.sample.regions) for a in placed),
        "reward": sum(rubric.score(attempt).total or 0.0 for attempt in attempts) / len(attempts),
    }


def measure_stage(out: Path, stage: Stage) -> list[dict[str, Any]]:
    """Every checkpoint of a stage; what was measured before is read back."""
    cache = out / f"{stage.name}.held_out.json"
    known = {row["step"]: row for row in json.loads(cache.read_text())} if cache.exists() else {}
    steps = {
        int(folder.name.rpartition("-")[2]): folder
        for folder in (out / stage.name).glob("checkpoint-*")
    }
    last = max(steps, default=0)
    for step in sorted(steps):
        num_draws = DRAWS if step == last else 0
        if step in known and bool(num_draws) <= ("drawn_reward" in known[step]):
            continue
        model = out / stage.name / "final" if step == last else steps[step]
        rubric = _rubric_of(out, stage)
        found = measure(model, stage.data.samples("val"), rubric, num_draws=num_draws)
        known[step] = {"step": step, **found}
        cache.write_text(json.dumps([known[step] for step in sorted(known)], indent=1))
    return [known[step] for step in sorted(known)]


def _rubric_of(out: Path, stage: Stage) -> Path:
    """The rubric that GRPO ends with: the same for all stages of a kind of question."""
    file = out / f"{stage.name}.rubric.toml"
    task = stage.data.task
    one = task == "grounded_detection"
    rewards = ONE_PICTURE.format(grounding=1.0) if one else TWO_PICTURES
    file.write_text(f'[rubric]\ntask = "{task}"\nfamily = "qwen3_vl"\n{rewards}', "utf-8")
    return file


# --- the whole -----------------------------------------------------------------------------------


def run_seed(job: tuple[Path, int, Size, tuple[str, ...]]) -> dict[str, Any]:
    """All stages of one seed, in this process."""
    import torch

    out, seed, size, wanted = job
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    make_base(out, seed, size)
    found = {}
    for stage in stages_of(out, seed, size, set(wanted)):
        run_stage(out, stage)
        found[stage.name] = measure_stage(out, stage)
    return found


def rollouts(folder: Path) -> list[tuple[int, float]]:
    """Step and mean reward of what a GRPO stage drew in training, averaged over ten steps."""
    file = folder / "metrics.jsonl"
    lines = file.read_text("utf-8").splitlines() if file.exists() else []
    rows = [row for row in map(json.loads, lines) if "reward" in row]
    return [
        (row["step"], sum(one["reward"] for one in rows[at - 9 : at + 1]) / 10)
        for at, row in enumerate(rows)
        if at >= 9
    ]


def draw(results: dict[str, list[dict[str, Any]]], path: Path) -> None:
    """Over the steps of every stage: reward, IoU, accuracy, parse rate, boxes.

    Lines are greedy replies to held-out questions; dotted is what was drawn in training.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    kinds = sorted({name.rpartition("-")[0] for name in results}, key=_order)
    figure, rows = pyplot.subplots(
        3, len(kinds), figsize=(2.9 * len(kinds), 6.6), sharey="row", squeeze=False
    )
    colours = {"iou": "#2a78d6", "accuracy": "#1f8f5f", "parse_rate": "#b7791f"}
    for column, kind in zip(rows.T, kinds, strict=True):
        for name, points in results.items():
            if name.rpartition("-")[0] != kind:
                continue
            steps = [point["step"] for point in points]
            column[0].plot(steps, [point["reward"] for point in points], color="#6b3fa0", lw=1.2)
            drawn = rollouts(path.parent / name)
            if drawn:
                column[0].plot(*zip(*drawn, strict=True), color="#6b3fa0", lw=0.9, ls=":")
            for metric, colour in colours.items():
                values = [point[metric] for point in points]
                if None not in values:
                    column[1].plot(steps, values, color=colour, lw=1.2)
            column[2].plot(steps, [point["boxes"] for point in points], color="#b0413e", lw=1.2)
        column[0].set_title(kind, fontsize=10)
        column[2].set_xlabel("step", fontsize=8)
    for row, label in zip(rows, ("reward", "share", "boxes for a true one"), strict=True):
        row[0].set_ylabel(label, fontsize=8)
        for axes in row:
            axes.grid(color="#e3e3e3", lw=0.6)
            axes.spines[["top", "right"]].set_visible(False)
            axes.tick_params(labelsize=7)
    rows[1][0].set_ylim(-0.02, 1.02)
    for metric, colour in colours.items():
        rows[1][0].plot([], [], color=colour, label=metric.replace("_", " "))
    rows[1][0].legend(fontsize=7, frameon=False)
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def _order(kind: str) -> int:
    known = ["sft", "grpo", "plain", "many-sft", "many-grpo", "many-fixed", "two-sft", "two-grpo"]
    return known.index(kind) if kind in known else len(known)


def summary(results: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """First and last measurement of each kind of stage, seed by seed."""
    kinds: dict[str, dict[str, list[Any]]] = {}
    for name, points in results.items():
        kind = kinds.setdefault(name.rpartition("-")[0], {})
        names = ("reward", "iou", "accuracy", "parse_rate", "boxes")
        for metric in (*names, *(f"drawn_{name}" for name in names)):
            value = points[-1].get(metric) if points else None
            kind.setdefault(metric, []).append(None if value is None else round(value, 4))
    return kinds


def main(argv: Sequence[str] | None = None) -> int:
    """Run, draw, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--jobs", type=int, default=3, help="seeds at a time, a thread each")
    parser.add_argument("--plain", action="store_true", help="also TRL's own path")
    parser.add_argument("--many", action="store_true", help="several boxes; ω_G fixed at 1 too")
    parser.add_argument("--two", action="store_true", help="also questions on two pictures")
    parser.add_argument("--smoke", action="store_true", help="a few steps, to see that it runs")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args(argv)
    os.environ.update({"OMP_NUM_THREADS": "1", **QUIET})
    out, size = arguments.out.resolve(), SMOKE if arguments.smoke else FULL
    wanted = tuple(name for name in ("plain", "many", "two") if getattr(arguments, name))
    make_sets(out, size, set(wanted))
    jobs = [(out, int(seed), size, wanted) for seed in arguments.seeds.split(",")]
    if arguments.jobs == 1 or len(jobs) == 1:
        parts = [run_seed(job) for job in jobs]
    else:
        with multiprocessing.get_context("spawn").Pool(arguments.jobs) as pool:
            parts = pool.map(run_seed, jobs, chunksize=1)
    results = {name: points for part in parts for name, points in part.items()}
    found = {"last": summary(results), "curves": results}
    (out / "learning.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    draw(results, out / "learning.png")
    if arguments.json:
        print(json.dumps(found["last"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
