"""GenImage: accuracy on the pictures of each of eight generators, and the mean of the eight.

Official rule (arXiv 2306.08571 §4; the code of its baselines): a subset is one generator's `val`
folder, generated and real pictures in equal number; its figure is the share decided right over
both, and a detector's figure is the plain mean over the eight subsets.
"""

from dataclasses import dataclass

from groundsight.core.types import Sample
from groundsight.suites.base import Figure, PublishedRow
from groundsight.suites.columns import Columns
from groundsight.suites.verdicts import VerdictSuite

_THINKFAKE = "ThinkFake (arXiv 2509.19841) Table 5, trained on 5,638 pictures of SD v1.4"


@dataclass(frozen=True, kw_only=True)
class GenImageSuite(VerdictSuite):
    """GenImage's validation folders."""

    def takes(self, sample: Sample) -> bool:
        """The validation part; training pictures are no test."""
        return sample.split == "val"

    def groups(self, sample: Sample) -> dict[str, str]:
        """The subset, which real pictures have too."""
        return {"generator": str(sample.extra.get("subset") or "unnamed")}

    def headlines(self, columns: Columns) -> list[Figure]:
        """Mean over the generators, then each."""
        return [
            *columns.mean_over("accuracy", "generator", as_="mean_accuracy"),
            *columns.by("accuracy", "generator"),
            *columns.mean("accuracy"),
        ]


SUITE = GenImageSuite(
    name="genimage",
    title="GenImage",
    about="real or generated, eight generators",
    source="genimage",
    asks="verdict",
    rule="Share decided right over generated and real pictures of a generator's val folder; the "
    "plain mean over the generators.",
    headline="mean_accuracy",
    hub="github.com/GenImage-Dataset/GenImage",
    pictures_from="the archives linked at github.com/GenImage-Dataset/GenImage",
    published=(
        PublishedRow(model="ThinkFake", values={"mean_accuracy": 0.840}, where=_THINKFAKE),
        PublishedRow(
            model="ThinkFake without the agentic reward",
            values={"mean_accuracy": 0.826},
            where=_THINKFAKE,
        ),
        PublishedRow(
            model="ThinkFake, format and accuracy rewards only",
            values={"mean_accuracy": 0.746},
            where=_THINKFAKE,
        ),
    ),
)
