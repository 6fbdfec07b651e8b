"""A reasoner as a victim: the processor's pixels as a function of the picture's, verdict, boxes."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from groundsight.bench.attack.linf import attack
from groundsight.bench.attack.reasoner import ReasonerVictim
from groundsight.bench.attack.records import Aim, AttackSettings
from groundsight.bench.attack.run import start_attack
from groundsight.bench.attack.shown_pixels import trace_processor
from groundsight.bench.attack.victim import to_image
from groundsight.core.errors import UsageError
from groundsight.core.types import ImageRef, Label, Sample, SampleRegion
from groundsight.experts.tracing import to_pixels
from groundsight.models.load import LoadedModel, load_model
from groundsight.models.nano import nano_processor, save_nano
from groundsight.models.nano_size import TOY
from groundsight.vision.images import open_picture

FAMILIES = ("qwen2_5_vl", "qwen3_vl")


def noise(size: tuple[int, int], seed: int = 0) -> Image.Image:
    width, height = size
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(pixels)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("size", [(64, 64), (90, 50), (33, 71), (400, 300)])
def test_at_the_picture_the_function_gives_the_processors_pixels(
    family: str, size: tuple[int, int]
) -> None:
    images = nano_processor(family, size=TOY).image_processor
    picture = noise(size)
    wanted = images(images=[picture], return_tensors="pt")["pixel_values"]
    found = trace_processor(images, picture)(to_pixels(picture))
    torch.testing.assert_close(found, wanted, atol=2e-5, rtol=0)


@pytest.mark.parametrize("family", FAMILIES)
def test_of_another_picture_it_is_the_processors_but_for_rounding(family: str) -> None:
    """Of a picture that needs no resize: every pixel has its own place, so nothing is rounded."""
    images = nano_processor(family, size=TOY).image_processor
    side = 4 * images.patch_size
    picture, other = noise((side, side)), noise((side, side), seed=1)
    wanted = images(images=[other], return_tensors="pt")["pixel_values"]
    found = trace_processor(images, picture)(to_pixels(other))
    torch.testing.assert_close(found, wanted, atol=2e-5, rtol=0)


def test_a_resize_mixes_pixels_as_pillow_does() -> None:
    images = nano_processor(size=TOY).image_processor
    # No black and no white: where bicubic overshoots them, what is cut off has no gradient.
    levels = 60 + np.asarray(noise((100, 75))).astype(int) // 2
    shift = np.random.default_rng(3).integers(-6, 7, levels.shape)
    picture, other = (Image.fromarray(x.astype(np.uint8)) for x in (levels, levels + shift))
    wanted = images(images=[other], return_tensors="pt")["pixel_values"]
    found = trace_processor(images, picture)(to_pixels(other))
    level = 1 / 255 / min(images.image_std)  # one grey level, normalised
    assert float((found - wanted).abs().max()) < 2.5 * level
    assert float((found - wanted).abs().mean()) < 0.5 * level


def test_a_processor_without_a_grid_is_refused_in_a_line() -> None:
    class Tiles:
        def __call__(self, **_: object) -> dict[str, torch.Tensor]:
            return {"pixel_values": torch.zeros(1, 3, 8, 8)}

    with pytest.raises(UsageError, match="Qwen's families"):
        trace_processor(Tiles(), noise((9, 9)))


@pytest.fixture(scope="module", params=FAMILIES)
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    folder = save_nano(tmp_path_factory.mktemp("nano"), request.param, seed=3, size=TOY)
    return load_model(str(folder), device="cpu")


def sample(folder: Path, label: Label, task: str = "grounded_detection") -> Sample:
    path = folder / f"{label}.png"
    noise((56, 64), seed=label).save(path)
    region = SampleRegion(xyxy=(8, 8, 40, 40), description="six fingers")
    return Sample(
        id=f"s{label}",
        images=(ImageRef(path=str(path), width=56, height=64),),
        task=task,
        label=label,
        regions=(region,) if label else (),
    )


@pytest.mark.parametrize("aim", ["verdict", "boxes", "both"])
def test_the_attack_makes_the_right_reply_less_likely(
    loaded: LoadedModel, tmp_path: Path, aim: Aim
) -> None:
    victim, one = ReasonerVictim(loaded, aim=aim, max_new_tokens=8), sample(tmp_path, 1)
    picture = open_picture(one.images[0].path)
    loss = victim.loss(one, picture)
    pixels = to_pixels(Image.fromarray(picture.rgb))
    found = attack(loss, pixels, level=8, settings=AttackSettings(steps=2))
    with torch.no_grad():
        clean = float(loss(pixels))
        # The rounded file, processed anew by the model's own processor, is less likely too.
        changed = tmp_path / "changed.png"
        to_image(found.pixels).save(changed)
        again = victim.loss(one, open_picture(changed))
        judged = float(again(to_pixels(Image.open(changed).convert("RGB"))))
    assert found.loss > clean
    assert judged > clean


def test_the_loss_is_that_of_the_aimed_tokens_alone(loaded: LoadedModel, tmp_path: Path) -> None:
    """Restated: the whole reply's log-probabilities, and those of the tokens of "fake"."""
    from groundsight.models.encoding import ExchangeCoder
    from groundsight.tasks import TASKS

    one = sample(tmp_path, 1)
    picture = open_picture(one.images[0].path)
    task, dialect = TASKS[one.task], loaded.dialect
    reply = task.gold_reply(one, dialect)
    coder = ExchangeCoder(loaded.processor)
    batch = coder.collate([coder.encode(task.messages(one, dialect), [picture.rgb], reply)])
    labels = batch.pop("labels")[0]
    with torch.no_grad():
        logits = loaded.model(**batch).logits[0]
    tokenizer = loaded.processor.tokenizer
    start = int((labels != -100).nonzero()[0])
    said, places = "", []
    for place in range(start, len(labels)):
        before, said = said, said + tokenizer.decode([int(labels[place])])
        verdict = reply.index("<verdict>") + len("<verdict>")
        word = reply[verdict : reply.index("</verdict>")]
        first = verdict + len(word) - len(word.lstrip())
        if len(before) < verdict + len(word.rstrip()) and len(said) > first:
            places.append(place)
    nll = -torch.stack(
        [torch.log_softmax(logits[p - 1], -1)[labels[p]] for p in places]
    ).mean()  # fmt: skip
    victim = ReasonerVictim(loaded, aim="verdict", max_new_tokens=8)
    with torch.no_grad():
        found = victim.loss(one, picture)(to_pixels(Image.fromarray(picture.rgb)))
    torch.testing.assert_close(found, nll, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("task", ["grounded_detection", "forgery_reasoning"])
def test_a_run_judges_what_the_model_writes(tmp_path: Path, task: str) -> None:
    folder = save_nano(tmp_path / "nano", seed=3, size=TOY)
    victim = ReasonerVictim(load_model(str(folder), device="cpu"), max_new_tokens=6)
    samples = [sample(tmp_path, 0, task), sample(tmp_path, 1, task)]
    settings = AttackSettings(levels=(0, 4), method="fgsm", codec="jpeg-90")
    with start_attack(lambda: samples, victim, tmp_path / "out", settings) as run:
        lines = list(run)
        found = run.finish()
    assert all(line.problem is None for line in lines)
    # A model with random weights has no verdict to lose: none is right, before and after.
    assert [one.accuracy for one in found.figures] == [0.0, 0.0]
    assert all(outcome.verdict is None for line in lines for outcome in line.outcomes)
    boxes = [outcome.region_iou for outcome in lines[1].outcomes]
    assert boxes == ([0.0, 0.0] if task == "grounded_detection" else [None, None])
    assert found.victim["name"] == "hf"


def test_a_real_picture_has_no_boxes_to_aim_at(loaded: LoadedModel, tmp_path: Path) -> None:
    victim, one = ReasonerVictim(loaded, aim="boxes"), sample(tmp_path, 0)
    with pytest.raises(UsageError, match="s0 has no boxes to aim at"):
        victim.loss(one, open_picture(one.images[0].path))
