"""How engines answer: reports, replies read by the suite's own rule, boxes under perturbations."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tests.bench.bench_cases import (
    by_id,
    grey_folder,
    job_of,
    mig_folder,
    run_all,
    write_recording,
)
from tests.engines.scripted_model import FAKE, NONSENSE, REAL, ScriptedModel, tokenised

from groundsight.bench.chat_asker import ChatAsker
from groundsight.bench.records import Unanswered, read_unanswered
from groundsight.bench.said import Said
from groundsight.bench.showing import Ready, Shown, make_ready
from groundsight.bench.verdict_askers import ReasonerAsker
from groundsight.core.report import Problem
from groundsight.core.types import ImageRef, Sample, SampleRegion, Verdict
from groundsight.engines import EngineOptions
from groundsight.engines.chat import ChatReply
from groundsight.engines.reasoner import make_reasoner
from groundsight.suites import SUITES
from groundsight.vision.images import Limits

IMAGE_2 = "<think>there</think><answer>Image 2: [20, 15, 60, 45]</answer>"


@pytest.fixture(scope="module")
def greys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return grey_folder(tmp_path_factory.mktemp("greys"))


def ready_of(sample: Sample, perturbation: str = "none") -> Ready:
    ready = make_ready(Shown(sample, perturbation), Limits())
    assert isinstance(ready, Ready)
    return ready


def judged(greys: Path, name: str = "fake/240.png", **fields: Any) -> Sample:
    given = {"label": 1, "task": "forgery_reasoning"} | fields
    return Sample(id=name, images=(ImageRef(path=str(greys / name)),), **given)


def ask(script: Any, ready: list[Ready], suite: str = "folder", **options: Any) -> Any:
    model = ScriptedModel(script)
    reasoner = make_reasoner(model, EngineOptions(**options))
    return ReasonerAsker(reasoner, SUITES[suite]).ask(ready), model


def test_a_reply_is_read_by_the_suite_and_weighed_by_its_tokens(greys: Path) -> None:
    head, tail = FAKE.split("AI-GENERATED")
    words = tokenised(head, ("AI", {"AI": 0.8, "RE": 0.2}), "-GENERATED", tail)
    (said,), _ = ask([words], [ready_of(judged(greys))])
    assert said.score.verdict is Verdict.AI_GENERATED and said.score.values["accuracy"] == 1.0
    assert said.score.p_fake == pytest.approx(0.8) and said.raw == FAKE
    assert said.usage == {"prompt_tokens": 10, "completion_tokens": 5}


def test_a_reply_without_a_verdict_is_wrong_and_a_fault_is_not(greys: Path) -> None:
    down = ChatReply(problem=Problem(code="timed_out", message="no answer in 5 s"))
    said, _ = ask([NONSENSE, down], [ready_of(judged(greys)), ready_of(judged(greys))])
    assert said[0].score.values["accuracy"] == 0.0 and not said[0].score.parsed
    assert isinstance(said[1], Unanswered) and said[1].code == "timed_out"


def test_several_replies_vote(greys: Path) -> None:
    (said,), _ = ask([[FAKE, FAKE, REAL]], [ready_of(judged(greys))], samples=3)
    assert said.score.verdict is Verdict.AI_GENERATED
    assert said.score.p_fake == pytest.approx(2 / 3)


def test_each_sample_is_asked_its_own_question_in_its_own_task(greys: Path) -> None:
    grounded = judged(greys, task="grounded_detection", question="Is it fake?")
    plain = judged(greys, "real/010.png", label=0)
    said, model = ask([REAL, FAKE, REAL], [ready_of(plain), ready_of(grounded), ready_of(plain)])
    asked = [str(request.messages[-1]["content"][-1]["text"]) for request in model.requests]
    assert len(said) == 3 and sum("Is it fake?" in words for words in asked) == 1
    assert [request.id for request in model.requests].count("real/010.png") == 2


def test_a_verdict_is_on_one_picture(greys: Path) -> None:
    sample = judged(greys)
    two = sample.model_copy(update={"images": sample.images * 2, "id": "two"})
    said, _ = ask([FAKE], [ready_of(two), ready_of(sample)])
    assert isinstance(said[0], Unanswered) and said[0].code == "several_pictures"
    assert isinstance(said[1], Said)


def mig_sample(folder: Path) -> Sample:
    return next(iter(SUITES["mig_bench"].samples(mig_folder(folder))))


def test_a_box_is_scored_where_it_lies_after_a_crop(tmp_path: Path) -> None:
    ready = ready_of(mig_sample(tmp_path), "crop-0.75")
    assert ready.pictures[1].width == 60 and ready.pictures[1].height == 45
    (region,) = ready.sample.regions
    x0, y0, x1, y1 = region.xyxy
    text = f"<answer>Image 2: [{x0}, {y0}, {x1}, {y1}]</answer>"
    model = ScriptedModel([text])
    (said,) = ChatAsker(model, SUITES["mig_bench"], EngineOptions()).ask([ready])
    assert isinstance(said, Said)
    assert said.score.values["iou"] == pytest.approx(1.0)
    assert said.score.values["strict_iou"] == pytest.approx(1.0)
    assert model.requests[0].id == "mig_bench/common/0000@crop-0.75"
    assert said.score.id == "mig_bench/common/0000"


def test_a_resized_picture_keeps_its_fractions(tmp_path: Path) -> None:
    ready = ready_of(mig_sample(tmp_path), "resize-0.5")
    assert ready.sample.regions[0].xyxy == (10, 7.5, 30, 22.5)
    assert ready.sample.extra["answer"] == [0.25, 0.25, 0.75, 0.75]


def test_what_a_crop_leaves_without_an_answer_is_not_asked(tmp_path: Path) -> None:
    sample = mig_sample(tmp_path)
    corner = SampleRegion(image_index=1, xyxy=(0.0, 0.0, 0.02, 0.02), frame="xyxy_unit")
    lost = [
        make_ready(
            Shown(sample.model_copy(update={"regions": (corner,)}), "crop-0.5", seed), Limits()
        )
        for seed in range(3)
    ]
    assert any(isinstance(one, Unanswered) and one.code == "region_lost" for one in lost)
    boxed = sample.model_copy(
        update={"question": "What is at (10,10),(90,90) of Image-1: find it in Image-2"}
    )
    asked = make_ready(Shown(boxed, "crop-0.5"), Limits())
    assert isinstance(asked, Unanswered) and asked.code == "boxes_in_question"
    assert isinstance(make_ready(Shown(boxed, "blur-1"), Limits()), Ready)


def test_a_recording_answers_each_perturbation_with_its_own_replies(tmp_path: Path) -> None:
    mig = mig_folder(tmp_path)
    ids = ("mig_bench/common/0000", "mig_bench/common/0001")
    replies = {ids[0]: IMAGE_2, ids[1]: IMAGE_2, f"{ids[0]}@blur-1": NONSENSE}
    recording = write_recording(tmp_path / "replies.jsonl", replies)
    out = tmp_path / "out"
    run = run_all(
        job_of(
            mig,
            out,
            suite="mig_bench",
            engine=f"replay:{recording}",
            num_workers=None,
            perturbations=("blur-1",),
        )
    )
    assert by_id(out)[ids[0]].score.values["iou"] == 1.0
    assert by_id(out, "blur-1")[ids[0]].score.values["iou"] == 0.0
    assert run.num_unanswered == {"none": {}, "blur-1": {"not_recorded": 1}}
    assert [one.id for one in read_unanswered(out)] == [ids[1]]
    shown = by_id(out)[ids[0]]
    assert shown.known[0].xyxy == shown.said[0].xyxy == (20, 15, 60, 45)
    assert shown.pictures_sha256 == by_id(out, "blur-1")[ids[0]].pictures_sha256


def test_whoever_looks_at_no_pixels_is_shown_none(tmp_path: Path) -> None:
    sample = mig_sample(tmp_path)
    plain, looked = (make_ready(Shown(sample), Limits(), pixels=pixels) for pixels in (False, True))
    assert isinstance(plain, Ready) and isinstance(looked, Ready)
    assert plain.pictures[0].rgb.base is not None and plain.pictures[0].rgb.strides == (0, 0, 0)
    assert plain.pictures_sha256 == looked.pictures_sha256 and plain.sample == looked.sample


def test_an_expert_is_an_engine_like_any_other(greys: Path, tmp_path: Path) -> None:
    from groundsight.experts import build_expert, save_expert

    expert = build_expert("npr", device="cpu")
    folder = save_expert(expert, tmp_path / "npr")
    options = EngineOptions(batch_size=3)
    job = job_of(greys, tmp_path / "out", engine=f"expert:{folder}", options=options)
    run = run_all(job)
    assert run.num_scored == {"none": 8} and run.engine.weights_sha256
    for name, line in by_id(tmp_path / "out").items():
        with Image.open(greys / name.removeprefix("folder/")) as picture:
            (p_fake,) = expert.score([picture.convert("RGB")])
        assert line.score.p_fake == pytest.approx(float(p_fake), abs=1e-5)
