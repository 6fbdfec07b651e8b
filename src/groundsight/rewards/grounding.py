"""Rewards of multi-image grounding (arXiv 2507.00748): the right box in the right picture.

The paper's accuracy reward is the IoU with the true box, 0 for the wrong picture. Questions with
several true boxes or with none are beyond it and have rewards of their own, so that each question
is scored by exactly the rewards that apply to it; the others are None for it.
"""

from typing import ClassVar, Literal

from groundsight.rewards.base import Attempt, Measures, Reward
from groundsight.vision.boxes import matched_iou, pairwise_iou


class GroundingIoU(Reward):
    """IoU of the answered box with the true one; 0 in the wrong picture.

    [choice] An answer must name one box: several different ones earn 0, or guessing would pay.
    Source: accuracy reward of Multi-image grounding RL (arXiv 2507.00748).
    """

    type: Literal["grounding_iou"] = "grounding_iou"
    source: ClassVar[str] = "Multi-image grounding RL (arXiv 2507.00748) accuracy reward"
    measures: ClassVar[Measures] = "region"

    def score(self, attempt: Attempt) -> float | None:
        """In [0, 1]; None unless the question has exactly one true box."""
        true = attempt.question.true_boxes
        if len(true) != 1:
            return None
        if len(attempt.boxes) != 1:
            return 0.0
        return float(pairwise_iou(attempt.boxes, true)[0, 0])


class ImageIndex(Reward):
    """Whether the boxes are in the right pictures: |P ∩ T| / |P ∪ T| of the sets of pictures.

    1 or 0 where one picture is meant and one is named. [choice]: the paper folds this into the IoU;
    apart it tells a wrong picture from a wrong place.
    """

    type: Literal["image_index"] = "image_index"
    source: ClassVar[str] = "[choice], the picture part of arXiv 2507.00748's accuracy reward"
    measures: ClassVar[Measures] = "region"

    def score(self, attempt: Attempt) -> float | None:
        """In [0, 1]; None when there is nothing to find."""
        true = {region.image_index for region in attempt.question.gold.regions}
        if not true:
            return None
        said = {region.image_index for region in attempt.regions}
        return len(said & true) / len(said | true)


class MatchedIoU(Reward):
    """Summed IoU of the best one-to-one matching of boxes over max(P, T).

    Missing and surplus boxes both cost, so neither one big box nor many small ones pay. [choice]
    More than `MAX_BOXES` boxes earn 0: matching them costs the cube of their number.
    """

    type: Literal["matched_iou"] = "matched_iou"
    source: ClassVar[str] = "[choice], Hungarian matching as in DETR (arXiv 2005.12872)"
    measures: ClassVar[Measures] = "region"
    MAX_BOXES: ClassVar[int] = 128

    def score(self, attempt: Attempt) -> float | None:
        """In [0, 1]; None when there is nothing to find."""
        true = attempt.question.true_boxes
        if len(true) == 0:
            return None
        if not 0 < len(attempt.boxes) <= max(self.MAX_BOXES, len(true)):
            return 0.0
        return min(1.0, matched_iou(attempt.boxes, true))


class Negatives(Reward):
    """Nothing to find: 1 if the reply says so and gives no box, else 0.

    Saying nothing at all is not saying that there is nothing. [choice]: the paper has no such
    questions; users of VLM-R1 asked for them (its issue 261).
    """

    type: Literal["negatives"] = "negatives"
    source: ClassVar[str] = "[choice]"
    measures: ClassVar[Measures] = "region"

    def score(self, attempt: Attempt) -> float | None:
        """1.0 or 0.0; None when there is something to find."""
        if not attempt.question.gold.nothing_found:
            return None
        return 1.0 if attempt.answer.nothing_found else 0.0
