"""Stage 6: the fine-tuned adapter into its base, proved to say the same."""

import shlex

from groundsight.demo.models import put_model
from groundsight.demo.stage import Stage, Tree, Work
from groundsight.demo.stages.sft import RUN

MODEL = "model"
FINAL = f"{RUN}/final"


def merge(work: Work) -> Tree:
    """Merge. Where the recipe trains the whole model, its weights are taken as they are."""
    trained = work.path("sft", FINAL)
    put_model(trained, work.folder / MODEL, say=work.say)
    return {"was_adapter": not (trained / "config.json").exists()}


def command(work: Work) -> str:
    """The same by hand."""
    if (work.path("sft", FINAL) / "config.json").exists():
        return ""
    told = [str(work.path("sft", FINAL)), "--out", str(work.folder / MODEL)]
    return shlex.join(["groundsight", "merge", *told])


STAGE = Stage(
    name="merge",
    title="Merge: the adapter into its base",
    folder="6-merge",
    reads=("base", "sft"),
    depends=lambda _: {},
    work=merge,
    command=command,
    resumes=False,
)
