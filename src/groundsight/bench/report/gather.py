"""One pass over a run's lines: what the plots and the list of mistakes need, in little memory."""

import heapq
from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from groundsight.bench.records import ScoreLine
from groundsight.core.seeds import derive_seed
from groundsight.core.types import Verdict

NUM_MISTAKES = 12
MOST_UNREAD = 3
"Of the mistakes shown, replies that could not be read: their pictures teach little."
UNREAD = "unread"
ANSWERS = (*(str(verdict) for verdict in Verdict), UNREAD)
IOU_NAMES = ("iou", "matched_iou")
_PLACED_NAMES = (*IOU_NAMES, "image_accuracy", "recall@0.5")


@dataclass(frozen=True)
class Mistake:
    """A line that went wrong, and how wrong."""

    line: ScoreLine
    size: float
    "0 to 1, see `mistake_size`."


@dataclass
class Gathered:
    """What was seen of one perturbation's lines.

    Args:
        labels: of the lines with a label and a p_fake.
        p_fake: theirs.
        confusion: lines by label and answer (one of `ANSWERS`).
        ious: of the lines that have one.
        num: lines.
        timing_s: of all lines together.
        mistakes: the worst, worst first.
    """

    labels: "array[int]" = field(default_factory=lambda: array("b"))
    p_fake: "array[float]" = field(default_factory=lambda: array("d"))
    confusion: Counter[tuple[int, str]] = field(default_factory=Counter)
    ious: "array[float]" = field(default_factory=lambda: array("d"))
    num: int = 0
    timing_s: float = 0.0
    mistakes: list[Mistake] = field(default_factory=list)


def gather(lines: Iterable[ScoreLine]) -> Gathered:
    """Read the lines of one perturbation once."""
    seen = Gathered()
    read, unread = _Worst(NUM_MISTAKES), _Worst(MOST_UNREAD)
    for line in lines:
        score = line.score
        seen.num += 1
        seen.timing_s += line.timing_s
        if score.label is not None:
            answer = UNREAD if score.verdict is None else str(score.verdict)
            seen.confusion[score.label, answer] += 1
            if score.p_fake is not None:
                seen.labels.append(score.label)
                seen.p_fake.append(score.p_fake)
        iou = next((score.values[n] for n in IOU_NAMES if score.values.get(n) is not None), None)
        if iou is not None:
            seen.ious.append(iou)
        size = mistake_size(line)
        if size > 0:
            (read if score.parsed else unread).see(Mistake(line, size))
    some = unread.sorted()
    seen.mistakes = [*read.sorted()[: NUM_MISTAKES - len(some)], *some]
    return seen


def mistake_size(line: ScoreLine) -> float:
    """How wrong a line is, 0 to 1; 0 for full marks.

    A wrong answer comes to 0.5 or more, the surer the larger; right ones, and questions for a
    place, to half of what their regions lack.
    """
    score = line.score
    right = score.values.get("accuracy")
    if right is not None and right < 1:
        known = score.label is not None and score.p_fake is not None
        return 0.5 + 0.5 * abs((score.p_fake or 0.0) - (score.label or 0)) * known
    named = (score.values.get(name) for name in _PLACED_NAMES)
    placed = next((value for value in named if value is not None), None)
    return 0.0 if placed is None else 0.5 * min(max(1.0 - placed, 0.0), 1.0)


class _Worst:
    """The largest mistakes; among equal ones a draw that hangs on the samples' ids alone."""

    def __init__(self, num: int) -> None:
        self._num = num
        self._heap: list[tuple[float, int, str, Mistake]] = []

    def see(self, mistake: Mistake) -> None:
        name = mistake.line.score.id
        # Ids and draws differ, so that two mistakes are never compared themselves.
        entry = (mistake.size, derive_seed(0, "mistake", name), name, mistake)
        if len(self._heap) < self._num:
            heapq.heappush(self._heap, entry)
        elif entry[:3] > self._heap[0][:3]:
            heapq.heapreplace(self._heap, entry)

    def sorted(self) -> list[Mistake]:
        return [entry[3] for entry in sorted(self._heap, key=lambda e: e[:3], reverse=True)]
