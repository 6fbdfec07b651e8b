"""Rewards beyond the papers, in no shipped recipe: penalties against bad habits, and captions.

Penalties lie in [−1, 0] and take a positive weight like every other reward.
"""

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from groundsight.replies.place import AnswerRegion
from groundsight.rewards.base import Attempt, Bounds, Reward
from groundsight.vision.boxes import match_boxes

_MAX_CAPTION_WORDS = 64


class _Penalty(Reward):
    extra: ClassVar[bool] = True

    @property
    def bounds(self) -> Bounds:
        """−1 to 0."""
        return Bounds(-1.0, 0.0)


class BoxCountPenalty(_Penalty):
    """0 up to `tolerance`·max(T, 1) boxes, then down in a straight line, −1 at twice that many.

    Against "fragmented boxes", FakeXplained's name for answering with many small ones.
    """

    type: Literal["box_count_penalty"] = "box_count_penalty"
    tolerance: float = Field(default=2.0, ge=1)
    "How many boxes a true one may be answered with."
    source: ClassVar[str] = "[choice], against FakeXplained's fragmented boxes"

    def score(self, attempt: Attempt) -> float | None:
        """In [−1, 0]; None where the truth is not known."""
        free = self.tolerance * max(len(attempt.question.gold.regions), 1)
        return -min(1.0, max(0.0, len(attempt.regions) / free - 1.0))


class RepetitionPenalty(_Penalty):
    """−(share of n-grams of words that stood before in the reply).

    Source: repetition penalty of arXiv 2502.03373, §4.2, here without its cosine length reward and
    over the words of the whole reply.
    """

    type: Literal["repetition_penalty"] = "repetition_penalty"
    num_words: int = Field(default=8, ge=1, le=64)
    "n of the n-grams. Reports have fixed phrases, so short n-grams repeat honestly."
    source: ClassVar[str] = "arXiv 2502.03373 §4.2"

    def score(self, attempt: Attempt) -> float:
        """In [−1, 0]."""
        words = attempt.reply.text.lower().split()
        total = len(words) - self.num_words + 1
        if total <= 0:
            return 0.0
        grams = {tuple(words[i : i + self.num_words]) for i in range(total)}
        return len(grams) / total - 1.0


class LengthPenalty(_Penalty):
    """0 up to max_chars − buffer_chars, then down in a straight line to −1 at max_chars.

    Source: soft overlong punishment of DAPO (arXiv 2503.14476, Eq. 13), here in characters: a
    reward sees text, not tokens.
    """

    type: Literal["length_penalty"] = "length_penalty"
    max_chars: int = Field(default=8000, ge=1)
    "Where the penalty is full; about four characters a token in English."
    buffer_chars: int = Field(default=2000, ge=1)
    "Over how many characters it grows."
    source: ClassVar[str] = "DAPO (arXiv 2503.14476) Eq. 13, in characters"

    def score(self, attempt: Attempt) -> float:
        """In [−1, 0]."""
        over = len(attempt.reply.text) - (self.max_chars - self.buffer_chars)
        return -min(1.0, max(0.0, over / self.buffer_chars))


class CaptionOverlap(Reward):
    """Mean ROUGE-L F1 of captions over boxes paired by IoU, over max(P, T).

    Boxes that meet no true box earn 0, so captions pay only where the region is right. Source:
    ROUGE-L (Lin, 2004), which FakeXplained reports (0.251) but does not train on.
    """

    type: Literal["caption_overlap"] = "caption_overlap"
    source: ClassVar[str] = "ROUGE-L (Lin 2004); reported, not trained on, by FakeXplained"
    extra: ClassVar[bool] = True
    MAX_BOXES: ClassVar[int] = 128

    def score(self, attempt: Attempt) -> float | None:
        """In [0, 1]; None where no true caption is known."""
        true = attempt.question.gold.regions
        if not any(region.description for region in true):
            return None
        if not 0 < len(attempt.regions) <= max(self.MAX_BOXES, len(true)):
            return 0.0
        said: Sequence[AnswerRegion] = attempt.regions
        pairs = match_boxes(attempt.boxes, attempt.question.true_boxes)
        overlaps = (
            spaced_rouge_l(said[pair.pred].description, true[pair.true].description)
            for pair in pairs
        )
        return min(1.0, sum(overlaps) / max(len(said), len(true)))


def spaced_rouge_l(first: str, second: str) -> float:
    """ROUGE-L F1 of the first 64 words of each text, in [0, 1]; words are what spaces part.

    A reward is worked out often and by the base install, so this is not the reported figure: that
    is `metrics.captions.rouge_l`, whose words are free of punctuation and come from longer texts.
    """
    a = first.lower().split()[:_MAX_CAPTION_WORDS]
    b = second.lower().split()[:_MAX_CAPTION_WORDS]
    row = [0] * (len(b) + 1)
    for word in a:
        diagonal = 0
        for j, other in enumerate(b, start=1):
            above = row[j]
            row[j] = diagonal + 1 if word == other else max(above, row[j - 1])
            diagonal = above
    return 2.0 * row[-1] / (len(a) + len(b)) if row[-1] else 0.0
