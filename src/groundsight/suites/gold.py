"""Whether a suite gives full marks to the truth itself: its self-check.

    check = check_suite(suite, suite.samples(path))
    check.num, check.num_full, check.short

Each sample's gold reply is written by its task and scored like any other. What is less than full
marks is broken: the sample, the parser or the scorer. A sample whose truth cannot be met by the
official rule (`Suite.ceiling`) is counted apart, for it lowers what any model can reach.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from groundsight.core.errors import UsageError
from groundsight.core.types import Sample
from groundsight.data.sources.check import stand_in
from groundsight.rewards.gold import has_truth, rounding_slack
from groundsight.suites.base import Figure, SampleScore, Suite
from groundsight.tasks import TASKS
from groundsight.tasks.base import gold_regions, picture_sizes

MOST_SHORT = 20
_ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True)
class GoldReport:
    """What a suite's gold replies earned.

    Args:
        num: samples with a truth.
        num_full: of them those with full marks.
        num_without_truth: samples of hidden test sets.
        below_one: values that no answer can fill by the official rule, by name: how many samples.
        num_short: samples with less than they should have.
        short: the first of these, one line each.
        figures: the summary of the gold replies' scores.
    """

    num: int
    num_full: int
    num_without_truth: int
    below_one: dict[str, int]
    num_short: int
    short: tuple[str, ...]
    figures: tuple[Figure, ...]

    @property
    def is_clean(self) -> bool:
        """Whether every gold reply earned what it should."""
        return self.num_short == 0


def check_suite(suite: Suite, samples: Iterable[Sample]) -> GoldReport:
    """Score the gold replies of samples.

    Args:
        suite: whose samples they are.
        samples: pictures that have no known size are taken to be large enough for their boxes.
    """
    num_without, below, short = 0, dict[str, int](), list[str]()
    scores: list[SampleScore] = []
    for sample in samples:
        if not has_truth(sample):
            num_without += 1
            continue
        sized = sized_for_boxes(sample)
        score, lost = _score_gold(suite, sized)
        scores.append(score)
        if lost:
            short.append(f"{sample.id}: {lost}")
        for name in _unreachable(suite, sized, score):
            below[name] = below.get(name, 0) + 1
    return GoldReport(
        num=len(scores),
        num_full=len(scores) - len(short),
        num_without_truth=num_without,
        below_one=below,
        num_short=len(short),
        short=tuple(short[:MOST_SHORT]),
        figures=tuple(suite.summary(scores)),
    )


def sized_for_boxes(sample: Sample) -> Sample:
    """The sample with a size for every picture: its own, or one that holds its boxes."""
    images = tuple(stand_in(sample, index, image) for index, image in enumerate(sample.images))
    return sample.model_copy(update={"images": images})


def _score_gold(suite: Suite, sample: Sample) -> tuple[SampleScore, str]:
    """The gold reply's score, and what it lost; "" where it is full."""
    try:
        reply = TASKS[sample.task].gold_reply(sample, suite.gold_dialect)
    except UsageError as error:
        return suite.unscored(sample, str(error)), str(error)
    score = suite.score(sample, reply, dialect=suite.gold_dialect)
    if score.unscored is not None:
        return score, f"not scored: {score.unscored}"
    if not score.parsed:
        return score, "its gold reply cannot be read"
    slack = _slack(suite, sample)
    for name, value in score.values.items():
        best = suite.ceiling(sample, name)
        if value is not None and best is not None and value < best - slack:
            return score, f"{name} is {value:.3g} of {best:g}"
    return score, ""


def _slack(suite: Suite, sample: Sample) -> float:
    """What the rounding of the gold reply's numbers may cost."""
    if not sample.regions:
        return _ROUNDING
    sizes = picture_sizes(sample)
    return rounding_slack(gold_regions(sample), sizes, suite.gold_dialect) + _ROUNDING


def _unreachable(suite: Suite, sample: Sample, score: SampleScore) -> list[str]:
    ceilings = {name: suite.ceiling(sample, name) for name in score.values}
    return [name for name, best in ceilings.items() if best is not None and best < 1 - _ROUNDING]
