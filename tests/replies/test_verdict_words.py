"""Verdicts in words."""

import pytest

from groundsight.core.types import Verdict
from groundsight.replies.verdict_words import verdict_of, verdict_word


@pytest.mark.parametrize(
    ("words", "verdict"),
    [
        ("REAL", Verdict.REAL),
        (" real.\n", Verdict.REAL),
        ("**Real**", Verdict.REAL),
        ("AI-GENERATED", Verdict.AI_GENERATED),
        ("ai generated!", Verdict.AI_GENERATED),
        ('"Fake"', Verdict.AI_GENERATED),
        ("inconclusive", Verdict.INCONCLUSIVE),
        ("", None),
        ("real fake", None),
        ("real or fake", None),
        ("not real", None),
        ("R\u0415AL", None),  # Cyrillic Ie
        ("\uff32\uff25\uff21\uff2c", None),  # full-width letters
        ("real" + " " * 1000, Verdict.REAL),
        ("real" * 1000, None),
    ],
)
def test_words(words: str, verdict: Verdict | None) -> None:
    assert verdict_of(words) is verdict


@pytest.mark.parametrize("verdict", list(Verdict))
def test_every_verdict_is_read_as_it_is_written(verdict: Verdict) -> None:
    assert verdict_of(verdict_word(verdict)) is verdict
    assert verdict_of(verdict.value) is verdict
