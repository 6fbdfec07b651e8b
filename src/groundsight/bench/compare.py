"""`groundsight bench compare A B`: what differs in the fingerprint, then what in the score.

comparison = compare_runs(Path("a"), Path("b"))
comparison.differences      # first: are these two numbers of one thing?
comparison.perturbations    # then: on the samples that both have, who is better
"""

import re
from json import dumps
from pathlib import Path
from typing import Any

from groundsight.bench.fingerprint import HARMLESS, differences
from groundsight.bench.pairs import ValueDifference, compare_values, pair_up
from groundsight.bench.records import RunFile, read_run
from groundsight.core.errors import UsageError
from groundsight.core.types import Value
from groundsight.suites import SUITES
from groundsight.suites.base import Figure
from groundsight.vision.drawing import plain_text

_MOVES = {
    "suite": "they are scored by other rules",
    "data": "they are measured on other data",
    "engine": "another engine, or other settings of it",
    "prompts": "they are asked in other words",
    "boxes": "boxes are read in another frame or under another pixel budget",
    "decoding": "replies are drawn otherwise",
    "perturbations": "other perturbations, or drawn otherwise",
    "limits": "other pictures are refused",
    "versions": "other versions of packages",
    "machine": "another machine; figures should not depend on it",
}
_HASH = re.compile(r"[0-9a-f]{64}")
_HASH_SHOWN = 12
_MOST_CHARS = 80


class Told(Value):
    """One value of the fingerprints that differs."""

    place: str
    first: Any
    second: Any

    @property
    def words(self) -> tuple[str, str]:
        """Both values on a line each: hashes cut, what is long cut."""
        return _value_words(self.first), _value_words(self.second)


class FigurePair(Value):
    """A figure of both runs, worked out on the samples that both have."""

    key: str
    first: Figure
    second: Figure


class PerturbationComparison(Value):
    """Both runs under one perturbation."""

    perturbation: str
    num_shared: int
    num_only_first: int
    num_only_second: int
    num_changed: int
    "Of one id, but with another question, truth or picture; left out."
    too_few: str | None
    "Why this says little; None where it does not."
    figures: tuple[FigurePair, ...] = ()
    "Of the suite, on the shared samples alone; the headline first."
    values: tuple[ValueDifference, ...] = ()
    "Paired tests."


class Comparison(Value):
    """What two runs have differently."""

    suite: str
    first: str
    second: str
    incomplete: tuple[str, ...]
    "Folders of runs that were stopped before their end."
    differences: tuple[Told, ...]
    "Of the fingerprints; empty: the same thing was measured twice."
    meanings: dict[str, str]
    "What it means that a section differs, by section."
    perturbations: tuple[PerturbationComparison, ...]
    only_first: tuple[str, ...]
    "Perturbations that the second has not."
    only_second: tuple[str, ...]


def compare_runs(first: Path, second: Path) -> Comparison:
    """Compare two runs of one suite.

    Args:
        first: folder of a run.
        second: folder of another.

    Raises:
        UsageError: no run lies there, or they are of different suites.
    """
    one, other = read_run(first), read_run(second)
    if one.suite != other.suite:
        raise UsageError(
            f"{first} is a run of {one.suite}, {second} of {other.suite}: runs of one suite can be "
            "compared"
        )
    told = [
        Told(place=found.place, first=found.first, second=found.second)
        for found in differences(one.fingerprint, other.fingerprint)
    ]
    sections = dict.fromkeys(found.place.partition(".")[0] for found in told)
    shared = [name for name in one.perturbations if name in other.perturbations]
    return Comparison(
        suite=one.suite,
        first=str(first),
        second=str(second),
        incomplete=tuple(
            str(folder) for folder, run in ((first, one), (second, other)) if not run.complete
        ),
        differences=tuple(sorted(told, key=lambda found: _is_harmless(found.place))),
        meanings={name: _MOVES.get(name, "") for name in sections},
        perturbations=tuple(_compare(one, first, second, name) for name in shared),
        only_first=tuple(name for name in one.perturbations if name not in shared),
        only_second=tuple(name for name in other.perturbations if name not in shared),
    )


def _value_words(value: Any) -> str:
    words = "none" if value is None else value if isinstance(value, str) else dumps(value)
    cut = words[:_HASH_SHOWN] if _HASH.fullmatch(words) else words
    return plain_text(cut, most=_MOST_CHARS)


def _is_harmless(place: str) -> bool:
    return place.partition(".")[0] in HARMLESS


def _compare(run: RunFile, first: Path, second: Path, name: str) -> PerturbationComparison:
    pairs = pair_up(first, second, name)
    suite = SUITES[run.suite]
    ones = {figure.key: figure for figure in suite.summary(pairs.first)}
    others = {figure.key: figure for figure in suite.summary(pairs.second)}
    keys = [key for key in ones if key in others]
    if suite.headline in keys:
        keys = [suite.headline, *(key for key in keys if key != suite.headline)]
    return PerturbationComparison(
        perturbation=name,
        num_shared=pairs.num,
        num_only_first=pairs.num_only_first,
        num_only_second=pairs.num_only_second,
        num_changed=pairs.num_changed,
        too_few=pairs.too_few,
        figures=tuple(FigurePair(key=k, first=ones[k], second=others[k]) for k in keys),
        values=tuple(compare_values(pairs)),
    )
