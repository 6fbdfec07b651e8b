"""The made set: photographs stay in their split, samples go to one later stage."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from groundsight.data.samples import read_samples
from groundsight.demo import photos as photographs
from groundsight.demo.settings import AMOUNTS, DemoSettings, DemoTask
from groundsight.demo.stage import Work
from groundsight.demo.stages import pictures
from groundsight.tasks import TASKS

FILES = (pictures.COLD, pictures.POOL, pictures.VALIDATION, pictures.HELD_OUT)


@pytest.fixture(autouse=True)
def _in_this_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No worker processes, no photographs but the test's, and few pictures."""
    for task, amounts in AMOUNTS.items():
        few = {"num_pictures": 60, "num_cold": 20, "num_pool": 10, "num_held_out": 10}
        monkeypatch.setitem(AMOUNTS, task, amounts.model_copy(update=few))
    monkeypatch.setattr(pictures, "num_cores", lambda: 1)
    monkeypatch.setattr(photographs, "PHOTOS", {})
    photographs.photos_digest.cache_clear()
    yield
    photographs.photos_digest.cache_clear()


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(10):
        small = rng.integers(0, 255, (12, 12, 3), dtype=np.uint8)
        picture = Image.fromarray(small).resize((260, 260), Image.Resampling.BICUBIC)
        picture.save(folder / f"{number}.png")
    return folder


def make(tmp_path: Path, photos: Path, task: DemoTask, *, resume: bool = False) -> Work:
    settings = DemoSettings(task=task, photos=(photos,))
    folder = tmp_path / task
    folder.mkdir(exist_ok=True)
    work = Work(
        settings=settings,
        folder=folder,
        records={},
        folders={},
        resume=resume,
        say=lambda _: None,
    )
    pictures.make_pictures(work)
    return work


@pytest.mark.parametrize("task", ["grounded_detection", "multi_image_grounding"])
def test_held_out_photographs_are_seen_by_no_other_stage(
    tmp_path: Path, photos: Path, task: DemoTask
) -> None:
    folder = make(tmp_path, photos, task).folder
    samples = {name: list(read_samples(folder / name)) for name in FILES}
    ids = [sample.id for some in samples.values() for sample in some]
    assert len(set(ids)) == len(ids)
    assert {s.split for s in samples[pictures.HELD_OUT]} == {"test"}
    assert {s.split for s in (*samples[pictures.COLD], *samples[pictures.POOL])} == {"train"}
    grounds = _grounds_by_split(folder / ("made" if task == "grounded_detection" else "boxed"))
    assert not grounds["test"] & (grounds["train"] | grounds["val"])
    assert {sample.task for some in samples.values() for sample in some} == {task}
    for sample in samples[pictures.HELD_OUT][:5]:
        assert TASKS[task].gold_reply(sample)


def test_both_classes_and_a_region_each(tmp_path: Path, photos: Path) -> None:
    folder = make(tmp_path, photos, "grounded_detection").folder
    samples = list(read_samples(folder / pictures.COLD))
    edited = [sample for sample in samples if sample.label == 1]
    assert 0.3 < len(edited) / len(samples) < 0.7
    assert all(len(sample.regions) == 1 for sample in edited)


def test_it_goes_on_where_it_stopped(tmp_path: Path, photos: Path) -> None:
    folder = make(tmp_path, photos, "grounded_detection").folder
    before = (folder / pictures.HELD_OUT).read_bytes()
    manifest = folder / "made" / "manifest.jsonl"
    lines = manifest.read_bytes().splitlines(keepends=True)
    manifest.write_bytes(b"".join(lines[:5]) + lines[5][:20])
    make(tmp_path, photos, "grounded_detection", resume=True)
    assert manifest.read_bytes().splitlines(keepends=True) == lines
    assert (folder / pictures.HELD_OUT).read_bytes() == before


def test_the_same_settings_are_the_same_stage(photos: Path) -> None:
    settings = DemoSettings(photos=(photos,))
    depends = pictures.STAGE.depends
    assert depends(settings) == depends(settings.model_copy(update={"teacher": "openai:x#y"}))
    assert depends(settings) != depends(settings.model_copy(update={"seed": 1}))
    assert depends(settings) != depends(
        settings.model_copy(update={"task": "multi_image_grounding"})
    )


def _grounds_by_split(folder: Path) -> dict[str, set[str]]:
    """Photographs below the pictures, by the split of their samples."""
    found: dict[str, set[str]] = {"train": set(), "val": set(), "test": set()}
    for text in (folder / "manifest.jsonl").read_text().splitlines():
        line = json.loads(text)
        for sample in line["samples"]:
            found[sample["split"]].add(line["record"]["photo"]["sha256"])
    assert all(found.values())
    return found
