"""Which pictures are fitted, which are held out, which are scored at the end.

    choice = DataChoice(path=Path("manifest.csv"))
    data = read_data(choice)              # .fit, .unseen: ExpertPicture
    held_out = hold_out(data.fit, 0.2)    # (N,) bool, whole families of generators

The GenImage protocol is `fit_generators=("SD v1.4",)`: what other generators made is not fitted but
scored as unseen.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from hashlib import sha256
from pathlib import Path

import numpy as np
import numpy.typing as npt

from groundsight.core.errors import UsageError
from groundsight.core.seeds import derive_seed
from groundsight.core.types import Sample
from groundsight.data.packed import parse_address
from groundsight.data.sources import load_source
from groundsight.experts.signal.pictures import FitPicture

FIT_SPLITS = ("fit", "train")
UNSEEN_SPLITS = ("unseen", "test", "val")
WHOLE_FROM = 4
"Families from this many on stay whole when pictures are held out."
_SLACK = 1.25


@dataclass(frozen=True, kw_only=True)
class ExpertPicture(FitPicture):
    """A picture with its truth. Its `group` is the family of generators, or the photo source.

    Args:
        row: the generator, or the photo source: a line of the table of figures.
        stamp: what tells its content from another's: a hash where the data give one, else a size.
    """

    row: str
    stamp: str


@dataclass(frozen=True, kw_only=True)
class DataChoice:
    """What the user says of the data.

    Args:
        path: a table, a folder with real and fake in it, or a file of samples.
        source: layout, a row of `SOURCES`; None guesses from the path.
        fit_split: split to fit; None takes fit or train, or everything where there are no splits.
        unseen_split: split to score at the end; None takes unseen, test or val where there is one.
        fit_generators: patterns such as "SD*"; only these generators are fitted, what the others
            made is scored as unseen. Empty: all.
    """

    path: Path
    source: str | None = None
    fit_split: str | None = None
    unseen_split: str | None = None
    fit_generators: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ExpertData:
    """Pictures with labels: those that may be learnt from, and those that may not."""

    fit: tuple[ExpertPicture, ...]
    unseen: tuple[ExpertPicture, ...]

    @property
    def sha256(self) -> str:
        """Of names, labels, groups and stamps of everything; the order does not count."""
        lines = sorted(
            f"{role}\t{one.key}\t{one.label}\t{one.group}\t{one.row}\t{one.stamp}"
            for role, pictures in (("fit", self.fit), ("unseen", self.unseen))
            for one in pictures
        )
        return sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()


def read_data(choice: DataChoice) -> ExpertData:
    """Read the pictures and say which are for what.

    Raises:
        UsageError: no such data, split or generator, or pictures of one class only.
    """
    name = choice.source or guess_source(choice.path)
    samples = [one for one in load_source(name, choice.path).samples() if one.images]
    splits = {one.split for one in samples if one.split}
    fit_split = _split(choice.fit_split, FIT_SPLITS, splits)
    unseen_split = _split(choice.unseen_split, UNSEEN_SPLITS, splits - {fit_split})
    in_fit = [one for one in samples if fit_split is None or one.split == fit_split]
    in_unseen = [one for one in samples if unseen_split and one.split == unseen_split]
    if choice.fit_generators:
        in_fit, other = _by_generator(in_fit, choice.fit_generators)
        in_unseen = in_unseen or other
    fit, unseen = _pictures(in_fit), _pictures(in_unseen)
    if {one.label for one in fit} != {0, 1}:
        generated = sum(one.label for one in fit)
        raise UsageError(
            f"{choice.path}: pictures of both classes are needed to fit on; found {generated} "
            f"generated and {len(fit) - generated} real"
            + (f" in split {fit_split}" if fit_split else "")
        )
    return ExpertData(fit=fit, unseen=unseen)


def guess_source(path: Path) -> str:
    """The layout that a path looks like."""
    if path.is_dir():
        return "folder"
    return "csv" if path.suffix.lower() in (".csv", ".tsv") else "samples"


def hold_out(
    pictures: Sequence[FitPicture], rate: float, *, seed: int = 0
) -> npt.NDArray[np.bool_]:
    """(N,) which pictures are kept from the fit.

    Families of generators stay whole where there are at least four, so that the figure is one of
    generators that were not fitted; photographs are spread, since sources are few.

    Args:
        pictures: of both classes.
        rate: share to hold out of each class.
        seed: of the choice.

    Raises:
        UsageError: too few pictures to hold out one of each class and fit one.
    """
    held = np.array([_draw(seed, one.key) < rate for one in pictures], dtype=bool)
    families = [one.group for one in pictures if one.label]
    if len(set(families)) >= WHOLE_FROM:
        chosen = _some_families(families, rate, seed)
        for index, one in enumerate(pictures):
            if one.label:
                held[index] = one.group in chosen
    for label in (0, 1):
        _mend(held, [i for i, one in enumerate(pictures) if one.label == label])
    return held


def _some_families(families: Sequence[str], rate: float, seed: int) -> set[str]:
    """Families in a drawn order, as long as they fit into the share."""
    counts = {name: families.count(name) for name in set(families)}
    order = sorted(counts, key=lambda name: (_draw(seed, "family", name), name))
    wanted, chosen, taken = rate * len(families), set[str](), 0
    for name in order:
        if taken < wanted and taken + counts[name] <= wanted * _SLACK:
            chosen.add(name)
            taken += counts[name]
    return chosen or {min(order, key=lambda name: counts[name])}


def _mend(held: npt.NDArray[np.bool_], members: list[int]) -> None:
    """At least one picture of a class on either side."""
    if len(members) < 2:
        raise UsageError("at least two pictures of each class are needed, to fit and to hold out")
    if not held[members].any():
        held[members[0]] = True
    if held[members].all():
        held[members[0]] = False


def _draw(seed: int, *parts: str) -> float:
    return derive_seed(seed, "hold-out", *parts) / 2**63


def _split(asked: str | None, usual: Sequence[str], there: Iterable[str | None]) -> str | None:
    names = sorted(name for name in there if name)
    if asked is not None:
        if asked not in names:
            raise UsageError(f"no split {asked!r}; there are: {', '.join(names) or 'none'}")
        return asked
    return next((name for name in usual if name in names), None)


def _by_generator(
    samples: Sequence[Sample], patterns: Sequence[str]
) -> tuple[list[Sample], list[Sample]]:
    """Those of the generators wanted, and the rest; photographs that belong to no generator fit."""
    generators = {one.generator for one in samples if one.generator}
    wanted = {
        name
        for name in generators
        if any(fnmatchcase(name.lower(), pattern.lower()) for pattern in patterns)
    }
    if not wanted:
        known = ", ".join(sorted(generators))[:200] or "none"
        raise UsageError(f"no generator like {', '.join(patterns)}; there are: {known}")
    inside: list[Sample] = []
    other: list[Sample] = []
    for one in samples:
        home = one.generator if one.label == 1 else one.extra.get("subset")
        (other if home in generators - wanted else inside).append(one)
    return inside, other


def _pictures(samples: Sequence[Sample]) -> tuple[ExpertPicture, ...]:
    return tuple(_picture(one) for one in samples if one.label is not None)


def _picture(sample: Sample) -> ExpertPicture:
    path = sample.images[0].path
    assert sample.label is not None
    source = str(sample.source or sample.extra.get("subset") or "photographs")
    row = (sample.generator or "generated") if sample.label else source
    family = str(sample.extra.get("family") or row)
    return ExpertPicture(
        path=Path(path),
        key=sample.id,
        label=sample.label,
        group=family if sample.label else source,
        row=row,
        stamp=str(sample.extra.get("sha256") or _size_of(path)),
    )


def _size_of(path: str) -> str:
    if parse_address(path):
        return path
    try:
        return f"{os.stat(path).st_size} bytes"
    except OSError:
        return "missing"
