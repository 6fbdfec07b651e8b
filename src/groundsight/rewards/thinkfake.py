"""ThinkFake's four rewards (arXiv 2509.19841, Appendix B, Algorithms 1-4), to the letter.

Where the pseudo-code leaves a hole [choice]:
1. The JSON that counts is the first ```json block outside `<think>`; a block that is never closed,
   or is over 65,536 characters, does not parse. Where a key stands twice, the last one counts.
2. What the pseudo-code looks up and does not find counts as not parsing: `final_verdict.verdict`
   (accuracy, agentic), and, when the verdict is right, a probability that is missing or no number.
3. The verdict is compared as the exact string: "real" or "REAL." is not "REAL" and earns 0.
4. Predicted probabilities are clipped to [1e-6, 1 − 1e-6].
5. The tags of the format are reserved words: each of the pair may stand only once.
"""

import math
from typing import Any, ClassVar, Literal

from pydantic import Field

from groundsight.core.types import Verdict
from groundsight.replies.reply import Reply
from groundsight.rewards.base import Attempt, Bounds, Measures, Reward

_MISSING = object()
_CLIP = 1e-6
_NOT_PARSED = -1.0
PROBABILITY_KEYS = {
    "prob_semantic": "univfd",
    "prob_frequency": "npr",
    "prob_dual": "aide",
}


class FormatThinkAnswer(Reward):
    """1.0 if the whole reply is `<think>…</think><answer>…</answer>`, else 0.0.

    White space between and around the two is allowed. Source: Algorithm 1.
    """

    type: Literal["format_think_answer"] = "format_think_answer"
    source: ClassVar[str] = "ThinkFake (arXiv 2509.19841) Algorithm 1"
    measures: ClassVar[Measures] = "format"

    def score(self, attempt: Attempt) -> float:
        """1.0 or 0.0."""
        return 1.0 if attempt.reply.follows("think", "answer") else 0.0


class JsonBlock(Reward):
    """1.0 if a non-empty ```json block parses, else 0.0. Source: Algorithm 2."""

    type: Literal["json_block"] = "json_block"
    source: ClassVar[str] = "ThinkFake (arXiv 2509.19841) Algorithm 2"
    measures: ClassVar[Measures] = "format"

    def score(self, attempt: Attempt) -> float:
        """1.0 or 0.0."""
        return 1.0 if attempt.reply.json_read.ok else 0.0


class VerdictAccuracy(Reward):
    """1.0 if `final_verdict.verdict` equals the label, 0.0 if not, −1.0 if it cannot be read.

    Source: Algorithm 3.
    """

    type: Literal["verdict_accuracy"] = "verdict_accuracy"
    source: ClassVar[str] = "ThinkFake (arXiv 2509.19841) Algorithm 3"
    measures: ClassVar[Measures] = "verdict"

    @property
    def bounds(self) -> Bounds:
        """−1 to 1."""
        return Bounds(_NOT_PARSED, 1.0)

    def score(self, attempt: Attempt) -> float | None:
        """1.0, 0.0 or −1.0; None without a label."""
        label = attempt.sample.label
        if label is None:
            return None
        said = _final_verdict(attempt.reply)
        if said is _MISSING:
            return _NOT_PARSED
        return 1.0 if said == Verdict.from_label(label) else 0.0


class Agentic(Reward):
    """How near the reply's three expert probabilities are to what the experts say.

    −1.0 if the JSON does not parse; 0.0 if the verdict is wrong; else
    exp(−mean over the keys of BCE(p_pred, p_expert)), in (0, 1]. Source: Algorithm 4.
    """

    type: Literal["agentic"] = "agentic"
    experts: dict[str, str] = Field(default_factory=lambda: dict(PROBABILITY_KEYS), min_length=1)
    "Key of `specialist_analysis` → name in the sample's `experts`. The paper's three by default."
    source: ClassVar[str] = "ThinkFake (arXiv 2509.19841) Algorithm 4"

    @property
    def bounds(self) -> Bounds:
        """−1 to 1."""
        return Bounds(_NOT_PARSED, 1.0)

    def score(self, attempt: Attempt) -> float | None:
        """In [−1, 1]; None without a label or without one of the experts."""
        label, experts = attempt.sample.label, attempt.sample.experts
        if label is None or any(name not in experts for name in self.experts.values()):
            return None
        said = _final_verdict(attempt.reply)
        if said is _MISSING:
            return _NOT_PARSED
        if said != Verdict.from_label(label):
            return 0.0
        predicted = _section(attempt.reply, "specialist_analysis")
        losses = []
        for key, name in self.experts.items():
            p_pred = predicted.get(key)
            if not isinstance(p_pred, int | float) or isinstance(p_pred, bool):
                return _NOT_PARSED
            losses.append(binary_cross_entropy(p_pred, experts[name]))
        return math.exp(-math.fsum(losses) / len(losses))


def binary_cross_entropy(p_pred: float, p_true: float) -> float:
    """−[p_true·ln p_pred + (1 − p_true)·ln(1 − p_pred)], p_pred clipped to [1e-6, 1 − 1e-6].

    Args:
        p_pred: any number; outside [0, 1] it is clipped too.
        p_true: in [0, 1].

    Returns:
        At least 0. The least value is the entropy of p_true, so that only experts that are sure
        let the agentic reward reach 1.
    """
    p = min(max(p_pred, _CLIP), 1.0 - _CLIP)
    return -(p_true * math.log(p) + (1.0 - p_true) * math.log1p(-p))


def _section(reply: Reply, name: str) -> dict[str, Any]:
    tree = reply.json
    section = None if tree is None else tree.get(name)
    return section if isinstance(section, dict) else {}


def _final_verdict(reply: Reply) -> object:
    return _section(reply, "final_verdict").get("verdict", _MISSING)
