"""The figures of one perturbation, read off the lines of a run."""

from collections import Counter
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path

from groundsight.bench.records import read_scores
from groundsight.suites.base import Figure, SampleScore, Suite

_MODULUS = 1 << 256


class Summing:
    """One pass over the lines of a perturbation; nothing of a line is kept.

    Args:
        folder: of the run.
        perturbation: whose lines.
        unanswered: how many samples have no answer, by code.
    """

    def __init__(self, folder: Path, perturbation: str, unanswered: Mapping[str, int]) -> None:
        self._folder, self._perturbation = folder, perturbation
        self.unanswered = unanswered
        self.num = 0
        "Lines."
        self.usage: Counter[str] = Counter()
        self.figures: list[Figure] = []
        self._pictures = 0

    @property
    def pictures_sha256(self) -> str:
        """Of the files of all lines, whatever their order."""
        return f"{self._pictures % _MODULUS:064x}"

    def work_out(self, suite: Suite) -> None:
        """Have the suite work out its figures, and count on the way."""
        self.figures = suite.summary(self._scores())

    def _scores(self) -> Iterator[SampleScore]:
        for line in read_scores(self._folder, self._perturbation):
            self.num += 1
            self.usage.update(line.usage)
            seen = f"{line.score.id}\0{line.pictures_sha256}"
            self._pictures += int.from_bytes(sha256(seen.encode()).digest(), "big")
            yield line.score
        for code, number in self.unanswered.items():
            for place in range(number):
                yield SampleScore(id=f"{code}/{place}", unscored=code)
