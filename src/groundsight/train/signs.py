"""Signs: what a set of completions looks like beside its rewards, and what that warns of.

The thresholds of `underfit`, `not_grounded` and `unparseable` are FakeXplained's failure signs
(METHODS of arXiv 2506.07045); the others are [choice].
"""

from collections.abc import Sequence
from statistics import median

from groundsight.core.errors import UsageError
from groundsight.core.types import Value, Verdict
from groundsight.rewards.base import Attempt
from groundsight.rewards.rubric import Rubric
from groundsight.vision.boxes import areas, union_iou

LOW_ACCURACY, HIGH_ACCURACY, FAIR_IOU, MANY_UNPARSEABLE = 0.80, 0.95, 0.25, 0.10
WHOLE_PICTURE, MANY_WHOLE, MANY_BOXES, ONE_SIDED = 0.9, 0.2, 3.0, 0.95


class Signs(Value):
    """Measured on the completions, whatever the weights are. None: nothing to measure it on."""

    accuracy: float | None
    "Share of completions whose verdict equals the label, over samples with one."
    mean_iou: float | None
    "Union IoU with the true boxes, over samples with any; η = 1."
    unparseable_rate: float | None
    "Share of completions that fail a format part of the rubric."
    said_fake_rate: float | None
    "Share of verdicts that say AI-GENERATED, over samples with a label."
    label_fake_rate: float | None
    "Share of labels that say it, over the same completions."
    boxes_per_true_box: float | None
    "Median over completions of answered boxes per true box, over samples with true boxes."
    whole_picture_rate: float | None
    "Share of completions with boxes of which one covers over 90% of its picture."


def measure(rubric: Rubric, attempts: Sequence[Attempt]) -> Signs:
    """Measure all signs."""
    labelled = [attempt for attempt in attempts if attempt.sample.label is not None]
    right = [a.reply.verdict == Verdict.from_label(a.sample.label or 0) for a in labelled]
    verdicts = [a.reply.verdict is Verdict.AI_GENERATED for a in labelled if a.reply.verdict]
    placed = [attempt for attempt in attempts if _has_true_boxes(attempt)]
    ious = [union_iou(attempt.boxes, attempt.question.true_boxes) for attempt in placed]
    ratios = [len(a.regions) / len(a.question.true_boxes) for a in placed]
    return Signs(
        accuracy=_mean(right),
        mean_iou=_mean(ious),
        unparseable_rate=_unparseable(rubric, attempts),
        said_fake_rate=_mean(verdicts),
        label_fake_rate=_mean([attempt.sample.label == 1 for attempt in labelled]),
        boxes_per_true_box=median(ratios) if ratios else None,
        whole_picture_rate=_mean([_is_whole(a) for a in placed if a.regions]),
    )


def warn(signs: Signs) -> list[str]:
    """The failure signs in words, the worst first."""
    warnings = []
    if _over(signs.unparseable_rate, MANY_UNPARSEABLE):
        warnings.append(
            f"unparseable: {signs.unparseable_rate:.0%} of the completions break the format (over "
            "10%): the format reward is too weak, or the cold start too short"
        )
    if signs.accuracy is not None and signs.mean_iou is not None:
        if signs.accuracy < LOW_ACCURACY and signs.mean_iou >= FAIR_IOU:
            warnings.append(
                f"underfit: accuracy {signs.accuracy:.0%} (below 80%) with a fair IoU of "
                f"{signs.mean_iou:.2f}: train longer or raise the weight of the verdict"
            )
        if signs.accuracy > HIGH_ACCURACY and signs.mean_iou < FAIR_IOU:
            warnings.append(
                f"not grounded: accuracy {signs.accuracy:.0%} (over 95%) with an IoU of "
                f"{signs.mean_iou:.2f} (below 0.25): the model classifies and does not ground; "
                "raise the weight of grounding"
            )
    if _over(signs.boxes_per_true_box, MANY_BOXES):
        warnings.append(
            f"fragmented boxes: {signs.boxes_per_true_box:.1f} answered boxes for each true one "
            "(over 3): start with a lower grounding weight, or add box_count_penalty"
        )
    if _over(signs.whole_picture_rate, MANY_WHOLE):
        warnings.append(
            f"whole-picture boxes: {signs.whole_picture_rate:.0%} of the answers with boxes mark "
            "over 90% of the picture: IoU pays a little for that; matched_iou pays less"
        )
    said, labels = signs.said_fake_rate, signs.label_fake_rate
    if said is not None and labels is not None and 1 - ONE_SIDED < labels < ONE_SIDED:
        if said > ONE_SIDED or said < 1 - ONE_SIDED:
            warnings.append(
                f"one-sided: {said:.0%} of the verdicts say AI-GENERATED where {labels:.0%} of the "
                "labels do: hardly a group holds both verdicts, so the verdict reward is mute"
            )
    return warnings


def _unparseable(rubric: Rubric, attempts: Sequence[Attempt]) -> float | None:
    formats = [e.reward for e in rubric.config.rewards if e.reward.measures == "format"]
    if not formats:
        return None
    failed = []
    for attempt in attempts:
        try:
            failed.append(any(r.score(attempt) != r.bounds.high for r in formats))
        except UsageError:
            continue  # the sample cannot be read; the rubric's report says why
    return _mean(failed)


def _has_true_boxes(attempt: Attempt) -> bool:
    try:
        return len(attempt.question.true_boxes) > 0 and attempt.boxes is not None
    except UsageError:
        return False


def _is_whole(attempt: Attempt) -> bool:
    covered = areas(attempt.boxes).tolist()
    sizes = [attempt.question.sizes[region.image_index] for region in attempt.regions]
    return any(
        area > WHOLE_PICTURE * size.width * size.height
        for area, size in zip(covered, sizes, strict=True)
    )


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _over(value: float | None, limit: float) -> bool:
    return value is not None and value > limit
