"""Any labelled pictures: plain folders, tables, and the sets that papers test on out of domain.

Official rule of all: the share decided right. Chameleon's authors (arXiv 2406.19435) give it on
generated and on real pictures apart as well, FakeClue's (arXiv 2503.14905, scripts/eval.py) by
category too; every suite here has both.

FakeClue's own JSON files label generated pictures 0 and real ones 1, the other way round. Its
folders say real and fake, and are what is read.
"""

from dataclasses import dataclass, replace

from groundsight.core.types import Sample
from groundsight.suites.base import Figure, PublishedRow
from groundsight.suites.columns import Columns
from groundsight.suites.verdicts import VerdictSuite

_FOLDERS = "…/real/… and …/fake/… (also 0_real and 1_fake); folders above or below are subsets"
_WHERE = (
    "FakeXplain, ICLR 2026 version of arXiv 2506.07045, out of domain; METHODS.md of this project"
)


@dataclass(frozen=True, kw_only=True)
class LabelledSuite(VerdictSuite):
    """Pictures under folders or in a table."""

    def takes(self, sample: Sample) -> bool:
        """Whatever can be judged."""
        return sample.task in ("forgery_reasoning", "grounded_detection")

    def groups(self, sample: Sample) -> dict[str, str]:
        """Generator or folder, and split, where there are any."""
        subset = sample.extra.get("subset") or sample.generator
        known = {"generator": subset, "split": sample.split}
        return {key: str(value) for key, value in known.items() if value}

    def headlines(self, columns: Columns) -> list[Figure]:
        """Accuracy over all, by generator, by split."""
        return [
            *columns.mean("accuracy"),
            *columns.by("accuracy", "generator"),
            *columns.by("accuracy", "split"),
        ]


FOLDER = LabelledSuite(
    name="folder",
    title="Labelled folder",
    about="real or generated, your own folders",
    source="folder",
    asks="verdict",
    rule="Share decided right.",
    headline="accuracy",
    pictures_from="your own",
)
TABLE = replace(
    FOLDER,
    name="table",
    title="Labelled table",
    about="real or generated, a CSV or TSV with paths and labels",
    source="csv",
)
SAMPLES = replace(
    FOLDER,
    name="samples",
    title="Labelled samples",
    about="real or generated, a file of samples of this package",
    source="samples",
)


def _out_of_domain(
    name: str, title: str, about: str, where: str, accuracy: float | None, layout: str = _FOLDERS
) -> LabelledSuite:
    rows = () if accuracy is None else (_row(accuracy),)
    return replace(
        FOLDER,
        name=name,
        title=title,
        about=about,
        layout=layout,
        hub=where,
        pictures_from=where,
        published=rows,
    )


def _row(accuracy: float) -> PublishedRow:
    return PublishedRow(model="FakeXplainer (32B)", values={"accuracy": accuracy}, where=_WHERE)


FAKECLUE = _out_of_domain(
    "fakeclue",
    "FakeClue",
    "real or generated, seven categories",
    "lingcco/FakeClue",
    0.852,
    "test/CATEGORY/{real,fake}/pictures",
)
CHAMELEON = _out_of_domain(
    "chameleon",
    "Chameleon",
    "pictures that people took for photographs",
    "on request from its authors, github.com/shilinyan99/AIDE",
    0.843,
    "test/{0_real,1_fake}/pictures",
)
GPT_IMAGE = _out_of_domain(
    "gpt_image_1", "GPT-Image-1", "pictures of one new generator", "your own collection", 0.801
)
FACEFORENSICS = _out_of_domain(
    "faceforensics",
    "FaceForensics++ frames",
    "frames of manipulated and original videos",
    "on request, github.com/ondyari/FaceForensics; frames cut from its videos",
    0.864,
    "{real,fake}/MANIPULATION/frames",
)
MMFR = _out_of_domain(
    "mmfr",
    "MMFR-Dataset",
    "the test sets of FakeReasoning (arXiv 2503.21210), ten generators",
    "github.com/PRIS-CV/FakeReasoning",
    0.874,
)
