r"""MIG-Bench: the box that an instruction means, among several pictures; ten tasks.

Official rule (arXiv 2501.05767; eval/utils.py and eval/MIG_bench_eval.py of thunlp/Migician):

- Reading. Six notations are looked for in this order, and the first that occurs anywhere gives the
  boxes: `(1,2),(3,4)`, `[.1, .2, .3, .4]`, `(.1,.2),(.3,.4)`, `(.1, .2, .3, .4)`, `[1, 2, 3, 4]`,
  `<box>1 2 3 4</box>`. Of several boxes the first counts. Whole numbers run from 0 to 1000; a
  number from 1 on is divided by 1000 (of several boxes: a number above 1).
- Scoring. IoU with the true box as the file has it, in fractions of the picture. Corners are not
  put in order: a box with swapped corners has IoU 0, x, y, w, h is read as corners, no box is 0.
  Which picture the reply names is not looked at.
- Figures. By task: share of IoU >= 0.7, 0.5, 0.3, and the mean IoU. The papers compare the mean
  over the tasks of Acc@0.5.

Five of the file's 4,295 true boxes have swapped corners, so that no answer can be right by this
rule, and two reach beyond the picture.

[choice] A reply with sections is read in its answer alone, since boxes that are weighed in the
reasoning are no answer; the script has never seen such replies. A model that does not write 0 to
1000 or fractions (Qwen2.5-VL: pixels of the resized picture) has its numbers divided by the asked
picture's size in its own frame. `strict` figures stand beside the official ones: boxes read by the
task's parser, corners put in order, and a box in the wrong picture is worth nothing.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from groundsight.core.report import Report
from groundsight.core.types import XYXY, Sample
from groundsight.replies.dialect import PIXELS, Dialect
from groundsight.replies.regions import MAX_SCANNED
from groundsight.rewards.base import Question
from groundsight.suites.base import Figure, SampleScore, Suite
from groundsight.suites.boxes import iou_values
from groundsight.suites.choice_reading import answer_text
from groundsight.suites.columns import Columns
from groundsight.suites.reading import NO_ANSWER, Said, read
from groundsight.tasks.base import picture_sizes
from groundsight.vision.boxes import FARTHEST, UNIT, Boxes, pairwise_iou
from groundsight.vision.frames import FAMILIES, MODEL_PREFIX, PictureSize

THRESHOLDS = (0.7, 0.5, 0.3)
NO_SIZE = "the size of its pictures is not known"
_WHOLE, _FRACTION = r"(\d+)", r"(\d+\.\d+)"
_NOTATIONS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\({_WHOLE},\s*{_WHOLE}\),\s*\({_WHOLE},\s*{_WHOLE}\)",
        rf"\[{_FRACTION},\s*{_FRACTION},\s*{_FRACTION},\s*{_FRACTION}\]",
        rf"\({_FRACTION},{_FRACTION}\),\({_FRACTION},{_FRACTION}\)",
        rf"\({_FRACTION},\s*{_FRACTION},\s*{_FRACTION},\s*{_FRACTION}\)",
        rf"\[{_WHOLE},\s*{_WHOLE},\s*{_WHOLE},\s*{_WHOLE}\]",
        rf"<box>{_WHOLE}\s+{_WHOLE}\s+{_WHOLE}\s+{_WHOLE}</box>",
    )
)


def read_box(text: str, extent: tuple[float, float] | None = None) -> XYXY | None:
    """The box of a reply as MIG-Bench's script reads it, in fractions of its picture.

    Args:
        text: the answer.
        extent: of the picture's right and bottom edge in the model's frame, for models whose
            numbers are no thousandths; None: the script's own scaling. Fractions stay fractions.

    Returns:
        Corners as written, perhaps swapped; None where there is no box.
    """
    for notation in _NOTATIONS:
        found = [match.groups() for match in notation.finditer(text[:MAX_SCANNED])]
        if found:
            numbers = [min(float(number), FARTHEST) for number in found[0]]
            if extent is None or all(number <= 1 for number in numbers):
                return _thousandths(numbers, alone=len(found) == 1)
            right, bottom = extent
            x0, y0, x1, y1 = numbers
            return x0 / right, y0 / bottom, x1 / right, y1 / bottom
    return None


def _thousandths(numbers: list[float], *, alone: bool) -> XYXY:
    """The script's scaling: with one box 1 is a thousandth, with several it is the whole."""
    x0, y0, x1, y1 = (n / 1000 if (n >= 1 if alone else n > 1) else n for n in numbers)
    return x0, y0, x1, y1


@dataclass(frozen=True, kw_only=True)
class MigBenchSuite(Suite):
    """Grounding questions with one true box."""

    def score(
        self,
        sample: Sample,
        reply: str | None = None,
        report: Report | None = None,
        *,
        dialect: Dialect = PIXELS,
    ) -> SampleScore:
        """Score the box: `iou` and `acc@…` officially, `strict_…` by the task's own reading.

        The strict values are None where the pictures' sizes are not known.
        """
        has_sizes = all(image.width and image.height for image in sample.images)
        needs_sizes = report is not None or not _is_relative(dialect)
        if needs_sizes and not has_sizes:
            return self.unscored(sample, NO_SIZE)
        said = read(sample, reply, report, dialect) if has_sizes else None
        if isinstance(said, str) or (said is None and reply is None):
            return self.unscored(sample, said or NO_ANSWER)
        box = _reported_box(sample, said) if reply is None else _written(sample, reply, dialect)
        values = iou_values(_official_iou(sample, box), THRESHOLDS)
        values |= _strict_values(sample, said)
        return SampleScore(
            id=sample.id, values=values, groups=self.groups(sample), parsed=box is not None
        )

    def groups(self, sample: Sample) -> dict[str, str]:
        """One of ten tasks."""
        return {"task": str(sample.extra.get("task") or "unnamed")}

    def ceiling(self, sample: Sample, name: str) -> float | None:
        """What the true box itself earns against the box of the file."""
        if name.startswith("strict_"):
            return 1.0
        iou = _official_iou(sample, sample.regions[0].xyxy)
        return iou_values(iou, THRESHOLDS).get(name)

    def summary(self, scores: Iterable[SampleScore]) -> list[Figure]:
        """The mean over the tasks of Acc@0.5, the other means, each task, the strict figures."""
        columns = Columns.of(scores)
        names = ["acc@0.5", "acc@0.7", "acc@0.3", "iou"]
        strict = [f"strict_{name}" for name in (*names, "picture")]
        means = [columns.mean_over(name, "task", as_=f"mean_{name}") for name in (*names, *strict)]
        tasks = [columns.by(name, "task") for name in names]
        return [
            *(figure for figures in (*means, *tasks) for figure in figures),
            *columns.parse_rate(),
            *columns.num_unscored(),
        ]


def _is_relative(dialect: Dialect) -> bool:
    """Whether a model writes thousandths or fractions, which need no picture size."""
    if dialect.frame == UNIT:
        return True
    family = FAMILIES[dialect.frame.removeprefix(MODEL_PREFIX)] if ":" in dialect.frame else None
    return family is not None and family.writes == "per_mille"


def _written(sample: Sample, reply: str, dialect: Dialect) -> XYXY | None:
    extent = None
    if not _is_relative(dialect):
        extent = dialect.extent(picture_sizes(sample)[sample.regions[0].image_index])
    return read_box(answer_text(reply), extent)


def _reported_box(sample: Sample, said: Said | None) -> XYXY | None:
    if said is None or not said.answer.regions:
        return None
    first = said.answer.regions[0]
    size: PictureSize = picture_sizes(sample)[first.image_index]
    x0, y0, x1, y1 = first.xyxy_px
    return x0 / size.width, y0 / size.height, x1 / size.width, y1 / size.height


def _official_iou(sample: Sample, box: XYXY | None) -> float:
    """IoU with the file's own box; a box with swapped corners, said or true, meets nothing."""
    if box is None:
        return 0.0
    true = sample.extra.get("answer", sample.regions[0].xyxy)
    return float(pairwise_iou(Boxes(np.array([box]), UNIT), Boxes(np.array([true]), UNIT))[0, 0])


def _strict_values(sample: Sample, said: Said | None) -> dict[str, float | None]:
    """By the task's reading; all None where it could not read for want of picture sizes."""
    names = ["picture", "iou", *(f"acc@{threshold}" for threshold in THRESHOLDS)]
    if said is None:
        return dict.fromkeys((f"strict_{name}" for name in names), None)
    regions, iou = said.answer.regions, 0.0
    right_picture = bool(regions) and regions[0].image_index == sample.regions[0].image_index
    if regions:
        question = Question(sample)
        iou = float(pairwise_iou(question.on_strip(regions[:1]), question.true_boxes)[0, 0])
    values = {f"strict_{name}": value for name, value in iou_values(iou, THRESHOLDS).items()}
    return {"strict_picture": float(right_picture), **values}


SUITE = MigBenchSuite(
    name="mig_bench",
    title="MIG-Bench",
    about="the region an instruction means among several pictures, ten tasks",
    source="mig_bench",
    asks="regions",
    rule="IoU of the first box with the true one, in fractions; mean over the tasks of the share "
    "with IoU >= 0.5.",
    headline="mean_acc@0.5",
    hub="Michael4933/MIG-Bench",
    pictures_from="the hub's Michael4933/MIG-Bench, unpacked to MIG-Bench/images/",
    gold_dialect=Dialect(frame=f"{MODEL_PREFIX}qwen2_vl"),
    published=(),
)
