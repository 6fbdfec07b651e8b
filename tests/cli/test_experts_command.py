"""`groundsight experts list` and `score`."""

import json
from pathlib import Path

import pytest
from tests.cli.in_process import run
from tests.experts.toy_bright_expert import make_trained, plain_picture

from groundsight.core.types import ImageRef, Sample
from groundsight.data.samples import SampleWriter, read_samples
from groundsight.experts import expert_names, save_expert


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an expert, three pictures in real and fake, and nothing else on the machine."""
    monkeypatch.setenv("GROUNDSIGHT_EXPERTS", str(tmp_path / "experts"))
    save_expert(make_trained(), tmp_path / "experts" / "mine")
    for name, level in (("real/a.png", 20), ("real/b.png", 90), ("fake/c.png", 240)):
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        plain_picture(level).save(path)
    return tmp_path


def test_the_list_tells_every_expert_its_licence_and_what_is_here(here: Path) -> None:
    done = run("experts", "list")
    assert done.returncode == 0
    for name in expert_names():
        assert f"\n{name} " in f"\n{done.stdout}"
    assert "CC BY-NC-SA 4.0" in done.stdout
    assert f"not here; put it at {here / 'experts' / 'npr' / 'NPR.pth'}" in done.stdout
    assert f"{here / 'experts' / 'mine'}: " in done.stdout


def test_the_list_is_there_for_programs(here: Path) -> None:
    (here / "experts" / "npr").mkdir()
    (here / "experts" / "npr" / "NPR.pth").write_bytes(b"x")
    told = json.loads(run("experts", "list", "--json").stdout)
    rows = {row["name"]: row for row in told["experts"]}
    assert tuple(rows) == expert_names()
    assert rows["npr"]["weights_here"] == str(here / "experts" / "npr" / "NPR.pth")
    assert rows["cnnspot"]["weights_here"] is None
    assert rows["univfd"]["backbone"] == "openai/clip-vit-large-patch14"


def test_a_folder_of_real_and_fake_is_scored_with_its_labels(here: Path) -> None:
    done = run(
        *("experts", "score", here / "data", "--expert", f"bright={here / 'experts' / 'mine'}"),
        *("--expert", f"wide={here / 'experts' / 'mine'}", "--set", "wide.crop=none"),
        *("--out", here / "scored.jsonl"),
    )
    assert done.returncode == 0, done.stderr
    assert "3 pictures scored" in done.stderr
    read = list(read_samples(here / "scored.jsonl"))
    assert [one.label for one in read] == [1, 0, 0]
    assert all(set(one.experts) == {"bright", "wide"} for one in read)
    assert read[0].experts["bright"] > read[2].experts["bright"] > read[1].experts["bright"]


def test_a_plain_folder_is_scored_without_labels(here: Path) -> None:
    plain_picture(9).save(here / "one.png")
    folder = here / "holiday"
    folder.mkdir()
    (here / "one.png").rename(folder / "one.png")
    (folder / "bad.jpg").write_bytes(b"\xff\xd8\xff")
    mine = here / "experts" / "mine"
    done = run("experts", "score", folder, "--expert", f"b={mine}", "--out", here / "o.jsonl")
    assert done.returncode == 3, done.stderr
    assert "1 could not be scored" in done.stderr
    read = {one.id: one for one in read_samples(here / "o.jsonl")}
    assert read["one.png"].label is None and "b" in read["one.png"].experts
    assert read["bad.jpg"].extra["expert_problems"]


def test_a_file_of_samples_is_scored_and_gone_on_with(here: Path) -> None:
    with SampleWriter(here / "in.jsonl") as writer:
        for name in ("real/a.png", "fake/c.png"):
            image = ImageRef(path=str(here / "data" / name))
            writer.write(Sample(id=name, images=(image,), task="forgery_reasoning"))
    ask = ("experts", "score", here / "in.jsonl", "--expert", f"b={here / 'experts' / 'mine'}")
    assert run(*ask, "--out", here / "out.jsonl").returncode == 0
    again = run(*ask, "--out", here / "out.jsonl", "--resume")
    assert again.returncode == 0 and "2 of 2 were scored already" in again.stderr
    assert len(list(read_samples(here / "out.jsonl"))) == 2


MISTAKES = {
    "unknown expert": (("--expert", "nprr"), "unknown expert 'nprr'. Did you mean 'npr'?"),
    "no weights": (("--expert", "npr"), "no weights of npr on this machine"),
    "twice": (("--expert", "npr", "--expert", "npr"), "two experts are 'npr'"),
    "strange key": (("--expert", "npr", "--set", "nrp.grid=2"), "--set nrp: no such --expert"),
    "no key": (("--expert", "npr", "--weights", "NPR.pth"), "--weights reads KEY=PATH"),
    "flat setting": (("--expert", "npr", "--set", "npr=2"), "--set reads KEY.SETTING=VALUE"),
    "no folder": (("--expert", "./nowhere"), "is no folder of an expert"),
}


@pytest.mark.parametrize("kind", MISTAKES)
def test_a_mistake_is_one_line_and_nothing_is_written(kind: str, here: Path) -> None:
    options, words = MISTAKES[kind]
    done = run("experts", "score", here / "data", *options, "--out", here / "o.jsonl")
    assert done.returncode == 2
    assert words in done.stderr and done.stderr.count("\n") == 1
    assert not (here / "o.jsonl").exists()
