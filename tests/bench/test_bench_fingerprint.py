"""The fingerprint: every setting that moves figures shows, what moves none does not."""

import ast
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.bench.bench_cases import grey_folder, job_of, mig_folder, run_all, write_recording

from groundsight.bench.fingerprint import (
    QUESTION,
    Answering,
    differences,
    fingerprint_sha256,
    make_fingerprint,
    prompt_of,
    resume_differences,
)
from groundsight.bench.plan import Asking, Given, Plan, look_ahead
from groundsight.bench.rules import _plain, rules_sha256
from groundsight.core.errors import UsageError
from groundsight.core.report import EngineInfo
from groundsight.engines.chat import Decoding
from groundsight.replies.dialect import Dialect
from groundsight.suites import SUITES
from groundsight.vision.images import Limits

SUITE = SUITES["mig_bench"]
INFO = EngineInfo(name="replay", version="1", weights_sha256="aa", settings={"x": 1})
QWEN = Dialect.of("qwen2_5_vl")
ANSWERING = Answering(
    spec="replay:x",
    info=INFO,
    dialect=QWEN,
    decoding=Decoding(max_new_tokens=100),
)


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return look_ahead(SUITE, Given(path=mig_folder(tmp_path_factory.mktemp("mig"))))


def tree(plan: Plan, answering: Answering = ANSWERING, **more: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"perturbations": ("none",), "num": None, "seed": 0, "limits": Limits()}
    return make_fingerprint(SUITE, plan, answering, **(given | more))


def places(first: dict[str, Any], second: dict[str, Any]) -> set[str]:
    return {one.place for one in differences(first, second)}


@pytest.mark.parametrize(
    ("answering", "expected"),
    [
        ({"dialect": Dialect.of("qwen2_vl")}, {"boxes.frame", "prompts.…"}),
        ({"dialect": replace(QWEN, max_pixels=10**6)}, {"boxes.max_pixels"}),
        ({"decoding": Decoding(max_new_tokens=7)}, {"decoding.max_new_tokens"}),
        ({"decoding": Decoding(max_new_tokens=100, seed=1)}, {"decoding.seed"}),
        (
            {"info": ANSWERING.info.model_copy(update={"weights_sha256": "b"})},
            {"engine.weights_sha256"},
        ),
        ({"info": ANSWERING.info.model_copy(update={"settings": {"x": 2}})}, {"engine.settings.x"}),
    ],
)
def test_what_answers_otherwise_shows(
    plan: Plan, answering: dict[str, Any], expected: set[str]
) -> None:
    other = tree(plan, replace(ANSWERING, **answering))
    found = {
        "prompts.…" if place.startswith("prompts.") else place
        for place in places(tree(plan), other)
    }
    assert found == expected
    assert fingerprint_sha256(other) != fingerprint_sha256(tree(plan))
    assert resume_differences(tree(plan), other)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"perturbations": ("none", "blur-1")}, {"perturbations.names"}),
        ({"num": 1}, {"data.num_drawn", "data.draw_seed"}),
        ({"seed": 1}, {"perturbations.seed"}),
        ({"limits": Limits(max_pixels=5)}, {"limits.max_pixels"}),
    ],
)
def test_what_is_run_otherwise_shows(plan: Plan, more: dict[str, Any], expected: set[str]) -> None:
    assert places(tree(plan), tree(plan, **more)) == expected


def test_the_machine_is_told_and_does_not_count(plan: Plan) -> None:
    here, there = tree(plan), tree(plan) | {"machine": {"system": "Plan 9", "processor": "vax"}}
    assert places(here, there) == {"machine.system", "machine.processor"}
    assert fingerprint_sha256(here) == fingerprint_sha256(there)
    assert resume_differences(here, there) == []


def test_a_changed_truth_changes_the_data_and_its_place_does_not(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    one = look_ahead(SUITE, Given(path=mig_folder(first)))
    assert one.data_sha256 == look_ahead(SUITE, Given(path=mig_folder(second))).data_sha256
    moved = mig_folder(second, [{"answer": [0.2, 0.25, 0.75, 0.75]}, {}])
    assert one.data_sha256 != look_ahead(SUITE, Given(path=moved)).data_sha256


def test_other_pictures_of_the_same_names_show(tmp_path: Path) -> None:
    data = grey_folder(tmp_path / "data")
    before = run_all(job_of(data, tmp_path / "a")).fingerprint
    picture = data / "fake" / "240.png"
    picture.write_bytes((data / "fake" / "200.png").read_bytes())
    after = run_all(job_of(data, tmp_path / "b")).fingerprint
    assert places(before, after) == {"data.pictures_sha256"}


def test_a_prompt_is_told_in_full_with_the_samples_words_left_open() -> None:
    asking = Asking(num_pictures=2, own_question=True, num_choices=3)
    told = prompt_of("multiple_choice", asking, Dialect(), 0)
    assert QUESTION in told["text"] and "⟨choice 3⟩" in told["text"]
    assert told["text"].count("⟨picture⟩") == 2 and len(told["sha256"]) == 64
    plain = prompt_of("forgery_reasoning", Asking(), Dialect(), 0)
    assert "forensic examiner" in plain["text"] and QUESTION not in plain["text"]


def test_rules_change_with_code_and_not_with_comments() -> None:
    def plain(code: str) -> str:
        return ast.unparse(_plain(ast.parse(code)))

    base = 'def f(x):\n    """Say."""\n    return x + 1\n'
    assert plain(base) == plain("def f(x):  # why\n    return x + 1")
    assert plain(base) != plain("def f(x):\n    return x + 2")
    hashes = {rules_sha256(SUITES[name]) for name in ("mig_bench", "loki", "genimage")}
    assert len(hashes) == 3 and rules_sha256(SUITES["chameleon"]) == rules_sha256(SUITES["folder"])


def test_two_samples_of_one_id_are_refused(tmp_path: Path) -> None:
    sample = '{"id":"a","images":[{"path":"a.png"}],"task":"forgery_reasoning","label":1}\n'
    (tmp_path / "s.jsonl").write_text(sample * 2, encoding="utf-8")
    with pytest.raises(UsageError, match="two samples have the id 'a'"):
        look_ahead(SUITES["samples"], Given(path=tmp_path / "s.jsonl"))
    (tmp_path / "s.jsonl").write_text("", encoding="utf-8")
    with pytest.raises(UsageError, match="holds no samples"):
        look_ahead(SUITES["samples"], Given(path=tmp_path / "s.jsonl"))


def test_a_replayed_model_is_known_by_its_recording(tmp_path: Path) -> None:
    mig = mig_folder(tmp_path)
    trees = []
    for name in ("a", "b"):
        replies = write_recording(tmp_path / f"{name}.jsonl", {"mig_bench/common/0000": name})
        job = job_of(
            mig,
            tmp_path / name,
            suite="mig_bench",
            engine=f"replay:{replies}",
            num_workers=None,
        )
        trees.append(run_all(job).fingerprint)
    # Pictures too: the second reply of the set is in neither, but both asked about the same.
    assert places(*trees) == {"engine.weights_sha256"}
    assert trees[0]["boxes"]["frame"] == "xyxy_px" and trees[0]["decoding"]["temperature"] == 0.0
