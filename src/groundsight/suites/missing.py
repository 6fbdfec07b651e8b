"""A suite whose files are here and whose pictures are not: one message with the counts.

missing = find_missing(suite, samples)
if missing.num: raise UsageError(missing.message)
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass

from groundsight.core.types import Sample
from groundsight.data.packed import parse_address
from groundsight.suites.base import Suite


@dataclass(frozen=True, kw_only=True)
class Missing:
    """Pictures that are not where the samples say.

    Args:
        title: of the suite.
        num_samples: that were looked at.
        num_incomplete: of them, that lack at least one picture.
        num_pictures: different ones that the samples name.
        num: of them, that are not there.
        first: the path of the first.
        pictures_from: where they are to be had.
    """

    title: str
    num_samples: int
    num_incomplete: int
    num_pictures: int
    num: int
    first: str
    pictures_from: str

    @property
    def message(self) -> str:
        """One line: how many are missing, where they were looked for, where to get them."""
        if not self.num:
            return f"{self.title}: all {self.num_pictures:,} pictures are there"
        whose = f"{self.num_incomplete:,} of {self.num_samples:,} samples cannot be asked"
        get = f"; get them from {self.pictures_from}" if self.pictures_from else ""
        return (
            f"{self.title}: {self.num:,} of {self.num_pictures:,} pictures are missing, so "
            f"{whose}; looked for e.g. {self.first}{get}, and name their folder with --pictures"
        )


def find_missing(suite: Suite, samples: Iterable[Sample]) -> Missing:
    """Look for every picture of a suite's samples, without opening any.

    Memory grows only by 64 bits for each different picture.

    Args:
        suite: says where its pictures are to be had.
        samples: of it. A picture in a table is there when the table is.
    """
    seen: dict[int, bool] = {}
    num_samples = num_incomplete = 0
    first = ""
    for sample in samples:
        num_samples += 1
        complete = True
        for image in sample.images:
            known = hash(image.path)
            if known not in seen:
                seen[known] = _is_there(image.path)
                if not seen[known] and not first:
                    first = image.path
            complete = complete and seen[known]
        num_incomplete += not complete
    return Missing(
        title=suite.title,
        num_samples=num_samples,
        num_incomplete=num_incomplete,
        num_pictures=len(seen),
        num=sum(not there for there in seen.values()),
        first=first,
        pictures_from=suite.pictures_from,
    )


def _is_there(path: str) -> bool:
    packed = parse_address(path)
    try:
        return os.path.isfile(path if packed is None else packed.table)
    except ValueError:  # a path with a null byte
        return False
