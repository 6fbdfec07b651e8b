"""Stage 9: base, fine-tuned and GRPO model on held-out questions of photographs unseen by all."""

import shlex
from pathlib import Path

from groundsight.bench.records import NONE, read_scores
from groundsight.bench.run import Job, start_bench
from groundsight.core.errors import UsageError
from groundsight.core.types import Sample
from groundsight.demo.measuring import JudgedReply, figures, final_rubric, judge
from groundsight.demo.recipe_files import RECIPE
from groundsight.demo.settings import SUITE_OF, DemoSettings
from groundsight.demo.stage import Stage, Tree, Work
from groundsight.demo.stages.base import MODEL as BASE
from groundsight.demo.stages.grpo import MODEL as TRAINED
from groundsight.demo.stages.merge import MODEL as MERGED
from groundsight.demo.stages.pictures import HELD_OUT
from groundsight.engines import EngineOptions
from groundsight.train.recipe import load_grpo_recipe
from groundsight.train.samples import read_samples

MODELS = {"base": ("base", BASE), "sft": ("merge", MERGED), "grpo": ("grpo", TRAINED)}
"Name in the table → stage that made the model, its folder inside."
_BATCH_SIZE = 32


def measure(work: Work) -> Tree:
    """One greedy reply a question from each model; all three are scored alike."""
    samples = {sample.id: sample for sample in read_samples(work.path("synth", HELD_OUT))}
    rubric = final_rubric(load_grpo_recipe(work.path("grpo", RECIPE)))
    stages: Tree = {}
    for name, (stage, inside) in MODELS.items():
        out = work.folder / name
        _run(work, work.path(stage, inside), out)
        judged = judge(read_scores(out, perturbation=NONE), samples, rubric=rubric)
        stages[name] = _row(judged, samples)
        told = ", ".join(f"{key} {stages[name][key]:.3f}" for key in stages[name]["intervals"])
        work.say(f"  {name}: {told}")
    return {"stages": stages}


def _run(work: Work, model: Path, out: Path) -> None:
    settings = work.settings
    job = Job(
        suite=SUITE_OF[settings.task],
        data=work.path("synth", HELD_OUT),
        out=out,
        engine=f"hf:{model}",
        options=EngineOptions(
            task=settings.task,
            device="cpu",
            batch_size=_BATCH_SIZE,
            max_new_tokens=settings.amounts.max_new_tokens,
        ),
        resume=out.exists(),
    )
    with start_bench(job) as run:
        for _ in run:
            pass
        record = run.finish()
    if not record.complete:
        raise UsageError(f"the bench of {model} was cut short: {record.stopped}")


def _row(judged: list[JudgedReply], samples: dict[str, Sample]) -> Tree:
    if len(judged) < len(samples):
        raise UsageError(f"{len(samples) - len(judged)} held-out questions have no answer")
    found = figures(judged)
    return {
        **{name: interval.value for name, interval in found.items()},
        "intervals": {name: [one.low, one.high] for name, one in found.items()},
        "num": len(judged),
    }


def command(work: Work) -> str:
    """The same by hand, for the last model."""
    stage, inside = MODELS["grpo"]
    told = ["--data", str(work.path("synth", HELD_OUT))]
    told += ["--engine", f"hf:{work.path(stage, inside)}", "--device", "cpu"]
    told += ["--out", str(work.folder / "grpo")]
    return shlex.join(["groundsight", "bench", "run", SUITE_OF[work.settings.task], *told])


def _depends(settings: DemoSettings) -> Tree:
    return {"task": settings.task, "max_new_tokens": settings.amounts.max_new_tokens}


STAGE = Stage(
    name="bench",
    title="Bench: base, SFT and GRPO on held-out photographs",
    folder="9-bench",
    reads=("synth", "base", "merge", "grpo"),
    depends=_depends,
    work=measure,
    command=command,
)
