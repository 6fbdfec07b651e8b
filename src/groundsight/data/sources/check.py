"""The check of a data set: counts, every picture looked at, every truth scored.

    report = check_source(load_source("loki", folder), judge=check_gold)
    report.tasks, report.found, report.findings

It is one pass. Memory grows only with the number of different pictures and ids, by some tens of
bytes each: of both a 64-bit hash is kept.
"""

import math
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Literal, Protocol

from groundsight.core.errors import PictureError
from groundsight.core.types import ImageRef, Sample
from groundsight.data.packed import open_image, read_image_size
from groundsight.data.samples import SampleRow
from groundsight.data.sources.base import Source
from groundsight.data.sources.report import Finding, Kind, SourceReport
from groundsight.vision.frames import PictureSize

Look = Literal["decode", "header", "none"]
MOST_FINDINGS = 100
"Of each kind; all are counted."
_ROWS_AT_ONCE = 256
_LOOKS_KEPT = 4096
_MOST_NAMES = 1000
# What boxes of a picture that is not there are drawn on.
_STAND_IN = 1024


class Judged(Protocol):
    """What a judge says of a sample's own truth."""

    @property
    def state(self) -> str:
        """`full`, `short` or `no_truth`."""
        ...

    @property
    def reason(self) -> str:
        """Why it is short."""
        ...


Judge = Callable[[Sample], Judged]
_Seen = PictureSize | PictureError


def check_source(
    source: Source, *, judge: Judge | None = None, look: Look = "decode", workers: int = 4
) -> SourceReport:
    """Go through a data set and write down what it holds and what is wrong.

    Args:
        source: the data set.
        judge: scores a sample's own truth (`rewards.gold.check_gold`); None: not asked. A picture
            that is not there is taken to be just large enough for its boxes.
        look: how pictures are looked at: decoded as a whole (a file that was cut short has a good
            header), by their headers, or not at all.
        workers: threads that look at pictures.

    Raises:
        UsageError: the data set as a whole cannot be read.
    """
    tally = _Tally(judge)
    with ThreadPoolExecutor(max(1, workers)) as pool:
        pictures = _Pictures(look, pool)
        for rows in _chunks(source.rows()):
            pictures.look_at(
                image.path for row in rows if row.sample for image in row.sample.images
            )
            for row in rows:
                tally.add(row, pictures)
            pictures.forget()
    return tally.report(source, None if look == "none" else pictures.num_seen)


def _chunks(rows: Iterator[SampleRow]) -> Iterator[list[SampleRow]]:
    while chunk := list(islice(rows, _ROWS_AT_ONCE)):
        yield chunk


class _Pictures:
    """Looks at each picture once, several at a time, and remembers the last ones."""

    def __init__(self, look: Look, pool: ThreadPoolExecutor) -> None:
        self._look, self._pool = look, pool
        self._kept: OrderedDict[str, _Seen] = OrderedDict()
        self._hashes: set[int] = set()

    @property
    def num_seen(self) -> int:
        return len(self._hashes)

    def look_at(self, paths: Iterable[str]) -> None:
        if self._look == "none":
            return
        new = [path for path in dict.fromkeys(paths) if path not in self._kept]
        for path, seen in zip(new, self._pool.map(self._see, new), strict=True):
            self._kept[path] = seen

    def forget(self) -> None:
        while len(self._kept) > _LOOKS_KEPT:
            self._kept.popitem(last=False)

    def of(self, path: str) -> tuple[_Seen | None, bool]:
        """What was seen of a picture, and whether it is told of for the first time."""
        seen = self._kept.get(path)
        first = seen is not None and hash(path) not in self._hashes
        if first:
            self._hashes.add(hash(path))
        return seen, first

    def _see(self, path: str) -> _Seen:
        try:
            if self._look == "header":
                return read_image_size(path)
            picture = open_image(path)
            return PictureSize(picture.width, picture.height)
        except PictureError as error:
            return error


class _Tally:
    """Counts, and the first findings of each kind."""

    def __init__(self, judge: Judge | None) -> None:
        self._judge = judge
        self._ids: set[int] = set()
        self._num_samples = self._num_regions = 0
        self._tasks: Counter[str] = Counter()
        self._labels: Counter[str] = Counter()
        self._generators: Counter[str] = Counter()
        self._splits: Counter[str] = Counter()
        self._gold: Counter[str] = Counter()
        self._left_out: Counter[str] = Counter()
        self._found: Counter[Kind] = Counter()
        self._findings: list[Finding] = []

    def add(self, row: SampleRow, pictures: _Pictures) -> None:
        if row.fault:
            self._tell("fault", row.where, row.fault)
        elif row.left_out:
            self._left_out[row.left_out] += 1
        elif row.sample is not None:
            self._count(row.sample, row.where)
            sized = self._sized(row.sample, pictures)
            if self._judge is not None:
                self._score(self._judge, sized)

    def _count(self, sample: Sample, where: str) -> None:
        self._num_samples += 1
        self._num_regions += len(sample.regions)
        self._tasks[sample.task] += 1
        label = {0: "real", 1: "fake", None: "none"}[sample.label]
        self._labels[label] += 1
        self._generators[sample.generator or "none"] += 1
        self._splits[sample.split or "none"] += 1
        if hash(sample.id) in self._ids:
            self._tell("id", where, f"id {sample.id!r:.80} names another sample already")
        self._ids.add(hash(sample.id))

    def _sized(self, sample: Sample, pictures: _Pictures) -> Sample:
        images = tuple(
            self._seen(sample, index, image, *pictures.of(image.path))
            for index, image in enumerate(sample.images)
        )
        return sample.model_copy(update={"images": images})

    def _seen(
        self, sample: Sample, index: int, image: ImageRef, seen: _Seen | None, first: bool
    ) -> ImageRef:
        if not isinstance(seen, PictureSize):
            if first and seen is not None:
                self._tell(_kind_of(seen), image.path, str(seen))
            return stand_in(sample, index, image)
        given = (image.width or seen.width, image.height or seen.height)
        if given != seen:
            text = f"said to have {given[0]}×{given[1]} pixels, has {seen.width}×{seen.height}"
            self._tell("size", f"{sample.id}, {image.path}", text)
        return image.model_copy(update={"width": seen.width, "height": seen.height})

    def _score(self, judge: Judge, sample: Sample) -> None:
        said = judge(sample)
        self._gold[said.state] += 1
        if said.state == "short":
            self._tell("gold", sample.id, said.reason)

    def _tell(self, kind: Kind, where: str, text: str) -> None:
        self._found[kind] += 1
        if self._found[kind] <= MOST_FINDINGS:
            line = " ".join(text.split())
            self._findings.append(Finding(kind=kind, where=where, text=line))

    def report(self, source: Source, num_pictures: int | None) -> SourceReport:
        return SourceReport(
            source=type(source).__name__,
            path=str(source.path),
            num_samples=self._num_samples,
            num_regions=self._num_regions,
            num_pictures=num_pictures,
            tasks=dict(self._tasks),
            labels=dict(self._labels),
            generators=dict(self._generators.most_common(_MOST_NAMES)),
            splits=dict(self._splits.most_common(_MOST_NAMES)),
            gold=dict(self._gold),
            left_out=dict(self._left_out),
            found=dict(self._found),
            findings=tuple(self._findings),
        )


def _kind_of(fault: PictureError) -> Kind:
    if fault.code == "not_found":
        return "missing"
    return "empty" if fault.code == "empty_file" else "undecodable"


def stand_in(sample: Sample, index: int, image: ImageRef) -> ImageRef:
    """A picture that is not there, with the size it says, or one that holds its boxes."""
    if image.width and image.height:
        return image
    boxes = [
        region.xyxy
        for region in sample.regions
        if region.image_index == index and region.frame == "xyxy_px"
    ]
    width = max([_STAND_IN, *(math.ceil(box[2]) for box in boxes)])
    height = max([_STAND_IN, *(math.ceil(box[3]) for box in boxes)])
    return image.model_copy(update={"width": width, "height": height})
