"""MC-Bench: every instance that a text means in two pictures, or that neither shows it.

Official rule (arXiv 2410.12332; eval_mc_bench.py of XuYunqiu/MC-Bench):

- Instances: COCO's average precision at IoU 0.5 for each group ("group 1", "group 2", … : the
  instances of one text may belong to several), weighed by the groups' numbers of true boxes.
  Predictions carry a group number and a certainty; a box is scored in its own group.
- Images: a text counts as right when, for both pictures, there is a box exactly where there should
  be one, wherever it lies.

The script means to renumber a prediction's groups to those of the truth that they fit best, but
reads the predictions anew for each picture pair, so that only the last pair's renumbering is kept.
Our replies name no groups; all their boxes are group 1 with certainty 1. Hence three figures:
`ap50` is what the script gives, but for that one pair; `ap50_regrouped` has each reply's boxes in
the group they fit best, as is meant; `ap50_ungrouped` takes all groups as one, and is the one in
which a reply that names every true box earns 1.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from groundsight.core.report import Report
from groundsight.core.types import Sample
from groundsight.replies.dialect import PIXELS, Dialect
from groundsight.replies.place import AnswerRegion
from groundsight.rewards.base import Question
from groundsight.suites.average_precision import Detections
from groundsight.suites.base import Figure, Found, SampleScore, Suite
from groundsight.suites.boxes import coco_hits
from groundsight.suites.columns import Columns
from groundsight.suites.reading import read
from groundsight.tasks.base import gold_regions
from groundsight.vision.boxes import Boxes, match_boxes, matched_iou

THRESHOLD = (0.5,)
AS_RUN, AS_MEANT, ALL = "as_run/", "as_meant/", "all"
_GROUP_1 = 1


@dataclass(frozen=True, kw_only=True)
class McBenchSuite(Suite):
    """Texts over pairs of pictures."""

    def score(
        self,
        sample: Sample,
        reply: str | None = None,
        report: Report | None = None,
        *,
        dialect: Dialect = PIXELS,
    ) -> SampleScore:
        """Score the boxes: `image_accuracy`, `matched_iou`, and each box for the precisions."""
        said = read(sample, reply, report, dialect, needs_sizes=True)
        if isinstance(said, str):
            return self.unscored(sample, said)
        question, regions = Question(sample), said.answer.regions
        groups = _groups(sample)
        return SampleScore(
            id=sample.id,
            values={
                "image_accuracy": float(_pictures(regions) == _pictures(gold_regions(sample))),
                "matched_iou": matched_iou(question.on_strip(regions[:100]), question.true_boxes),
            },
            groups=self.groups(sample),
            parsed=bool(regions) or said.answer.nothing_found,
            found=_found(question, regions, groups),
            num_true={
                ALL: len(groups),
                **{str(group): groups.count(group) for group in sorted(set(groups))},
            },
        )

    def groups(self, sample: Sample) -> dict[str, str]:
        """Style of the text, and whether either picture shows what it means."""
        shown = "yes" if sample.regions else "no"
        return {"style": str(sample.extra.get("style") or "unnamed"), "shown": shown}

    def summary(self, scores: Iterable[SampleScore]) -> list[Figure]:
        """Precisions, then the accuracy of pictures."""
        boxes = Detections()
        columns = Columns.of(boxes.taking(scores))
        names = sorted(name for name in boxes.true if name != ALL)
        total = sum(boxes.num_true(name) for name in names)
        weights = {name: boxes.num_true(name) / total for name in names if total}
        return [
            *boxes.figure("ap50", weights, prefix=AS_RUN),
            *columns.mean("image_accuracy"),
            *boxes.figure("ap50_regrouped", weights, prefix=AS_MEANT),
            *boxes.figure("ap50_ungrouped", {ALL: 1.0} if total else {}),
            *columns.by("image_accuracy", "style"),
            *columns.by("image_accuracy", "shown"),
            *columns.mean("matched_iou"),
            *columns.parse_rate(),
            *columns.num_unscored(),
        ]


def _pictures(regions: Iterable[AnswerRegion]) -> set[int]:
    return {region.image_index for region in regions}


def _groups(sample: Sample) -> list[int]:
    said = sample.extra.get("groups")
    known = said if isinstance(said, list) and len(said) == len(sample.regions) else []
    groups = [group if type(group) is int else _GROUP_1 for group in known]
    return groups or [_GROUP_1] * len(sample.regions)


def _found(
    question: Question, regions: Sequence[AnswerRegion], groups: list[int]
) -> dict[str, tuple[Found, ...]]:
    """The reply's boxes in group 1, in the group they fit best, and in no group."""
    if not regions:
        return {}
    true = gold_regions(question.sample)
    fitting = _best_group(question, regions, true, groups)
    return {
        f"{AS_RUN}{_GROUP_1}": _hits(question, regions, true, groups, _GROUP_1),
        f"{AS_MEANT}{fitting}": _hits(question, regions, true, groups, fitting),
        ALL: _hits(question, regions, true, groups, None),
    }


def _hits(
    question: Question,
    regions: Sequence[AnswerRegion],
    true: Sequence[AnswerRegion],
    groups: list[int],
    group: int | None,
) -> tuple[Found, ...]:
    """Boxes picture by picture, as COCO pairs them; the strip keeps pictures apart."""
    wanted = [one for one, of in zip(true, groups, strict=True) if group in (None, of)]
    hits: list[tuple[bool, ...]] = []
    for index in range(len(question.sizes)):
        found = question.on_strip([one for one in regions if one.image_index == index])
        there = question.on_strip([one for one in wanted if one.image_index == index])
        hits.extend(coco_hits(found, there, THRESHOLD))
    return tuple(Found(1.0, hit) for hit in hits)


def _best_group(
    question: Question,
    regions: Sequence[AnswerRegion],
    true: Sequence[AnswerRegion],
    groups: list[int],
) -> int:
    """The group whose boxes the reply's fit best: mean IoU of the pairs that match them."""
    choices = sorted(set(groups)) or [_GROUP_1]
    found = question.on_strip(regions[:100])
    fits = [
        _fit(found, question.on_strip([t for t, g in zip(true, groups, strict=True) if g == one]))
        for one in choices
    ]
    return choices[int(np.argmax(fits))]


def _fit(found: Boxes, true: Boxes) -> float:
    pairs = match_boxes(found, true)
    return sum(pair.iou for pair in pairs) / len(pairs) if pairs else 0.0


SUITE = McBenchSuite(
    name="mc_bench",
    title="MC-Bench",
    about="every instance a text means in two pictures, or none",
    source="mc_bench",
    settings=("contradictions=boxes",),
    asks="regions",
    rule="COCO's AP at IoU 0.5 by group of instances, weighed by their true boxes; share of texts "
    "with boxes in exactly the right pictures.",
    headline="ap50",
    hub="github.com/XuYunqiu/MC-Bench",
    pictures_from="MC-Bench_images.zip of the drive linked at github.com/XuYunqiu/MC-Bench",
)
