import importlib
import importlib.util
import math
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundsight.core.errors import MissingExtraError, UsageError
from groundsight.metrics import captions
from groundsight.metrics.captions import bleu_2, caption_text, corpus_bleu_2, rouge_l

FOUND, TRUE = "the hand has six fingers", "six fingers on the hand"
VOCABULARY = st.sampled_from("a hand sign with six melted fingers".split())
WORDS = st.lists(VOCABULARY, max_size=12).map(" ".join)
# nltk counts one pair in a text of a single word.
PAIRED_WORDS = st.lists(VOCABULARY, min_size=2, max_size=12).map(" ".join)


def test_bleu_worked_by_hand() -> None:
    # 4 of 5 words and 2 of 4 pairs ("the hand", "six fingers") are there; the lengths are equal.
    assert bleu_2(FOUND, TRUE) == pytest.approx(math.sqrt(4 / 5 * 2 / 4))
    # Half as long: exp(1 - 4/2) on top of precisions of 1.
    assert bleu_2("six fingers", "six fingers and more") == pytest.approx(math.exp(-1))


def test_rouge_worked_by_hand() -> None:
    # "the hand" or "six fingers" in order: 2 of 5 words both ways.
    assert rouge_l(FOUND, TRUE) == pytest.approx(2 / 5)
    # "a c" of "a b c" (2/3) and of "a c" (1): F1 = 0.8.
    assert rouge_l("a b c", "a c") == pytest.approx(0.8)


def test_case_and_full_stops_cost_nothing_in_rouge_and_case_nothing_in_bleu() -> None:
    assert rouge_l("Six fingers.", "six FINGERS") == 1.0
    assert bleu_2("Six Fingers", "six fingers") == 1.0


def test_other_scripts_have_words_too() -> None:
    assert rouge_l("шесть пальцев", "шесть пальцев на руке") == pytest.approx(2 / 3)


def test_of_a_set_the_counts_are_pooled() -> None:
    # (4 + 2) of (5 + 2) words, (2 + 1) of (4 + 1) pairs, 7 words against 7.
    pooled = corpus_bleu_2([FOUND, "six fingers"], [TRUE, "six fingers"])
    assert pooled == pytest.approx(math.sqrt(6 / 7 * 3 / 5))


@given(st.lists(st.tuples(PAIRED_WORDS, PAIRED_WORDS), min_size=1, max_size=4))
@settings(max_examples=50)
def test_nltk_agrees_on_a_set(pairs: list[tuple[str, str]]) -> None:
    corpus_bleu = importlib.import_module("nltk.translate.bleu_score").corpus_bleu
    found, true = (list(side) for side in zip(*pairs, strict=True))
    splits = [[text.split()] for text in true], [text.split() for text in found]
    ours = corpus_bleu_2(found, true)
    if ours > 0:  # where nothing matches nltk warns, and gives next to nothing
        assert ours == pytest.approx(corpus_bleu(*splits, weights=(0.5, 0.5)))


@given(WORDS, WORDS)
@settings(max_examples=50)
def test_figures_lie_between_0_and_1(found: str, true: str) -> None:
    for measure in (bleu_2, rouge_l):
        assert 0 <= measure(found, true) <= 1
        assert measure(true, true) == (1.0 if true else 0.0)
    assert rouge_l(found, true) == pytest.approx(rouge_l(true, found))


def test_captions_of_a_picture_are_one_text() -> None:
    assert caption_text(["six fingers", " ", "Is it melted?"]) == "six fingers. Is it melted?"
    assert caption_text([]) == ""


@pytest.mark.parametrize(
    "text",
    ["", "  ", "...", "\x00", "\ud800", "a" * 50_000, "1," * 50_000, "word " * 50_000, "﷽" * 9],
)
def test_hostile_text_is_scored_and_in_time(text: str) -> None:
    begin = time.process_time()
    for measure in (bleu_2, rouge_l):
        assert 0 <= measure(text, "word word") <= 1
        assert 0 <= measure("word word", text) <= 1
        assert 0 <= measure(text, text) <= 1
    assert time.process_time() - begin < 10


def test_texts_without_a_partner_are_refused() -> None:
    with pytest.raises(UsageError, match="got 1 and 2"):
        corpus_bleu_2(["a"], ["a", "b"])
    with pytest.raises(UsageError, match="got 0 and 0"):
        corpus_bleu_2([], [])


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert importlib.util.find_spec("sacrebleu")
    monkeypatch.setitem(sys.modules, "sacrebleu.metrics.bleu", None)
    monkeypatch.setitem(sys.modules, "rouge_score.rouge_scorer", None)
    captions._bleu.cache_clear()
    captions._rouge.cache_clear()
    for measure in (bleu_2, rouge_l):
        with pytest.raises(MissingExtraError, match=r"groundsight\[bench\]"):
            measure("a", "b")
