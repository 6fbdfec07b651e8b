"""Sample records with probabilities: what is written, problems, going on after a kill."""

import json
from pathlib import Path

import pytest
from tests.experts.toy_bright_expert import make_trained, plain_picture

from groundsight.core.errors import UsageError
from groundsight.core.types import ImageRef, Sample
from groundsight.data.samples import read_samples
from groundsight.experts.scoring import start_scoring
from groundsight.replies.reply import parse_reply
from groundsight.rewards.base import Attempt, Question
from groundsight.rewards.thinkfake import Agentic

LEVELS = (0, 90, 255)


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    """Three pictures, a damaged one, and one sample of two pictures."""
    made = []
    for level in LEVELS:
        plain_picture(level).save(tmp_path / f"{level}.png")
        made.append(sample(f"s{level}", tmp_path / f"{level}.png", experts={"aide": 0.25}))
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n cut")
    two = (tmp_path / "0.png", tmp_path / "90.png")
    return [*made, sample("bad", tmp_path / "bad.png"), sample("two", *two)]


def sample(id: str, *paths: Path, experts: dict[str, float] | None = None) -> Sample:
    images = tuple(ImageRef(path=str(path)) for path in paths)
    return Sample(id=id, images=images, task="forgery_reasoning", label=1, experts=experts or {})


def score(samples: list[Sample], out: Path, **more: bool) -> list[Sample]:
    with start_scoring(lambda: samples, {"npr": make_trained()}, out=out, workers=2, **more) as run:
        return [filled for filled, _ in run]


def test_probabilities_stand_beside_those_that_were_there(
    samples: list[Sample], tmp_path: Path
) -> None:
    score(samples, tmp_path / "out" / "scored.jsonl")
    read = {one.id: one for one in read_samples(tmp_path / "out" / "scored.jsonl")}
    assert list(read) == [one.id for one in samples]
    wanted = make_trained().score([plain_picture(level) for level in LEVELS])
    for level, p_fake in zip(LEVELS, wanted, strict=True):
        assert read[f"s{level}"].experts == {"aide": 0.25, "npr": pytest.approx(p_fake, abs=1e-6)}
        assert Path(read[f"s{level}"].images[0].path).is_file()


def test_what_cannot_be_scored_is_kept_with_its_problem(
    samples: list[Sample], tmp_path: Path
) -> None:
    scored = {one.id: one for one in score(samples, tmp_path / "scored.jsonl")}
    assert scored["bad"].experts == {} and scored["two"].experts == {}
    assert scored["bad"].extra["expert_problems"][0]["code"] == "not_a_picture"
    assert scored["two"].extra["expert_problems"][0]["code"] == "several_pictures"
    assert all("expert_problems" not in scored[f"s{level}"].extra for level in LEVELS)


def test_the_agentic_reward_reads_what_is_written(samples: list[Sample], tmp_path: Path) -> None:
    filled = score(samples, tmp_path / "scored.jsonl")[0]
    said = {
        "specialist_analysis": {"prob_frequency": filled.experts["npr"]},
        "final_verdict": {"verdict": "AI-GENERATED"},
    }
    reply = f"<think>…</think><answer>```json\n{json.dumps(said)}\n```</answer>"
    reward = Agentic(experts={"prob_frequency": "npr"})
    told = reward.score(Attempt(parse_reply(reply), Question(filled)))
    assert told is not None and 0.5 < told <= 1.0


def test_a_killed_run_goes_on_with_nothing_lost_or_doubled(
    samples: list[Sample], tmp_path: Path
) -> None:
    out = tmp_path / "scored.jsonl"
    score(samples[:2], out)
    with out.open("ab") as file:
        file.write(b'{"id": "s255", "images": [{"pa')  # torn by the kill
    with start_scoring(
        lambda: samples, {"npr": make_trained()}, out=out, resume=True, workers=1
    ) as run:
        assert (run.num_total, run.num_done) == (5, 2)
        fresh = [filled.id for filled, _ in run]
    assert fresh == ["s255", "bad", "two"]
    assert (run.num_scored, dict(run.problems)) == (1, {"not_a_picture": 1, "several_pictures": 1})
    assert [one.id for one in read_samples(out)] == [one.id for one in samples]


def test_a_file_is_not_written_over_unasked(samples: list[Sample], tmp_path: Path) -> None:
    out = tmp_path / "scored.jsonl"
    score(samples, out)
    with pytest.raises(UsageError, match="there already"):
        score(samples, out)
    assert len(score(samples[:1], out, replace=True)) == 1
    assert len(list(read_samples(out))) == 1


def test_two_experts_of_one_name_are_not_mixed(samples: list[Sample], tmp_path: Path) -> None:
    out = tmp_path / "scored.jsonl"
    score(samples[:1], out)
    other = make_trained(bias=0.5)
    with pytest.raises(UsageError, match="scored by another npr"):
        start_scoring(lambda: samples, {"npr": other}, out=out, resume=True)
    record = json.loads((tmp_path / "scored.experts.json").read_text())
    assert record["experts"]["npr"]["name"] == "bright"
    assert len(record["experts"]["npr"]["weights_sha256"]) == 64
    (tmp_path / "scored.experts.json").unlink()
    with pytest.raises(UsageError, match="who scored the samples so far"):
        start_scoring(lambda: samples, {"npr": make_trained()}, out=out, resume=True)


def test_two_samples_of_one_id_are_refused(samples: list[Sample], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="two samples have the id 's0'"):
        score([samples[0], samples[0]], tmp_path / "scored.jsonl")
    assert not (tmp_path / "scored.jsonl").exists()
