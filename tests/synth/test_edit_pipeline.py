"""Sets of edited photographs: classes alike but for the edit, exact records, resume."""

import json
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.synth.full_marks import assert_full_marks
from tests.synth.toy_photos import toy_photo, write_photos

from groundsight.core.errors import UsageError
from groundsight.core.types import Sample
from groundsight.synth.edit_plan import EditPlan
from groundsight.synth.edit_settings import EditSettings
from groundsight.synth.photos import parse_splits, scan_photos
from groundsight.synth.pipeline import make_edits
from groundsight.synth.runs import MANIFEST, read_manifest

ROOT = Path(__file__).parents[2]
SMALL = EditSettings(size_px=96, splits={})


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_photos(tmp_path_factory.mktemp("photos"), 12)


def samples_of(folder: Path, name: str = "samples") -> list[Sample]:
    text = (folder / f"{name}.jsonl").read_text(encoding="utf-8")
    return [Sample.model_validate_json(line) for line in text.splitlines()]


def tree_of(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_before_the_codec_nothing_outside_the_regions_differs(photos: Path) -> None:
    plan = EditPlan(SMALL, scan_photos(map(str, sorted(photos.iterdir()))).photos)
    names = set()
    for unit in range(40):
        pair = plan.make_pair(unit)
        differs = (pair.real != pair.edited).any(axis=2)
        inside = np.zeros_like(differs)
        for one in pair.edits:
            x0, y0, x1, y1 = (int(side) for side in one.edited.xyxy_px)
            inside[y0:y1, x0:x1] = True
            # Tight: each of the four sides of each box holds a pixel that differs.
            box = differs[y0:y1, x0:x1]
            assert box[0].any() and box[-1].any() and box[:, 0].any() and box[:, -1].any()
            names.add(one.edited.edit)
        assert differs.any() and not differs[~inside].any()
    assert len(names) == 9


def test_twins_share_crop_size_format_and_quality(photos: Path, tmp_path: Path) -> None:
    settings = SMALL.model_copy(update={"twins": "pairs", "max_aspect": 1.6})
    make_edits([str(photos)], tmp_path, 40, settings)
    samples = samples_of(tmp_path)
    sizes, suffixes = set(), set()
    for real, fake in zip(samples[0::2], samples[1::2], strict=True):
        assert {real.label, fake.label} == {0, 1}
        assert real.extra["pair"] == fake.extra["pair"]
        a, b = (Image.open(tmp_path / sample.images[0].path) for sample in (real, fake))
        assert a.size == b.size == (real.images[0].width, real.images[0].height)
        assert a.format == b.format and a.info.keys() == b.info.keys()
        if a.format == "JPEG":
            assert a.quantization == b.quantization  # type: ignore[attr-defined]
            assert a.layer == b.layer  # type: ignore[attr-defined]
        assert max(a.size) == 96
        sizes.add(a.size)
        suffixes.add(Path(real.images[0].path).suffix)
    assert len(sizes) > 5 and suffixes == {".png", ".jpg", ".webp"}


def test_lossless_pictures_are_exactly_what_the_manifest_says(photos: Path, tmp_path: Path) -> None:
    settings = SMALL.model_copy(update={"twins": "pairs", "formats": ("png",), "most_edits": 3})
    make_edits([str(photos)], tmp_path, 20, settings)
    for line in read_manifest(tmp_path):
        rgbs = {
            sample.label: np.asarray(Image.open(tmp_path / sample.images[0].path))
            for sample in line.samples
        }
        differs = (rgbs[0] != rgbs[1]).any(axis=2)
        fake = next(sample for sample in line.samples if sample.label == 1)
        told = [edit["xyxy_px"] for edit in line.record["edits"]]
        assert [list(region.xyxy) for region in fake.regions] == told
        assert [r.description for r in fake.regions] == [e["caption"] for e in line.record["edits"]]
        for x0, y0, x1, y1 in told:
            differs[int(y0) : int(y1), int(x0) : int(x1)] = False
        assert not differs.any()
        assert line.record["codec"] == {"format": "png", "quality": None, "subsampling": None}
        photo = line.record["photo"]
        assert photo["sha256"] == fake.extra["photo_sha256"] and photo["size"] == [150, 120]


@pytest.mark.parametrize("twins", ["pairs", "disjoint"])
def test_half_are_edited_and_disjoint_sets_hold_one_picture_a_crop(
    photos: Path, tmp_path: Path, twins: str
) -> None:
    settings = SMALL.model_copy(update={"twins": twins})
    summary = make_edits([str(photos)], tmp_path, 30, settings)
    assert summary.counts["label"] == {"real": 15, "edited": 15}
    crops = [json.dumps(line.record["crop"]) for line in read_manifest(tmp_path)]
    assert len(set(crops)) == len(crops) == (15 if twins == "pairs" else 30)
    samples = samples_of(tmp_path)
    assert len({sample.id for sample in samples}) == 30
    assert all(
        bool(sample.regions) == bool(sample.tags) == (sample.label == 1) for sample in samples
    )
    # Neither the order nor the path says which is which.
    assert 3 < sum(sample.label == 1 for sample in samples[0::2]) < 12


@pytest.mark.parametrize("task", ["grounded_detection", "forgery_reasoning"])
def test_gold_replies_earn_full_marks(photos: Path, tmp_path: Path, task: str) -> None:
    settings = SMALL.model_copy(update={"task": task, "most_edits": 3})
    make_edits([str(photos)], tmp_path, 40, settings)
    for sample in samples_of(tmp_path):
        assert_full_marks(sample)


def test_splits_part_photographs_donors_too(photos: Path, tmp_path: Path) -> None:
    shares = {"train": 0.5, "val": 0.25, "test": 0.25}
    settings = EditSettings(size_px=96, edits=("paste",), twins="pairs", splits=shares)
    summary = make_edits([str(photos)], tmp_path, 80, settings)
    assert set(summary.files) == {"train.jsonl", "val.jsonl", "test.jsonl"}
    of: dict[str, set[str]] = {}
    for line in read_manifest(tmp_path):
        split = line.record["photo"]["split"]
        assert {sample.split for sample in line.samples} == {split}
        of.setdefault(split, set()).add(line.record["photo"]["sha256"])
        for edit in line.record["edits"]:
            of[split].add(edit["donor"]["photo"]["sha256"])
            assert edit["donor"]["photo"]["sha256"] != line.record["photo"]["sha256"]
    train, val, test = (of.get(name, set()) for name in ("train", "val", "test"))
    assert len(train) > len(val) >= 1 and not (train & val or train & test or val & test)


def test_a_split_of_one_photograph_does_without_pastes(photos: Path, tmp_path: Path) -> None:
    one = str(sorted(photos.iterdir())[0])
    summary = make_edits([one], tmp_path, 20, SMALL)
    assert summary.num_photos == 1 and "paste" not in summary.counts["edit"]
    settings = SMALL.model_copy(update={"edits": ("paste",)})
    with pytest.raises(UsageError, match="paste takes from a second photograph"):
        make_edits([one], tmp_path / "none", 20, settings)
    settings = EditSettings(size_px=96, edits=("paste",))
    with pytest.raises(UsageError, match="the split 'val' has one"):
        make_edits([str(photos)], tmp_path / "none", 20, settings)


def test_any_subset_is_made_again_alike_whatever_the_number_and_the_workers(
    photos: Path, tmp_path: Path
) -> None:
    make_edits([str(photos)], tmp_path / "a", 18, SMALL)
    make_edits([str(photos)], tmp_path / "b", 26, SMALL, workers=2)
    first, second = tree_of(tmp_path / "a" / "pictures"), tree_of(tmp_path / "b" / "pictures")
    assert len(first) == 18 and len(second) == 26
    assert first.items() <= second.items()
    lines = [(tmp_path / name / MANIFEST).read_bytes().splitlines() for name in "ab"]
    assert lines[1][:18] == lines[0]


def test_another_seed_is_another_set(photos: Path, tmp_path: Path) -> None:
    for seed in (0, 1):
        settings = SMALL.model_copy(update={"seed": seed})
        make_edits([str(photos)], tmp_path / str(seed), 6, settings)
    first, second = (tree_of(tmp_path / name / "pictures").values() for name in "01")
    assert not set(first) & set(second)


def test_a_stopped_run_goes_on_and_ends_as_one_that_was_never_stopped(
    photos: Path, tmp_path: Path
) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    make_edits([str(photos)], whole, 20, SMALL)
    make_edits([str(photos)], cut, 11, SMALL)
    lines = (cut / MANIFEST).read_bytes().splitlines(keepends=True)
    # A torn line, a picture of the line before it lost, and one half written.
    (cut / MANIFEST).write_bytes(b"".join(lines[:10]) + lines[10][: len(lines[10]) // 2])
    gone = json.loads(lines[8])["files"][0]["path"]
    (cut / gone).unlink()
    half = cut / json.loads(lines[9])["files"][0]["path"]
    half.write_bytes(half.read_bytes()[:50])
    summary = make_edits([str(photos)], cut, 20, SMALL, resume=True)
    assert summary.num_before == 8
    assert tree_of(cut) == tree_of(whole)
    again = make_edits([str(photos)], cut, 20, SMALL, resume=True)
    assert again.num_before == 20 and tree_of(cut) == tree_of(whole)


def children_of(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in listed.read_text().split()] if listed.exists() else []


def is_running(pid: int) -> bool:
    with suppress(OSError):
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state != "Z"
    return False


@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_run_goes_on(photos: Path, tmp_path: Path, workers: int) -> None:
    program = (
        "import sys; from groundsight.synth.pipeline import make_edits;"
        "from groundsight.synth.edit_settings import EditSettings;"
        "from pathlib import Path;"
        "settings = EditSettings(size_px=96, splits={});"
        f"make_edits([sys.argv[1]], Path(sys.argv[2]), 3000, settings, workers={workers})"
    )
    out = tmp_path / "out"
    run = subprocess.Popen(
        [sys.executable, "-c", program, str(photos), str(out)],
        env={"PYTHONPATH": str(ROOT / "src")},
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and run.poll() is None:
        if (out / MANIFEST).exists() and (out / MANIFEST).read_bytes().count(b"\n") >= 12:
            break
        time.sleep(0.01)
    assert run.poll() is None, "it ended before it could be killed"
    children = children_of(run.pid)
    run.send_signal(signal.SIGKILL)
    run.wait()
    while any(map(is_running, children)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not any(map(is_running, children)), "workers outlived their run"
    done = (out / MANIFEST).read_bytes().count(b"\n")
    # What it would have been, made without a kill, of which nothing is lost and nothing doubled.
    summary = make_edits([str(photos)], out, done + 5, SMALL, resume=True)
    assert done <= summary.num_before + 1 <= done + 1
    make_edits([str(photos)], tmp_path / "whole", done + 5, SMALL)
    assert samples_of(out) == samples_of(tmp_path / "whole")


def test_what_cannot_be_used_is_told_and_the_set_is_whole(photos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    shutil.copytree(photos, folder)
    paths = sorted(folder.iterdir())
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "words.png").write_text("no picture")
    (folder / "copy.png").write_bytes(paths[0].read_bytes())
    Image.fromarray(toy_photo(50, 50, 300)).save(folder / "small.png")
    data = paths[2].read_bytes()
    (folder / "torn.png").write_bytes(data[: len(data) // 2] + b"torn")
    Image.new("RGB", (150, 120), (9, 9, 9)).save(folder / "plain.png")
    settings = SMALL.model_copy(update={"edits": ("blur", "clone", "paste")})
    summary = make_edits([str(folder)], tmp_path / "out", 60, settings)
    assert summary.files == {"samples.jsonl": 60}
    lines = (tmp_path / "out" / "faults.jsonl").read_text().splitlines()
    told = {Path(row["path"]).name: row["code"] for row in map(json.loads, lines)}
    # "copy.png" sorts behind the numbers, so it is the copy.
    assert told == {
        "empty.jpg": "empty_file",
        "words.png": "not_a_picture",
        "copy.png": "duplicate",
        "small.png": "too_small",
        "torn.png": "damaged",
    }
    used = [Path(line.record["photo"]["path"]).name for line in read_manifest(tmp_path / "out")]
    assert "torn.png" not in used


def test_a_plain_photograph_is_neither_real_nor_edited(tmp_path: Path) -> None:
    folder = write_photos(tmp_path / "photos", 3)
    Image.new("RGB", (150, 120), (9, 9, 9)).save(folder / "plain.png")
    settings = SMALL.model_copy(update={"edits": ("blur", "resample")})
    make_edits([str(folder)], tmp_path / "out", 40, settings)
    used = {Path(line.record["photo"]["path"]).name for line in read_manifest(tmp_path / "out")}
    assert used == {"000.png", "001.jpg", "002.png"}
    only = tmp_path / "only"
    only.mkdir()
    Image.new("RGB", (150, 120), (9, 9, 9)).save(only / "plain.png")
    with pytest.raises(UsageError, match="no photograph can be edited"):
        make_edits([str(only)], tmp_path / "none", 2, settings)


def test_large_photographs_are_reduced_and_crops_told_in_their_own_pixels(tmp_path: Path) -> None:
    folder = write_photos(tmp_path / "photos", 2, height=700, width=900)
    make_edits([str(folder)], tmp_path / "out", 6, SMALL)
    widths = [
        line.record["crop"]["xyxy_px"][2] - line.record["crop"]["xyxy_px"][0]
        for line in read_manifest(tmp_path / "out")
    ]
    assert all(350 <= width <= 700.1 for width in widths)


def test_mistakes_are_told(photos: Path, tmp_path: Path) -> None:
    make_edits([str(photos)], tmp_path / "held", 4, SMALL)

    def fails(words: str, num: int = 4, resume: bool = False, **changed: object) -> None:
        settings = EditSettings.model_validate(SMALL.model_dump() | changed)
        with pytest.raises(UsageError, match=words):
            make_edits([str(photos)], tmp_path / "held", num, settings, resume=resume)

    fails("holds a run already: add --resume")
    fails(r"begun with another edits \(see its settings.json\): give the same", resume=True, seed=5)
    fails("holds 4 units already, more than the 2", num=2, resume=True)
    fails("must be 1 or more", num=0)
    fails("even for pairs", num=3, twins="pairs")
    fails("begun with another edits, photos_sha256", resume=True, splits={"a": 0.5, "b": 0.5})
    with pytest.raises(UsageError, match="12 usable photographs cannot fill 13 splits"):
        shares = {f"s{i}": 1 / 13 for i in range(13)}
        make_edits([str(photos)], tmp_path / "new", 4, EditSettings(splits=shares))
    with pytest.raises(UsageError, match="no pictures found"):
        make_edits([str(tmp_path / "held")], tmp_path / "held", 4)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UsageError, match="cannot use"):
        make_edits([str(photos)], tmp_path / "file", 4, SMALL)


def test_a_second_run_in_the_same_folder_is_refused(photos: Path, tmp_path: Path) -> None:
    fcntl = pytest.importorskip("fcntl")
    make_edits([str(photos)], tmp_path, 2, SMALL)
    with (tmp_path / MANIFEST).open("r+b") as file:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX)
        with pytest.raises(UsageError, match="another run is writing"):
            make_edits([str(photos)], tmp_path, 4, SMALL, resume=True)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("train", "splits read"),
        ("train=x", "splits read"),
        ("a/b=1", "splits read"),
        ("train=0.5", "add up to 1"),
        ("train=1.5,val=-0.5", "above 0"),
        ("a=nan", "add up to 1"),
    ],
)
def test_splits_that_are_none(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse_splits(text)


def test_splits_do_not_depend_on_names_and_order(tmp_path: Path) -> None:
    folder = write_photos(tmp_path / "photos", 10)
    shares = parse_splits("train=0.7,val=0.2,test=0.1")
    paths = [str(path) for path in sorted(folder.iterdir())]
    first = {p.sha256: p.split for p in scan_photos(paths, splits=shares).photos}
    moved = tmp_path / "moved.png"
    shutil.copy(paths[0], moved)
    again = scan_photos([*paths[:0:-1], str(moved)], splits=shares)
    assert {photo.sha256: photo.split for photo in again.photos} == first
    counts = [list(first.values()).count(name) for name in shares]
    assert counts == [7, 2, 1]
