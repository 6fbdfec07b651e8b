"""A benchmark from data to figures: what is scored, what is not, what a stopped run keeps."""

import json
from pathlib import Path

import pytest
from tests.bench.bench_cases import (
    RIGHT,
    TOY,
    by_id,
    grey,
    grey_folder,
    job_of,
    keys_of,
    mig_folder,
    run_all,
    run_some,
    write_recording,
)
from tests.detect.toy_engine import DIES, RAISES

from groundsight.bench.records import SCORES_FILE, read_run, read_unanswered
from groundsight.bench.run import start_bench
from groundsight.core.errors import UsageError
from groundsight.engines import EngineOptions

BOX = "<think>there</think><answer>Image 2: [20, 15, 60, 45]</answer>"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return grey_folder(tmp_path_factory.mktemp("greys"))


def test_the_figures_are_those_of_the_lines(data: Path, tmp_path: Path) -> None:
    run = run_all(job_of(data, tmp_path))
    found = run.figure("accuracy")
    assert found is not None and (found.value, found.num) == (RIGHT / 8, 8)
    assert run.complete and run.num_scored == {"none": 8} and run.num_unanswered == {"none": {}}
    line = by_id(tmp_path)["folder/fake/240.png"]
    assert line.score.p_fake == pytest.approx(240 / 255) and line.score.values["accuracy"] == 1.0
    assert line.said[0].xyxy == (0, 0, 20, 15)
    assert read_run(tmp_path) == run


def test_what_cannot_be_asked_is_never_wrong(tmp_path: Path) -> None:
    data = grey_folder(tmp_path / "data")
    grey(data / "fake" / "raises.png", 250, (RAISES, 9))
    (data / "fake" / "torn.png").write_bytes(b"\x89PNG no picture")
    out = tmp_path / "out"
    run = run_all(job_of(data, out))
    assert run.num_unanswered["none"] == {"engine_failed": 1, "not_a_picture": 1}
    accuracy = run.figure("accuracy")
    assert accuracy is not None and (accuracy.value, accuracy.num) == (RIGHT / 8, 8)
    left = run.figure("num_unscored")
    assert left is not None and left.value == 2
    assert {one.id for one in read_unanswered(out)} == {
        "folder/fake/raises.png",
        "folder/fake/torn.png",
    }


def test_a_resumed_run_loses_and_doubles_nothing(data: Path, tmp_path: Path) -> None:
    job = job_of(data, tmp_path, perturbations=("jpeg-75",))
    stopped = run_some(job, 11)
    assert not stopped.complete and stopped.num_scored == {"none": 8, "jpeg-75": 3}
    with (tmp_path / SCORES_FILE).open("ab") as file:
        file.write(b'{"perturbation":"jpeg-75","score":{"id":"fold')  # torn by a kill
    with pytest.raises(UsageError, match="--resume"):
        start_bench(job)
    resumed = job_of(data, tmp_path, perturbations=("jpeg-75",), resume=True)
    with start_bench(resumed) as run:
        assert (run.num_held, run.num_total) == (11, 16)
        assert len(list(run)) == 5
        done = run.finish()
    keys = keys_of(tmp_path)
    assert len(keys) == len(set(keys)) == 16 and done.complete
    at_once = run_all(job_of(data, tmp_path / "again", perturbations=("jpeg-75",)))
    assert done.figures == at_once.figures
    assert done.fingerprint_sha256 == at_once.fingerprint_sha256


def test_what_failed_is_tried_again_on_resume(tmp_path: Path) -> None:
    data = grey_folder(tmp_path / "data")
    picture = grey(data / "fake" / "x.png", 250)
    good = picture.read_bytes()
    picture.write_bytes(b"")
    out = tmp_path / "out"
    assert run_all(job_of(data, out)).num_unanswered["none"] == {"empty_file": 1}
    picture.write_bytes(good)
    run = run_all(job_of(data, out, resume=True))
    assert run.num_unanswered["none"] == {} and run.num_scored["none"] == 9
    assert list(read_unanswered(out)) == []


def test_a_run_goes_on_only_as_it_began(data: Path, tmp_path: Path) -> None:
    run_some(job_of(data, tmp_path), 3)
    other = job_of(data, tmp_path, engine=f"{TOY}:slow=0.0", resume=True)
    with pytest.raises(UsageError, match=r"begun otherwise: engine\.settings"):
        start_bench(other)
    grown = job_of(data, tmp_path, perturbations=("blur-1",), resume=True)
    assert run_all(grown).perturbations == ("none", "blur-1")


def test_a_larger_draw_holds_the_smaller(data: Path, tmp_path: Path) -> None:
    run_all(job_of(data, tmp_path, num=3, seed=5))
    few = set(by_id(tmp_path))
    run = run_all(job_of(data, tmp_path, num=6, seed=5, resume=True))
    assert len(few) == 3 and few < set(by_id(tmp_path)) and run.num_samples == 6
    run_all(job_of(data, tmp_path / "other", num=3, seed=6))
    assert set(by_id(tmp_path / "other")) != few


def test_missing_pictures_are_one_message_with_the_counts(tmp_path: Path) -> None:
    mig = mig_folder(tmp_path)
    (tmp_path / "a.png").unlink()
    replies = write_recording(tmp_path / "replies.jsonl", {"mig_bench/common/0000": BOX})
    job = job_of(mig, tmp_path / "out", suite="mig_bench", engine=f"replay:{replies}")
    with pytest.raises(UsageError) as told:
        start_bench(job)
    for words in (
        "1 of 2 pictures are missing",
        "2 of 2 samples",
        "Michael4933",
        "--allow-missing",
    ):
        assert words in str(told.value)


def test_what_is_there_runs_when_asked_for(tmp_path: Path) -> None:
    rows = [{}, {"images": ["a.png", "gone.png"]}]
    mig = mig_folder(tmp_path, rows)
    replies = write_recording(tmp_path / "replies.jsonl", {"mig_bench/common/0000": BOX})
    engine = f"replay:{replies}"
    out = tmp_path / "out"
    job = job_of(mig, out, suite="mig_bench", engine=engine, num_workers=None, allow_missing=True)
    run = run_all(job)
    assert run.num_scored == {"none": 1} and run.num_unanswered["none"] == {"not_found": 1}
    assert by_id(out)["mig_bench/common/0000"].score.values["iou"] == pytest.approx(1.0)


def test_an_engine_without_words_cannot_answer_questions(tmp_path: Path) -> None:
    mig = mig_folder(tmp_path)
    for engine in ("builtin", "expert:npr"):
        with pytest.raises(UsageError, match="reads no questions"):
            start_bench(job_of(mig, tmp_path / "out", suite="mig_bench", engine=engine))


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"suite": "genimagge"}, "Did you mean 'genimage'"),
        ({"perturbations": ("jpg-75",)}, "unknown perturbation"),
        ({"num": 0}, "--num must be at least 1"),
        ({"num_workers": 0}, "--workers must be at least 1"),
        ({"engine": "replay:r.jsonl", "num_workers": 2}, "--batch-size"),
        ({"data": Path("nowhere")}, "no such file or folder"),
    ],
)
def test_mistakes_are_told_before_anything_is_made(
    data: Path, tmp_path: Path, more: dict[str, object], words: str
) -> None:
    given = {"data": data} | more
    with pytest.raises(UsageError, match=words):
        start_bench(job_of(out=tmp_path / "out", **given))  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()


def test_votes_are_for_verdicts(tmp_path: Path) -> None:
    mig = mig_folder(tmp_path)
    replies = write_recording(tmp_path / "replies.jsonl", {})
    options = EngineOptions(samples=3)
    job = job_of(
        mig,
        tmp_path / "out",
        suite="mig_bench",
        engine=f"replay:{replies}",
        options=options,
        num_workers=None,
    )
    with pytest.raises(UsageError, match="--samples is for verdicts"):
        start_bench(job)


def test_a_worker_that_dies_costs_one_sample(tmp_path: Path) -> None:
    data = grey_folder(tmp_path / "data")
    grey(data / "fake" / "dies.png", 250, (DIES, 9))
    run = run_all(job_of(data, tmp_path / "out", num_workers=2))
    assert run.num_scored == {"none": 8}
    assert run.num_unanswered == {"none": {"worker_died": 1}}


def test_two_runs_do_not_write_to_one_folder(data: Path, tmp_path: Path) -> None:
    with start_bench(job_of(data, tmp_path)), pytest.raises(UsageError, match="another run"):
        start_bench(job_of(data, tmp_path))


def test_a_killed_run_is_known_by_its_run_file(data: Path, tmp_path: Path) -> None:
    with start_bench(job_of(data, tmp_path)) as run:
        next(iter(run))
        begun = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert begun["complete"] is False and begun["fingerprint"]["suite"]["name"] == "folder"
