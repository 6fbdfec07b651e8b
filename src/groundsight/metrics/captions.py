"""How near written captions come to the true ones: BLEU-2 and ROUGE-L. Needs the extra `bench`.

    caption_text(["six fingers", "melted sign"])        # "six fingers. melted sign."
    bleu_2("The hand has six fingers.", "six fingers on the hand")
    rouge_l("The hand has six fingers.", "six fingers on the hand")

FakeXplained (arXiv 2506.07045) prints both figures between 0 and 1 and says neither which program
computed them nor how the captions of a picture were put against each other. [choice] All captions
of a picture are one text, in the order of the reply or the annotation, and the figure of a set is
the mean over its generated pictures. BLEU is sacrebleu's sentence BLEU with at most pairs of words
(its own tokenizer "13a", in lower case, with its exponential smoothing); ROUGE-L is the F1 of
Google's rouge-score without stemming. `corpus_bleu_2` pools the counts of all pictures first, which
is BLEU as it was defined, and needs no smoothing.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from groundsight.core.errors import MissingExtraError, UsageError

MAX_CHARACTERS = 20_000
"""Of one text; the rest is cut off, since ROUGE-L takes time by the square of a text's length."""
_MAX_WORDS = 1000


def caption_text(captions: Sequence[str]) -> str:
    """The captions of one picture as one text, each ended by a full stop; empty ones are out."""
    trimmed = (caption.strip() for caption in captions)
    return " ".join(one if one.endswith((".", "!", "?")) else f"{one}." for one in trimmed if one)


def bleu_2(found: str, true: str) -> float:
    """BLEU of one text up to pairs of words.

    Args:
        found: what was written.
        true: what should be.

    Returns:
        In [0, 1]; 1.0 for the same words. 0.0 where either is empty.

    Raises:
        MissingExtraError: sacrebleu is not installed.

    Source: Papineni et al. 2002 with N = 2; smoothing of Chen and Cherry 2014, method 3, where no
    pair matches. A text of one word is judged by its words alone.
    """
    if not found.strip() or not true.strip():
        return 0.0
    scorer = _bleu(one_text=True)
    return _rate(scorer.sentence_score(_cut(found), [_cut(true)]).score)


def corpus_bleu_2(found: Sequence[str], true: Sequence[str]) -> float:
    """BLEU up to pairs of words of a whole set: counts of all texts together.

    Args:
        found: N texts.
        true: N texts, in the same order.

    Returns:
        In [0, 1].

    Raises:
        UsageError: no texts, or a different number of them.
        MissingExtraError: sacrebleu is not installed.
    """
    if not found or len(found) != len(true):
        raise UsageError(f"one true text for each found one, got {len(found)} and {len(true)}")
    texts, references = [_cut(text) for text in found], [_cut(text) for text in true]
    return _rate(_bleu(one_text=False).corpus_score(texts, [references]).score)


def rouge_l(found: str, true: str) -> float:
    """F1 of the longest row of words that both texts hold in the same order, with gaps.

    Args:
        found: what was written.
        true: what should be.

    Returns:
        In [0, 1]; 1.0 for the same words. 0.0 where either has no word.

    Raises:
        MissingExtraError: rouge-score is not installed.

    Source: Lin 2004, F of precision and recall with β = 1. Words are runs of letters and digits in
    any script, where rouge-score by itself knows a to z only.
    The reward `caption_overlap` has a quicker one of its own, `rewards.extras.spaced_rouge_l`.
    """
    return float(_rouge().score(_cut(true), _cut(found))["rougeL"].fmeasure)


def _rate(percent: float) -> float:
    """In [0, 1]: full marks are 100.00000000000004 in sacrebleu's floats."""
    return min(float(percent) / 100, 1.0)


def _cut(text: str) -> str:
    return text[:MAX_CHARACTERS]


@cache
def _bleu(*, one_text: bool) -> Any:
    try:
        from sacrebleu.metrics.bleu import BLEU
    except ImportError:
        raise MissingExtraError("BLEU", "bench") from None
    smoothing = "exp" if one_text else "none"
    return BLEU(
        max_ngram_order=2, lowercase=True, effective_order=one_text, smooth_method=smoothing
    )


@cache
def _rouge() -> Any:
    try:
        from rouge_score.rouge_scorer import RougeScorer
    except ImportError:
        raise MissingExtraError("ROUGE-L", "bench") from None
    return RougeScorer(["rougeL"], use_stemmer=False, tokenizer=_Words())


class _Words:
    """The tokenizer that rouge-score is given."""

    def tokenize(self, text: str) -> list[str]:
        spaced = "".join(letter if letter.isalnum() else " " for letter in text.lower())
        return spaced.split()[:_MAX_WORDS]
