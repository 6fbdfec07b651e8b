"""Stage 4: replies to learn from, by a teacher that is told the truth; by default rules write."""

import shlex

from groundsight.core.errors import UsageError
from groundsight.demo.settings import DemoSettings
from groundsight.demo.stage import Stage, Tree, Work
from groundsight.demo.stages.pictures import COLD
from groundsight.engines import EngineOptions
from groundsight.prepare.synthesize import SynthesisSettings, load_teacher, start_synthesis
from groundsight.prepare.synthesize.teachers import RULES

KEPT = "replies/kept.jsonl"
_FEWEST_WORDS = 5


def write_replies(work: Work) -> Tree:
    """Have the teacher write, and keep what passes the filters."""
    settings = synthesis_settings(work.settings)
    teacher = load_teacher(work.settings.teacher, EngineOptions(), settings)
    out = work.folder / "replies"
    try:
        with start_synthesis(
            work.path("synth", COLD), teacher, settings, out=out, resume=out.exists()
        ) as run:
            for _ in run:
                pass
            funnel = run.funnel()
    finally:
        teacher.close()
    if run.stopped:
        raise UsageError(f"the teacher stopped: {run.stopped}; the same command goes on")
    if not funnel.num_kept:
        raise UsageError(f"none of the teacher's replies was kept: {funnel.line}; see {out}")
    work.say(f"  {funnel.line}; written by {work.settings.teacher}")
    return {"kept": funnel.num_kept, "teacher": work.settings.teacher, "funnel": funnel.line}


def synthesis_settings(settings: DemoSettings) -> SynthesisSettings:
    """Rules repeat themselves and are short: a small model learns a format from that."""
    if settings.teacher.startswith(RULES):
        return SynthesisSettings(seed=settings.seed, max_similarity=1.0, min_words=_FEWEST_WORDS)
    return SynthesisSettings(seed=settings.seed)


def command(work: Work) -> str:
    """The same by hand."""
    settings = synthesis_settings(work.settings)
    told = ["--teacher", work.settings.teacher, "--seed", str(settings.seed)]
    told += ["--max-similarity", f"{settings.max_similarity:g}"]
    told += ["--min-words", str(settings.min_words)]
    samples, out = work.path("synth", COLD), work.folder / "replies"
    return shlex.join(["groundsight", "synthesize", str(samples), *told, "--out", str(out)])


STAGE = Stage(
    name="cold-start",
    title="Synthesize: replies to learn from",
    folder="4-cold-start",
    reads=("synth",),
    depends=lambda settings: {
        "teacher": settings.teacher,
        "synthesis": synthesis_settings(settings).model_dump(mode="json"),
    },
    work=write_replies,
    command=command,
)
