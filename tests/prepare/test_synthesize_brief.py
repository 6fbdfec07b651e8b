"""The brief rules: the gold reply of the task, and records that say who wrote it."""

import json
from pathlib import Path

import pytest
from PIL import Image

from groundsight.core.errors import UsageError
from groundsight.core.types import ImageRef, Sample, SampleRegion
from groundsight.data.samples import SampleWriter
from groundsight.engines import EngineOptions
from groundsight.prepare.synthesize import Kept, SynthesisSettings, load_teacher, start_synthesis
from groundsight.tasks import TASKS

REGION = SampleRegion(xyxy=(10, 10, 60, 60), description="this part is blurred")


def make_samples(folder: Path) -> tuple[Path, list[Sample]]:
    Image.new("RGB", (200, 100), "red").save(folder / "red.png")
    image = ImageRef(path=str(folder / "red.png"), width=200, height=100)
    samples = [
        Sample(id="real", images=(image,), task="grounded_detection", label=0),
        Sample(id="fake", images=(image,), task="grounded_detection", label=1, regions=(REGION,)),
        Sample(
            id="pair",
            images=(image, image),
            task="multi_image_grounding",
            question="Where do they differ?",
            regions=(REGION.model_copy(update={"image_index": 1}),),
        ),
    ]
    path = folder / "samples.jsonl"
    with SampleWriter(path) as writer:
        for sample in samples:
            writer.write(sample)
    return path, samples


def test_it_writes_gold_replies_that_pass_the_filters(tmp_path: Path) -> None:
    path, samples = make_samples(tmp_path)
    settings = SynthesisSettings(min_words=5, max_similarity=1.0)
    teacher = load_teacher("rules:brief", EngineOptions(), settings)
    with start_synthesis(path, teacher, settings, out=tmp_path / "out") as run:
        kept = [one for one in run if isinstance(one, Kept)]
    assert [one.sample.extra["reply"] for one in kept] == [
        TASKS[sample.task].gold_reply(sample) for sample in samples
    ]
    told = json.dumps(kept[0].sample.extra["synthesis"])
    assert "rules:brief" in told and '"written_by": "rules"' in told


def test_it_takes_no_options_of_a_model() -> None:
    with pytest.raises(UsageError, match="rules:brief takes no --batch-size"):
        load_teacher("rules:brief", EngineOptions(batch_size=2), SynthesisSettings())
