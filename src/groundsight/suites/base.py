"""What a suite is: one benchmark's samples, its own rule of scoring, its figures.

    suite = SUITES["mig_bench"]
    for sample in suite.samples(Path("MIG_data.json")):
        score = suite.score(sample, reply_text, dialect=Dialect.of("qwen2_5_vl"))
    figures = suite.summary(scores)

A score is flat and JSON-able, so that a run is one line a sample and its figures can be worked out
again from the lines alone. What could not be scored (a picture that is missing, an engine that
failed) is counted and never scored zero; a reply that makes no sense is scored as the benchmark's
own script scores it, mostly as wrong.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import Field

from groundsight.core.json_values import Text
from groundsight.core.report import Report
from groundsight.core.types import Label, Sample, Value, Verdict
from groundsight.data.sources import Source, load_source
from groundsight.replies.dialect import PIXELS, Dialect
from groundsight.vision.boxes import UNIT

Asks = Literal["verdict", "regions", "choice"]
FRACTIONS = Dialect(frame=UNIT)
"The finest numbers that a reply can hold."


class Interval(NamedTuple):
    """The range that holds 95% of the bootstrap's resamples."""

    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One number of a suite's table.

    Args:
        name: of what is measured, e.g. "accuracy"; shares and IoUs lie in 0 to 1.
        group: what it is measured over, "generator=ADM"; None: over everything.
        value: the number.
        num: samples behind it.
        interval: by the bootstrap over samples; None for counts and for figures of one sample.
    """

    name: str
    group: str | None = None
    value: float
    num: int
    interval: Interval | None = None

    @property
    def key(self) -> str:
        """Name and group in one: "accuracy", "accuracy[generator=ADM]"; unique in a summary."""
        return self.name if self.group is None else f"{self.name}[{self.group}]"


@dataclass(frozen=True, kw_only=True)
class PublishedRow:
    """What a paper reports, to stand beside our figures.

    Args:
        model: as the paper names it.
        values: by `Figure.key`, in the same units.
        where: paper, table, and what differs from our set-up, if anything does.
    """

    model: str
    values: Mapping[str, float]
    where: str


class Found(NamedTuple):
    """A box of a reply, as average precision counts it."""

    score: float
    "How certain; 1 where the reply does not say."
    hits: tuple[bool, ...]
    "Whether it meets a true box of its class, at each of the suite's IoU thresholds."


class SampleScore(Value):
    """What one sample came to; everything that a summary needs."""

    id: Text
    values: dict[str, float | None] = Field(default_factory=dict)
    "By name, mostly 0 to 1; None where the sample has nothing to compare with."
    groups: dict[str, Text] = Field(default_factory=dict)
    "What slices it belongs to, e.g. {'generator': 'ADM'}."
    label: Label | None = None
    p_fake: float | None = Field(default=None, ge=0, le=1)
    verdict: Verdict | None = None
    parsed: bool = False
    "Whether the reply could be read as an answer to the question."
    unit: Text | None = None
    "What several samples share, e.g. one picture asked about twice; resampled together."
    found: dict[str, tuple[Found, ...]] = Field(default_factory=dict)
    "Boxes of the reply by class, most certain first, where figures rank all boxes of a set."
    num_true: dict[str, int] = Field(default_factory=dict)
    "True boxes by class, where `found` is used."
    unscored: Text | None = None
    "Why nothing could be scored; None for a scored sample. `values` is empty then."


@dataclass(frozen=True, kw_only=True)
class Suite:
    """One benchmark. Stateless; a row of `suites.SUITES`. Subclasses say how it is scored.

    Args:
        name: its row.
        title: as the papers call it.
        about: what is measured, one phrase.
        source: row of `data.sources.SOURCES` that reads its files.
        settings: of that source, `key=value`.
        asks: what an answer must hold. "verdict" suites take any engine's report; the others
            need a reply to the sample's own question.
        rule: the official rule of scoring, in one or two sentences.
        headline: key of the figure that the papers compare.
        layout: what the data look like on the disk; "": as its source says.
        hub: where the data are published, a hub name or an address.
        pictures_from: where the pictures are to be had, one phrase.
        gold_dialect: in which gold replies are written for the self-check; its rounding is
            allowed for.
        published: the papers' rows.
    """

    name: str
    title: str
    about: str
    source: str
    settings: tuple[str, ...] = ()
    asks: Asks
    rule: str
    headline: str
    layout: str = ""
    hub: str | None = None
    pictures_from: str = ""
    gold_dialect: Dialect = FRACTIONS
    published: tuple[PublishedRow, ...] = field(default=(), repr=False)

    def load(
        self, path: Path, pictures: Path | None = None, settings: Iterable[str] = ()
    ) -> Source:
        """The suite's data where they lie.

        Args:
            path: their folder or file.
            pictures: folder that picture paths start from; None: where the annotations lie.
            settings: more `key=value` of the source.

        Raises:
            UsageError: no such path, or a setting that the source does not have.
        """
        return load_source(
            self.source, path, pictures=pictures, settings=(*self.settings, *settings)
        )

    def samples(
        self, path: Path, pictures: Path | None = None, settings: Iterable[str] = ()
    ) -> Iterator[Sample]:
        """The suite's samples, as a stream.

        Args:
            path: as for `load`.
            pictures: as for `load`.
            settings: as for `load`.

        Raises:
            UsageError: as `load`, or a row that should be a sample and is none.
        """
        return (s for s in self.load(path, pictures, settings).samples() if self.takes(s))

    def takes(self, sample: Sample) -> bool:
        """Whether a sample of the source belongs to this suite."""
        return True

    def score(
        self,
        sample: Sample,
        reply: str | None = None,
        report: Report | None = None,
        *,
        dialect: Dialect = PIXELS,
    ) -> SampleScore:
        """Score what was said of one sample. Never raises on what a model wrote.

        Args:
            sample: of `samples`, with picture sizes where the suite has boxes.
            reply: a chat reply to the sample's question, as it was written.
            report: an engine's report on the sample's picture; not both.
            dialect: of the model that wrote the reply.

        Returns:
            An unscored score where neither is given, or where the report says nothing.
        """
        raise NotImplementedError

    def groups(self, sample: Sample) -> dict[str, str]:
        """The slices that a sample belongs to."""
        return {}

    def ceiling(self, sample: Sample, name: str) -> float | None:
        """The most that any answer can earn by the official rule; None: it is no share.

        Args:
            sample: of this suite.
            name: of one of the score's values.

        Returns:
            1.0 unless the sample's own truth is broken, e.g. a box with swapped corners.
        """
        return 1.0

    def unscored(self, sample: Sample, reason: str) -> SampleScore:
        """The score of a sample that could not be asked, e.g. for want of its picture."""
        return SampleScore(
            id=sample.id, label=sample.label, groups=self.groups(sample), unscored=reason
        )

    def summary(self, scores: Iterable[SampleScore]) -> list[Figure]:
        """The suite's figures, headline first. An empty list where nothing was scored.

        Args:
            scores: of this suite, in any order; read once.
        """
        raise NotImplementedError
