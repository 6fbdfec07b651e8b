"""Write `examples/rehearse_completions.jsonl`, the file that docs/rehearse.md shows.

Twelve questions of grounded detection, eight completions each, by a seeded stand-in for a model
half-way through its cold start: it is right about seven times in ten, its boxes are near, it
sometimes shatters a box into strips, forgets a tag or stops early. No model wrote them.

    python scripts/make_rehearsal_example.py
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from groundsight.core.seeds import make_rng
from groundsight.core.types import ImageRef, Sample, SampleRegion, Verdict
from groundsight.replies.dialect import Dialect
from groundsight.replies.place import AnswerRegion
from groundsight.rewards.recorded import RecordedGroup, write_groups
from groundsight.tasks import TASKS
from groundsight.tasks.polarity import opposite

OUT = Path(__file__).parents[1] / "examples" / "rehearse_completions.jsonl"
NUM_QUESTIONS, NUM_COMPLETIONS, SEED = 12, 8, 3
WIDTH, HEIGHT = 1024, 768
FLAWS = (
    "the hand has six fingers",
    "the earring melts into the neck",
    "letters that belong to no alphabet",
    "the shadow falls towards the light",
    "the railing passes through the sleeve",
    "the iris is not round",
)
TASK, DIALECT = TASKS["grounded_detection"], Dialect.of("qwen2_5_vl")


def main() -> None:
    """Write the file."""
    groups = [RecordedGroup(sample=sample, completions=_answers(sample)) for sample in _samples()]
    write_groups(OUT, groups)


def _samples() -> list[Sample]:
    samples = []
    for i in range(NUM_QUESTIONS):
        rng = make_rng(SEED, "sample", i)
        fake = i % 2
        regions = [_region(rng) for _ in range(int(rng.integers(1, 4)) if fake else 0)]
        samples.append(
            Sample(
                id=f"example-{i:02}",
                images=(ImageRef(path=f"pictures/{i:02}.jpg", width=WIDTH, height=HEIGHT),),
                task=TASK.name,
                label=1 if fake else 0,
                regions=tuple(regions),
                tags=("anatomy", "lighting")[: fake * 2],
                source="examples, written by a script",
            )
        )
    return samples


def _region(rng: np.random.Generator) -> SampleRegion:
    x0, y0 = (round(float(v)) for v in rng.uniform((40, 40), (700, 500)))
    width, height = (round(float(v)) for v in rng.uniform(80, 240, 2))
    flaw = FLAWS[int(rng.integers(len(FLAWS)))]
    return SampleRegion(
        xyxy=(float(x0), float(y0), float(x0 + width), float(y0 + height)), description=flaw
    )


def _answers(sample: Sample) -> tuple[str, ...]:
    # Some pictures are easy, some hopeless: that is where zero-variance groups come from.
    skill = float(make_rng(SEED, "skill", sample.id).choice([0.05, 0.6, 0.8, 1.0]))
    return tuple(_answer(sample, skill, i) for i in range(NUM_COMPLETIONS))


def _answer(sample: Sample, skill: float, number: int) -> str:
    rng = make_rng(SEED, sample.id, number)
    gold = TASK.gold_answer(sample)
    assert gold.verdict is not None
    verdict = gold.verdict if rng.random() < skill else opposite(gold.verdict)
    regions: tuple[AnswerRegion, ...] = ()
    if verdict is Verdict.AI_GENERATED:
        near = gold.regions or (AnswerRegion(xyxy_px=(300.0, 200.0, 460.0, 380.0)),)
        regions = tuple(_jitter(region, rng) for region in near)
        if rng.random() < 0.15:
            regions = tuple(strip for region in regions for strip in _shatter(region))
    answer = replace(gold, verdict=verdict, regions=regions)
    text = TASK.render(answer, sample, DIALECT)
    fault = rng.random() if skill < 1.0 else 1.0
    if fault < 0.08:
        return text[: len(text) * 2 // 3]
    return text.replace("</tag>", "") if fault < 0.14 else text


def _jitter(region: AnswerRegion, rng: np.random.Generator) -> AnswerRegion:
    x0, y0, x1, y1 = region.xyxy_px
    dx, dy = rng.normal(0, 0.15, 2) * (x1 - x0, y1 - y0)
    grow = float(rng.uniform(0.8, 1.3))
    left, top = float(x0 + dx), float(y0 + dy)
    moved = (left, top, left + (x1 - x0) * grow, top + (y1 - y0) * grow)
    caption = region.description or FLAWS[int(rng.integers(len(FLAWS)))]
    return replace(region, xyxy_px=moved, description=caption)


def _shatter(region: AnswerRegion) -> list[AnswerRegion]:
    x0, y0, x1, y1 = region.xyxy_px
    edges = np.linspace(y0, y1, 13)
    pairs = zip(edges[:-1:2], edges[1::2], strict=True)
    return [replace(region, xyxy_px=(x0, float(low), x1, float(high))) for low, high in pairs]


if __name__ == "__main__":
    main()
