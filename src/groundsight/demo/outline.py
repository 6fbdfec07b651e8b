"""`groundsight demo` as an outline: the papers' whole pipeline, stage after stage, in one folder.

    run_demo(DemoSettings(), Path("demo"))
    run_demo(DemoSettings(task="multi_image_grounding", size="tenth"), Path("demo"))

Each stage writes a folder that the next ones read, and a `done.json`. The same call goes on where
an earlier one was cut short, and runs again what a changed setting has made out of date.
"""

import shutil
from importlib.util import find_spec
from pathlib import Path

from groundsight.core.errors import MissingExtraError, UnknownNameError
from groundsight.core.table import Table
from groundsight.data.run_folder import alone
from groundsight.demo.finish import METRICS_FILE, MODEL_FOLDER, REPORT_FILE, finish
from groundsight.demo.settings import DemoSettings
from groundsight.demo.stage import Say, Stage, StageRecord, make_empty, run_stage

_STAGES = "groundsight.demo.stages"
STAGES: Table[Stage] = Table(
    "stage",
    {
        "detect": f"{_STAGES}.detection:STAGE",  # the builtin engine on real photographs
        "synth": f"{_STAGES}.pictures:STAGE",  # pictures with a known truth
        "base": f"{_STAGES}.base:STAGE",  # the model to begin with
        "cold-start": f"{_STAGES}.cold_start:STAGE",  # a teacher writes replies
        "sft": f"{_STAGES}.sft:STAGE",  # the base learns from them
        "merge": f"{_STAGES}.merge:STAGE",  # the adapter goes into the base
        "curate": f"{_STAGES}.curate:STAGE",  # rejection sampling
        "grpo": f"{_STAGES}.grpo:STAGE",  # rewards
        "bench": f"{_STAGES}.bench:STAGE",  # base, SFT, GRPO on held-out photographs
    },
)
NEEDED = ("torch", "transformers", "trl", "datasets", "peft", "rouge_score", "sacrebleu")
"Modules of the extra that a late stage would miss first after minutes."
_WITHOUT_EXTRA = frozenset({"detect", "synth"})


def run_demo(
    settings: DemoSettings,
    out: Path,
    *,
    until: str | None = None,
    say: Say = print,
) -> dict[str, StageRecord]:
    """Run what is not done yet, and write `metrics.json`, `report.html` and `model/`.

    Args:
        settings: what the demo is made with.
        out: its folder.
        until: name of the last stage to run; None: all, and the report.
        say: tells a line.

    Returns:
        What each stage came to, by name.

    Raises:
        UsageError: the user can mend it; the same call goes on.
    """
    names = _names_until(until)
    done: dict[str, StageRecord] = {}
    folders: dict[str, Path] = {}
    with alone(out):
        for number, name in enumerate(names, start=1):
            stage = STAGES[name]
            say(f"[{number}/{len(names)}] {stage.title}")
            done[name] = run_stage(stage, settings, out, done, folders, say)
            folders[name] = out / stage.folder
        if until is None:
            finish(settings, out, done, folders, say)
    return done


def remove_demo(out: Path) -> None:
    """Take away what an earlier demo left, and nothing else.

    Raises:
        UsageError: a folder of a stage's name holds something that no stage has made.
    """
    for name in STAGES:
        folder = out / STAGES[name].folder
        if folder.exists():
            make_empty(folder)
            shutil.rmtree(folder)
    for name in (REPORT_FILE, METRICS_FILE):
        (out / name).unlink(missing_ok=True)
    shutil.rmtree(out / MODEL_FOLDER, ignore_errors=True)


def _names_until(until: str | None) -> list[str]:
    names = list(STAGES)
    if until is not None:
        if until not in names:
            raise UnknownNameError("stage", until, names)
        names = names[: names.index(until) + 1]
    needs_extra = not _WITHOUT_EXTRA.issuperset(names)
    if needs_extra and any(find_spec(module) is None for module in NEEDED):
        raise MissingExtraError("the whole demo (without it: --until synth)", "demo")
    return names
