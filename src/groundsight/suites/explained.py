"""Grounded detection: is it generated, where does it show, in which words. FakeXplained, LOKI.

FakeXplained (arXiv 2506.07045; ICLR 2026) reports accuracy, IoU, BLEU-2 and ROUGE-L, and says
neither how several boxes are put against several nor over which pictures it averages. [choice] IoU
is between the areas that the said and the true boxes cover, as in its reward, with its factor η
left out, averaged over the generated pictures with known regions; a generated picture that is
called real keeps what its boxes earn. Captions: `metrics.captions`, over the same pictures. Boxes
on real pictures have a figure of their own.

LOKI's own rule for its explanations is a judge model's 0 to 5 for four questions (gpt-4o, prompt in
lm_evaluate/tasks/loki_utils). No judge is asked here; what is measured is whether the human-drawn
regions are met and described, and whether the picture is called generated.
"""

from dataclasses import dataclass, replace

from groundsight.core.types import Sample
from groundsight.metrics.captions import bleu_2, caption_text, rouge_l
from groundsight.metrics.localisation import points_inside
from groundsight.rewards.base import Question
from groundsight.suites.base import Figure, PublishedRow
from groundsight.suites.boxes import MOST_BOXES, overlap_areas
from groundsight.suites.columns import Columns
from groundsight.suites.loki import PICTURES
from groundsight.suites.reading import Said
from groundsight.suites.verdicts import VerdictSuite
from groundsight.tasks.base import gold_regions

_WHERE = "FakeXplained (arXiv 2506.07045)"
_ICLR = "FakeXplain, ICLR 2026 version of arXiv 2506.07045"
_OURS = "; its IoU and caption scores may average over other pictures"


@dataclass(frozen=True, kw_only=True)
class ExplainedSuite(VerdictSuite):
    """Verdict, regions, captions."""

    def takes(self, sample: Sample) -> bool:
        """Grounded detection; of LOKI's files those with human-drawn regions."""
        return sample.task == "grounded_detection" and "answer" not in sample.extra

    def groups(self, sample: Sample) -> dict[str, str]:
        """The generator, where the sample says."""
        return {"generator": sample.generator} if sample.generator else {}

    @property
    def needs_sizes(self) -> bool:
        """Boxes are compared."""
        return True

    def more_values(self, sample: Sample, said: Said) -> dict[str, float | None]:
        """`iou`, `pointing`, `bleu_2`, `rouge_l` of generated pictures, `false_regions` of real."""
        if sample.label == 0:
            return {"false_regions": float(len(said.answer.regions))}
        true = gold_regions(sample)
        if not true:
            return {}
        question = Question(sample)
        found = question.on_strip(said.answer.regions[:MOST_BOXES])
        both, either = overlap_areas(found, question.true_boxes)
        said_text = caption_text([region.description for region in said.answer.regions])
        true_text = caption_text([region.description for region in true])
        return {
            "iou": both / either,
            "pointing": float(points_inside(found, question.true_boxes)),
            "bleu_2": bleu_2(said_text, true_text) if true_text else None,
            "rouge_l": rouge_l(said_text, true_text) if true_text else None,
        }

    def ceiling(self, sample: Sample, name: str) -> float | None:
        """1.0; false regions are a count, best at 0."""
        return None if name == "false_regions" else 1.0

    def headlines(self, columns: Columns) -> list[Figure]:
        """Accuracy, regions, captions, false regions, accuracy by generator."""
        names = ("accuracy", "iou", "pointing", "bleu_2", "rouge_l", "false_regions")
        return [
            *(figure for name in names for figure in columns.mean(name)),
            *columns.by("accuracy", "generator"),
            *columns.by("iou", "generator"),
        ]


def _row(model: str, accuracy: float, iou: float, where: str) -> PublishedRow:
    return PublishedRow(model=model, values={"accuracy": accuracy, "iou": iou}, where=where + _OURS)


SUITE = ExplainedSuite(
    name="fakexplained",
    title="FakeXplained",
    about="real or generated, where it shows, in which words",
    source="fakexplained",
    asks="verdict",
    rule="Accuracy of the verdict; IoU of the covered areas, BLEU-2 and ROUGE-L of the captions on "
    "generated pictures; share of replies that can be read.",
    headline="accuracy",
    hub="github.com/Gennadiyev/FakeXplain",
    pictures_from="github.com/Gennadiyev/FakeXplain, where its authors announce the data",
    published=(
        _row("FakeXplainer v1 (32B)", 0.981, 0.378, _WHERE),
        PublishedRow(
            model="FakeXplainer (32B)",
            values={"accuracy": 0.982, "iou": 0.360, "bleu_2": 0.267, "rouge_l": 0.251},
            where=_ICLR + _OURS,
        ),
        _row("FakeXplainer (7B)", 0.958, 0.255, _ICLR),
        _row("FakeXplainer (3B)", 0.842, 0.185, _ICLR),
        _row("GRPO, grounding weight fixed at 1", 0.937, 0.265, _ICLR),
        _row("GRPO, grounding weight fixed at 0.5", 0.974, 0.223, _ICLR),
        _row("SFT only", 0.893, 0.043, _ICLR),
        _row("no fine-tuning", 0.734, 0.044, _ICLR),
    ),
)
LOKI_OPEN = ExplainedSuite(
    name="loki_open",
    title="LOKI image explanation",
    about="229 fakes with human-drawn regions and captions",
    source="loki",
    asks="verdict",
    rule="Officially a judge model's marks, which are not given here; IoU of the covered areas, "
    "BLEU-2 and ROUGE-L of the captions, share called generated.",
    headline="iou",
    layout="a folder with open_ended_vqa.json, or that file",
    hub="bczhou/LOKI",
    pictures_from=PICTURES,
)
SAMPLES = replace(
    SUITE,
    name="explained",
    title="Explained samples",
    about="real or generated, where it shows, in which words; a file of samples of this package",
    source="samples",
    hub=None,
    pictures_from="your own",
    published=(),
)
