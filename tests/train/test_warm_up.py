"""Dense labels of a warm-up, worked by hand, and a tower that gets better at them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import torch

from groundsight.core.errors import UsageError
from groundsight.core.types import Sample
from groundsight.models.nano import build_nano
from groundsight.models.nano_size import TOY
from groundsight.synth.shapes import OBJECTS, write_shapes
from groundsight.train.samples import read_samples
from groundsight.train.warm_up import WarmUp, dense_labels, warm_up_tower


def shapes(folder: Path, num: int, **settings: bool | int) -> list[Sample]:
    write_shapes(folder, num, side_px=128, grid=2, **settings)  # type: ignore[arg-type]
    return read_samples(folder / "samples.jsonl")


def at(sample: Sample, objects: Sequence[Mapping[str, object]]) -> Sample:
    return sample.model_copy(update={"extra": {OBJECTS: objects}, "regions": ()})


def test_every_object_is_told_where_it_lies_and_only_a_region_is_asked_for(tmp_path: Path) -> None:
    real, fake = shapes(tmp_path, 2, grey=True)
    _, processor = build_nano("qwen3_vl", size=TOY)
    top_left = {"name": "red circle", "xyxy_px": [0.0, 0.0, 32.0, 32.0]}
    lower_right = {"name": "blue square", "xyxy_px": [64.0, 64.0, 128.0, 128.0]}
    region = fake.regions[0].model_copy(update={"xyxy": (64.0, 64.0, 128.0, 128.0)})
    asked = at(fake, [top_left, lower_right]).model_copy(update={"regions": (region,)})
    labels = dense_labels(processor, [at(real, [top_left]), asked])
    assert labels.grid.tolist() == [1, 8, 8]  # 16 px patches, merged by two: 4 × 4 tokens
    kinds = labels.kinds.view(2, 4, 4)
    assert kinds[0].flatten().tolist() == [2] + [0] * 15  # blue square, red circle: by name
    assert kinds[1, 2:, 2:].tolist() == [[1, 1], [1, 1]]
    assert labels.asked[0].sum() == 0
    assert labels.asked.view(2, 4, 4)[1, 2:, 2:].sum() == labels.asked.sum() == 4
    assert labels.boxes[1, 0].tolist() == [0, 0, 25, 25]
    assert labels.boxes[1, 15].tolist() == [50, 50, 99, 99]


def test_regions_are_the_labels_where_a_sample_knows_no_other_objects(tmp_path: Path) -> None:
    _, fake = shapes(tmp_path, 2)
    _, processor = build_nano("qwen3_vl", size=TOY)
    labels = dense_labels(processor, [fake.model_copy(update={"extra": {}})])
    assert set(labels.kinds.flatten().tolist()) == {0, 1}
    assert torch.equal(labels.asked, (labels.kinds > 0).float())


def test_the_tower_learns_and_the_language_model_is_not_touched(tmp_path: Path) -> None:
    samples = shapes(tmp_path, 16)
    model, processor = build_nano("qwen3_vl", size=TOY)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    losses = warm_up_tower(model, processor, samples, WarmUp(steps=120, batch_size=16))
    assert sum(losses[-10:]) < 0.8 * sum(losses[:10])
    for name, value in model.state_dict().items():
        if ".language_model." in name or name.startswith("lm_head"):
            assert torch.equal(value, before[name]), name


@pytest.mark.parametrize(
    ("break_it", "complaint"),
    [
        (lambda s: [s[0].model_copy(update={"extra": {}, "regions": ()})], "none has any"),
        (lambda s: [s[0].model_copy(update={"images": s[0].images * 2})], "one picture a sample"),
    ],
)
def test_samples_that_cannot_warm_up_are_refused(
    tmp_path: Path, break_it: object, complaint: str
) -> None:
    samples = shapes(tmp_path, 2)
    _, processor = build_nano("qwen3_vl", size=TOY)
    assert callable(break_it)
    with pytest.raises(UsageError, match=complaint):
        dense_labels(processor, break_it(samples))
