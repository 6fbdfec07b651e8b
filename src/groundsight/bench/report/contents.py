"""What a report says, in whatever format: everything that is read off a run's folder.

contents = read_contents(Path("out"))
"""

from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from groundsight.bench.records import RunFile, Unanswered, read_run, read_scores, read_unanswered
from groundsight.bench.report.gather import Gathered, gather
from groundsight.bench.report.naming import in_words, is_share, shown, shown_interval
from groundsight.bench.report.tables import Table, base_of, robustness_table, tables_of
from groundsight.core.errors import UsageError
from groundsight.suites import SUITES, Suite
from groundsight.suites.base import Figure

MOST_UNANSWERED = 30
_SIDE_KEYS = ("auc", "tpr@fpr=0.05", "iou", "mean_iou", "parse_rate")
"What a table of perturbations has beside the headline."


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What a report says.

    Args:
        run: the run.
        suite: None where it came from outside and is not installed here.
        base: the perturbation that tables and mistakes are of.
        headline: the suite's, or else the first figure; None where nothing was scored.
        tables: the suite's, with published rows.
        robustness: a row a perturbation; None where nothing was perturbed.
        gathered: of the base perturbation's lines.
        unanswered: the first of the samples without a score.
    """

    run: RunFile
    suite: Suite | None
    base: str
    headline: Figure | None
    tables: list[Table]
    robustness: Table | None
    gathered: Gathered
    unanswered: list[Unanswered]

    @property
    def title(self) -> str:
        """Suite and engine."""
        return f"{self.run.suite_title}: {self.run.engine_spec}"

    @property
    def headline_words(self) -> tuple[str, str, str] | None:
        """The headline's name, digits (with a per cent sign) and interval."""
        if self.headline is None:
            return None
        one = self.headline
        interval = "" if one.interval is None else shown_interval(one.interval, one.name)
        unit = " %" if self.headline_is_share else ""
        return in_words(one), shown(one.value, one.name) + unit, interval

    @property
    def headline_is_share(self) -> bool:
        """Whether it is printed in per cent."""
        return self.headline is not None and is_share(self.headline.name)

    @property
    def num_unanswered(self) -> int:
        """Samples of the base perturbation that have no score."""
        return sum(self.run.num_unanswered.get(self.base, {}).values())

    @property
    def has_published(self) -> bool:
        """Whether published rows stand beside the run's."""
        return any(table.notes for table in self.tables)

    @property
    def rule(self) -> str:
        """How the suite scores."""
        return "" if self.suite is None else self.suite.rule


def read_contents(folder: Path) -> Contents:
    """Read a run's folder.

    Raises:
        UsageError: no run lies there, or lines of another version.
    """
    run = read_run(folder)
    suite = _suite(run.suite)
    base = base_of(run)
    figures = run.figures.get(base, ())
    headline = suite and run.figure(suite.headline, base)
    headline = headline or next((one for one in figures if one.name != "num_unscored"), None)
    keys = list(dict.fromkeys([*([headline.key] if headline else []), *_SIDE_KEYS]))
    keys = [key for key in keys if any(run.figure(key, name) for name in run.figures)]
    return Contents(
        run=run,
        suite=suite,
        base=base,
        headline=headline,
        tables=tables_of(run, suite.published if suite else ()),
        robustness=robustness_table(run, keys),
        gathered=gather(read_scores(folder, base)),
        unanswered=list(islice(read_unanswered(folder), MOST_UNANSWERED)),
    )


def _suite(name: str) -> Suite | None:
    try:
        return SUITES[name]
    except UsageError:
        return None
