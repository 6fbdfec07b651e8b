"""A small real run in a folder: lines as `bench run` writes them, figures by the suite itself."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from groundsight.bench.records import NONE, RUN_FILE, SCORES_FILE, RunFile, ScoreLine
from groundsight.core.report import EngineInfo
from groundsight.core.types import Label, SampleRegion, Verdict
from groundsight.suites import SUITES
from groundsight.suites.base import SampleScore

GENERATORS = ("Midjourney", "SD v1.4", "SD v1.5", "ADM", "GLIDE", "Wukong", "VQDM", "BigGAN")


def write_run(
    folder: Path,
    suite: str,
    lines: Sequence[ScoreLine],
    *,
    perturbations: Sequence[str] = (NONE,),
    unanswered: dict[str, dict[str, int]] | None = None,
    complete: bool = True,
    engine: str = "builtin",
) -> RunFile:
    """Write run.json and scores.jsonl."""
    folder.mkdir(parents=True, exist_ok=True)
    by_name = {
        name: [line for line in lines if line.perturbation == name] for name in perturbations
    }
    run = RunFile(
        suite=suite,
        suite_title=SUITES[suite].title,
        engine_spec=engine,
        engine=EngineInfo(name="builtin", version="0.1"),
        fingerprint={
            "suite": {"name": suite},
            "perturbations": {"names": list(perturbations), "seed": 0},
        },
        fingerprint_sha256="ab" * 32,
        perturbations=tuple(perturbations),
        num_samples=max((len(some) for some in by_name.values()), default=0),
        num_scored={name: len(some) for name, some in by_name.items()},
        num_unanswered=unanswered or {},
        complete=complete,
        stopped=None if complete else "stopped by hand",
        figures={
            name: tuple(SUITES[suite].summary(line.score for line in some))
            for name, some in by_name.items()
        },
    )
    (folder / RUN_FILE).write_text(run.model_dump_json(indent=1), encoding="utf-8")
    text = "".join(line.model_dump_json(exclude_defaults=True) + "\n" for line in lines)
    (folder / SCORES_FILE).write_text(text, encoding="utf-8")
    return run


def draw_picture(path: Path, seed: int, size: tuple[int, int] = (320, 240)) -> str:
    """A picture with soft shapes; its path."""
    rng = np.random.default_rng(seed)
    small = rng.integers(30, 226, (6, 8, 3), dtype=np.uint8)
    Image.fromarray(small).resize(size, Image.Resampling.BICUBIC).save(path)
    return str(path)


def verdict_line(
    index: int,
    *,
    label: Label,
    p_fake: float | None,
    generator: str = "ADM",
    perturbation: str = NONE,
    image: str = "missing.png",
) -> ScoreLine:
    """A judgement at 0.5; None is a reply that could not be read."""
    said = None
    if p_fake is not None:
        undecided = abs(p_fake - 0.5) < 0.05
        decided = Verdict.AI_GENERATED if p_fake > 0.5 else Verdict.REAL
        said = Verdict.INCONCLUSIVE if undecided else decided
    right = p_fake is not None and (p_fake > 0.5) == (label == 1)
    return ScoreLine(
        perturbation=perturbation,
        score=SampleScore(
            id=f"{generator}/{index}",
            values={
                "accuracy": float(right),
                "decided": float(said in (Verdict.REAL, Verdict.AI_GENERATED)),
                "accuracy_decided": float(right) if said is not Verdict.INCONCLUSIVE else None,
            },
            groups={"label": "fake" if label else "real", "generator": generator},
            label=label,
            p_fake=p_fake,
            verdict=said,
            parsed=said is not None,
        ),
        images=(image,),
        said=(SampleRegion(xyxy=(40, 60, 150, 170), description="smeared texture"),)
        if said is Verdict.AI_GENERATED
        else (),
        known=(SampleRegion(xyxy=(60, 40, 200, 160), description="six fingers"),) if label else (),
        raw="<think>looks odd</think><answer>…</answer>",
        timing_s=0.01,
    )


def verdict_lines(
    folder: Path,
    *,
    num: int = 40,
    generators: Sequence[str] = GENERATORS,
    perturbation: str = NONE,
    gain: float = 1.4,
    seed: int = 0,
) -> list[ScoreLine]:
    """`num` judgements a generator, half of them of real pictures; better with a larger gain."""
    rng = np.random.default_rng(seed)
    image = draw_picture(folder / "picture.png", seed)
    lines = []
    for place, generator in enumerate(generators):
        for index in range(num):
            label: Label = 1 if index % 2 else 0
            logit = gain * (1 if label else -1) * (1 - place / 12) + rng.normal(0, 1.6)
            p_fake = None if rng.random() < 0.01 else float(1 / (1 + np.exp(-logit)))
            lines.append(
                verdict_line(
                    index,
                    label=label,
                    p_fake=p_fake,
                    generator=generator,
                    perturbation=perturbation,
                    image=image,
                )
            )
    return lines
