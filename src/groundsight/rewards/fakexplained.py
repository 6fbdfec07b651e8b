"""FakeXplained's three rewards (arXiv 2506.07045; η and the linear schedule: ICLR 2026 version).

R = ω_G·R_G + ω_C·R_C + ω_F·R_F; the weights, and what the stages give for right and wrong, are in
the recipe.
"""

from typing import ClassVar, Literal

from pydantic import Field

from groundsight.core.types import Verdict
from groundsight.rewards.base import Attempt, Bounds, Measures, Reward
from groundsight.vision.boxes import union_iou


class VerdictLabel(Reward):
    """R_C: `correct` if the verdict equals the label, else `wrong`.

    A missing, unknown or contradictory verdict, and INCONCLUSIVE, are wrong. Source: R_C of
    FakeXplained; 1 or 0 in the ICLR version, +1/−1, +2/−2 and 0.5/−1 in the stages of v1.
    """

    type: Literal["verdict"] = "verdict"
    correct: float = 1.0
    "What a right verdict earns."
    wrong: float = 0.0
    "What any other reply earns."
    source: ClassVar[str] = "FakeXplained (arXiv 2506.07045) R_C"
    measures: ClassVar[Measures] = "verdict"

    @property
    def bounds(self) -> Bounds:
        """`wrong` to `correct`."""
        return Bounds(min(self.wrong, self.correct), max(self.wrong, self.correct))

    def score(self, attempt: Attempt) -> float | None:
        """`correct` or `wrong`; None without a label."""
        label = attempt.sample.label
        if label is None:
            return None
        right = attempt.reply.verdict == Verdict.from_label(label)
        return self.correct if right else self.wrong


class RelaxedIoU(Reward):
    """R_G = min(1, η·IoU) of the areas that predicted and true boxes cover.

    A real picture has nothing to find: a readable report without a box earns 1, anything else 0.
    [choice] A real picture's reply must be a readable report (`report_format`) to earn that 1, or
    silence would pay. [choice] More than `max_boxes` boxes earn 0: they are no regions any more,
    and a fine enough mesh of slivers imitates any area.

    Source: R_G(o) = min(1, η·IoU(R(o), R_y)), FakeXplained (ICLR 2026); IoU of unions [choice of
    METHODS.md §2].
    """

    type: Literal["relaxed_iou"] = "relaxed_iou"
    eta: float = Field(default=1.1, gt=0)
    "η, the relaxation."
    max_boxes: int = Field(default=64, ge=1)
    "Twelve times FakeXplained's mean of 5.42 regions a picture."
    source: ClassVar[str] = "FakeXplained (ICLR 2026 version of arXiv 2506.07045) R_G, η = 1.1"
    measures: ClassVar[Measures] = "region"

    def score(self, attempt: Attempt) -> float | None:
        """In [0, 1]; None without a label, and for a fake whose regions are not known."""
        label, true = attempt.sample.label, attempt.sample.regions
        if label is None or (label == 1 and not true):
            return None
        if label == 0:
            silent = not attempt.regions and is_report(attempt, self.max_boxes)
            return 1.0 if silent else 0.0
        if len(attempt.regions) > self.max_boxes:
            return 0.0
        return min(1.0, self.eta * union_iou(attempt.boxes, attempt.question.true_boxes))


class ReportFormat(Reward):
    """R_F: `ok` if think, tag and verdict, and every box and caption parse, else `bad`.

    Exactly the three sections in order; reasoning that is not empty; a verdict that says real or
    fake; every region inside the reasoning, on the picture, with a caption (unless one of the
    sample's own regions has none), and at most `max_boxes` of them.

    Source: R_F(o) of FakeXplained, +1 or −1; 0.5 or −1 in its stage γ.
    """

    type: Literal["report_format"] = "report_format"
    ok: float = 1.0
    "What a readable report earns."
    bad: float = -1.0
    "What any other reply earns."
    max_boxes: int = Field(default=64, ge=1)
    "More are no report any more [choice]."
    source: ClassVar[str] = "FakeXplained (arXiv 2506.07045) R_F"
    measures: ClassVar[Measures] = "format"

    @property
    def bounds(self) -> Bounds:
        """`bad` to `ok`."""
        return Bounds(min(self.bad, self.ok), max(self.bad, self.ok))

    def score(self, attempt: Attempt) -> float:
        """`ok` or `bad`."""
        return self.ok if is_report(attempt, self.max_boxes) else self.bad


def is_report(attempt: Attempt, max_boxes: int) -> bool:
    """Whether the reply is FakeXplained's report, with every box and caption readable.

    Raises:
        UsageError: the sample lacks picture sizes, whatever the reply says.
    """
    _ = attempt.question.sizes
    reply = attempt.reply
    if not reply.follows("think", "tag", "verdict") or not reply.think:
        return False
    if reply.verdict not in (Verdict.REAL, Verdict.AI_GENERATED) or len(reply.regions) > max_boxes:
        return False
    # A box that was written and is not among the answered regions could not be placed.
    if len(attempt.answer.regions) != len(reply.regions):
        return False
    captioned = all(region.description.strip() for region in attempt.sample.regions)
    return all(
        region.section == "think" and (region.description or not captioned)
        for region in reply.regions
    )
