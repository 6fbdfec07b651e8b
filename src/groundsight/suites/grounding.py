"""Grounding beyond the multi-image benchmarks: LISA and ReVOS, Ref-L4, ODINW.

The multi-image grounding paper (arXiv 2507.00748) measures on these out of its domain. Their data
come as files of samples (`multi_image_grounding`, see docs/suites.md) or, of ODINW, as COCO files.

- **LISA's ReasonSeg, ReVOS** (arXiv 2308.00692, its train_ds.py; arXiv 2407.11325). gIoU is the
  mean of the samples' IoU, 1 where nothing is there and nothing is said; cIoU is the summed
  intersection over the summed union. Theirs are of masks. [choice] Here they are of the areas that
  the true and the said boxes cover, so figures compare among detectors of boxes, not with masks.
- **Ref-L4** (arXiv 2406.16866; ref_l4/evaluation.py): one box each; share of IoU above (not at)
  0.5, 0.75, 0.9; mAcc is the mean of the shares at 0.5, 0.55, … 0.95; by size of the true box
  (square root of its area: small below 128 pixels, large above 256); mean over classes.
- **ODINW** (arXiv 2112.03857 §4.2, COCO's protocol): average precision over IoU 0.5, 0.55, … 0.95,
  mean over the classes of a data set. A question is asked for each class that a picture shows, as
  the source writes them; what a detector finds of classes that are not shown is not asked for, so
  figures stand above those of an open detector.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from groundsight.core.report import Report
from groundsight.core.types import Sample
from groundsight.replies.dialect import PIXELS, Dialect
from groundsight.rewards.base import Question
from groundsight.suites.average_precision import Detections
from groundsight.suites.base import Figure, Found, PublishedRow, SampleScore, Suite
from groundsight.suites.boxes import MOST_BOXES, coco_hits, overlap_areas
from groundsight.suites.columns import Columns
from groundsight.suites.reading import Said, read
from groundsight.tasks.base import gold_regions
from groundsight.vision.boxes import Boxes, areas, pairwise_iou

COCO_THRESHOLDS = tuple(percent / 100 for percent in range(50, 100, 5))
_REF_L4 = (0.5, 0.75, 0.9)
_SMALL_PX, _LARGE_PX = 128, 256


@dataclass(frozen=True, kw_only=True)
class BoxSuite(Suite):
    """What the three share: a question, boxes, pictures of known size."""

    def takes(self, sample: Sample) -> bool:
        """Grounding samples."""
        return sample.task == "multi_image_grounding"

    def score(
        self,
        sample: Sample,
        reply: str | None = None,
        report: Report | None = None,
        *,
        dialect: Dialect = PIXELS,
    ) -> SampleScore:
        """Score the boxes."""
        said = read(sample, reply, report, dialect, needs_sizes=True)
        if isinstance(said, str):
            return self.unscored(sample, said)
        question = Question(sample)
        score = SampleScore(
            id=sample.id,
            groups=self.groups(sample),
            parsed=bool(said.answer.regions) or said.answer.nothing_found,
        )
        boxes = question.on_strip(said.answer.regions[:MOST_BOXES])
        return score.model_copy(update=self.scored(sample, said, boxes, question.true_boxes))

    def scored(self, sample: Sample, said: Said, found: Boxes, true: Boxes) -> dict[str, object]:
        """The fields of a score that hold the suite's own values.

        Args:
            sample: of the suite.
            said: of it.
            found: the said boxes in pixels, pictures side by side.
            true: the true ones, in the same frame.
        """
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class AreaSuite(BoxSuite):
    """Covered areas: gIoU and cIoU."""

    def scored(self, sample: Sample, said: Said, found: Boxes, true: Boxes) -> dict[str, object]:
        """`iou` of the covered areas, and the two areas in pixels."""
        both, either = overlap_areas(found, true)
        iou = both / either if either > 0 else 1.0
        return {
            "values": {
                "iou": iou,
                "acc@0.5": float(iou >= 0.5),
                "intersection_px": both,
                "union_px": either,
            }
        }

    def groups(self, sample: Sample) -> dict[str, str]:
        """The split or kind of question, where the sample says."""
        kind = sample.extra.get("category") or sample.split
        return {"kind": str(kind)} if kind else {}

    def ceiling(self, sample: Sample, name: str) -> float | None:
        """1.0; areas are no shares."""
        return None if name.endswith("_px") else 1.0

    def summary(self, scores: Iterable[SampleScore]) -> list[Figure]:
        """GIoU, cIoU, share of IoU >= 0.5."""
        columns = Columns.of(scores)
        return [
            *columns.mean("iou", as_="giou"),
            *columns.ratio("intersection_px", "union_px", as_="ciou"),
            *columns.mean("acc@0.5"),
            *columns.by("iou", "kind", as_="giou"),
            *columns.parse_rate(),
            *columns.num_unscored(),
        ]


@dataclass(frozen=True, kw_only=True)
class RefL4Suite(BoxSuite):
    """One box each, by size and class."""

    def scored(self, sample: Sample, said: Said, found: Boxes, true: Boxes) -> dict[str, object]:
        """`iou` of the first box, `acc@…` where it lies above the threshold, `macc`."""
        iou = 0.0
        if len(found) and len(true):
            iou = float(pairwise_iou(Boxes(found.xyxy[:1], found.frame), true)[0, 0])
        values: dict[str, float | None] = {"iou": iou}
        values |= {f"acc@{threshold:g}": float(iou > threshold) for threshold in _REF_L4}
        values["macc"] = float(np.mean([iou > threshold for threshold in COCO_THRESHOLDS]))
        return {"values": values}

    def groups(self, sample: Sample) -> dict[str, str]:
        """Size of the true box, and its class where the sample says."""
        side = _side(sample)
        size = "small" if side < _SMALL_PX else "large" if side > _LARGE_PX else "medium"
        category = sample.extra.get("category")
        return {"size": size, **({"class": str(category)} if category else {})}

    def summary(self, scores: Iterable[SampleScore]) -> list[Figure]:
        """Acc at 0.5, 0.75, 0.9, mAcc, by size, mean over classes."""
        columns = Columns.of(scores)
        names = [*(f"acc@{threshold:g}" for threshold in _REF_L4), "macc"]
        return [
            *(figure for name in names for figure in columns.mean(name)),
            *columns.by("acc@0.5", "size"),
            *columns.by("macc", "size"),
            *columns.mean_over("acc@0.5", "class", as_="class_acc@0.5"),
            *columns.mean_over("macc", "class", as_="class_macc"),
            *columns.mean("iou"),
            *columns.parse_rate(),
            *columns.num_unscored(),
        ]


@dataclass(frozen=True, kw_only=True)
class OdinwSuite(BoxSuite):
    """Every object of a class in a picture."""

    def scored(self, sample: Sample, said: Said, found: Boxes, true: Boxes) -> dict[str, object]:
        """Each box's hits for the precisions, and precision and recall at 0.5 of the sample."""
        hits = coco_hits(found, true, COCO_THRESHOLDS)
        category = self.groups(sample)["class"]
        num_hit = sum(hit[0] for hit in hits)
        return {
            "values": {
                "precision@0.5": num_hit / len(hits) if hits else None,
                "recall@0.5": num_hit / len(true) if len(true) else None,
            },
            "found": {category: tuple(Found(1.0, hit) for hit in hits)} if hits else {},
            "num_true": {category: len(true)},
        }

    def groups(self, sample: Sample) -> dict[str, str]:
        """The class that is asked for."""
        return {"class": str(sample.extra.get("category") or "object")}

    def summary(self, scores: Iterable[SampleScore]) -> list[Figure]:
        """Mean average precision, at 0.5 alone too, and the samples' own recall and precision."""
        boxes = Detections()
        columns = Columns.of(boxes.taking(scores))
        shown = [name for name in boxes.true if boxes.num_true(name)]
        weights = {name: 1 / len(shown) for name in shown}
        return [
            *boxes.figure("map", weights, thresholds=range(len(COCO_THRESHOLDS))),
            *boxes.figure("ap50", weights),
            *columns.mean("recall@0.5"),
            *columns.mean("precision@0.5"),
            *columns.parse_rate(),
            *columns.num_unscored(),
        ]


def _side(sample: Sample) -> float:
    """Square root of the true box's area in pixels; 0 where its picture has no size."""
    region, image = sample.regions[0], sample.images[sample.regions[0].image_index]
    if region.frame == "xyxy_unit" and not (image.width and image.height):
        return 0.0
    boxes = Boxes.px([one.xyxy_px for one in gold_regions(sample)[:1]]) if image.width else None
    boxes = Boxes.px([region.xyxy]) if boxes is None else boxes
    return math.sqrt(float(areas(boxes)[0]))


LISA = AreaSuite(
    name="lisa",
    title="LISA ReasonSeg, as boxes",
    about="what a sentence means by reasoning, covered area",
    source="samples",
    asks="regions",
    rule="gIoU: mean IoU of the covered areas; cIoU: summed intersection over summed union.",
    headline="giou",
    hub="github.com/dvlab-research/LISA",
    pictures_from="ReasonSeg of github.com/dvlab-research/LISA",
)
REVOS = replace(
    LISA,
    name="revos",
    title="ReVOS frames, as boxes",
    about="what a sentence means by reasoning, in frames of videos",
    hub=None,
    pictures_from="ReVOS of VISA (arXiv 2407.11325), frames cut from its videos",
)
SAMPLES = replace(
    LISA,
    name="grounding",
    title="Grounding samples",
    about="what a question means in one or several pictures; a file of samples of this package",
    hub=None,
    pictures_from="your own",
)
REF_L4 = RefL4Suite(
    name="ref_l4",
    title="Ref-L4",
    about="long referring expressions, one box each",
    source="samples",
    asks="regions",
    rule="Share of IoU above 0.5, 0.75, 0.9; mAcc: mean of the shares at 0.5, 0.55, … 0.95.",
    headline="acc@0.5",
    hub="JierunChen/Ref-L4",
    pictures_from="the hub's JierunChen/Ref-L4",
    published=(
        PublishedRow(
            model="CogVLM-Grounding",
            values={
                "acc@0.5": 0.8170,
                "acc@0.75": 0.7077,
                "acc@0.9": 0.4835,
                "macc": 0.6609,
                "acc@0.5[size=small]": 0.7506,
                "acc@0.5[size=medium]": 0.8643,
                "acc@0.5[size=large]": 0.7791,
                "class_acc@0.5": 0.7242,
                "class_macc": 0.5256,
            },
            where="README of github.com/JierunChen/Ref-L4, val and test together",
        ),
    ),
)
ODINW = OdinwSuite(
    name="odinw",
    title="ODINW, one question a class",
    about="every object of a class",
    source="coco",
    asks="regions",
    rule="COCO's AP over IoU 0.5, 0.55, … 0.95, mean over classes.",
    headline="map",
    hub="github.com/microsoft/GLIP",
    pictures_from="the data sets' archives as GLIP lists them, github.com/microsoft/GLIP",
)
