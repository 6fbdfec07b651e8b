"""The speed of the rubrics is measured by a script that runs, on replies that are scored."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.rewards import NAMES, RECIPES, make_sample, make_texts, measure

from groundsight.replies.reply import parse_reply
from groundsight.rewards.base import Attempt, Question
from groundsight.rewards.rubric import load_rubric

ROOT = Path(__file__).parents[2]
PROMISED_PER_SECOND = 20_000


def test_it_prints_one_json_line() -> None:
    command = [sys.executable, "benchmarks/rewards.py", "--json", "--count", "20", "--repeats", "1"]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    rubrics = json.loads(done.stdout)["rubrics"]
    assert [row["recipe"] for row in rubrics] == list(NAMES)
    assert all(row["per_second"] > 0 and row["trl_per_second"] > 0 for row in rubrics)
    assert all(1000 < row["mean_chars"] < 2000 for row in rubrics)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_timed_is_scored_in_every_part(name: str) -> None:
    rubric = load_rubric(RECIPES / f"{name}.toml")
    question = Question(make_sample(rubric.config.task), rubric.config.dialect)
    texts = make_texts(question, 20)
    assert len(set(texts)) == 20
    scores = [rubric.score(Attempt(parse_reply(text), question)) for text in texts]
    assert all(None not in score.parts.values() for score in scores)
    assert len({score.total for score in scores}) > 1  # some are spoilt


@pytest.mark.slow
def test_thinkfakes_rubric_is_as_fast_as_promised() -> None:
    assert measure("thinkfake_r1", 5000, 5).per_second >= PROMISED_PER_SECOND
