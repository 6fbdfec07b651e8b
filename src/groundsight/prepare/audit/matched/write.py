"""Writing a matched set: measure, pair, cut, code, and a manifest of every parameter.

`OUT/real/00001.jpg` and `OUT/fake/00001.jpg` are partners; `OUT/matched.jsonl` holds a sample a
picture, whose `extra["matched"]` says where it is from and all that was done to it.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np

from groundsight.core.errors import PictureError, UsageError
from groundsight.core.json_values import mend_text
from groundsight.core.seeds import make_rng
from groundsight.core.types import ImageRef, Sample
from groundsight.data.packed import open_image
from groundsight.data.samples import SampleWriter
from groundsight.prepare.audit.dataset import MANIFEST, Dataset, read_members
from groundsight.prepare.audit.header import Header
from groundsight.prepare.audit.matched.cut import (
    SUBSAMPLING,
    central_square,
    cut,
    cut_regions,
    to_srgb,
)
from groundsight.prepare.audit.matched.measure import (
    Measured,
    count_by_class,
    measure,
)
from groundsight.prepare.audit.matched.pairs import Pair, pair_up
from groundsight.prepare.audit.matched.report import MatchedReport
from groundsight.prepare.audit.matched.settings import DEFAULT, MatchSettings
from groundsight.prepare.audit.progress import Progress, silent
from groundsight.prepare.audit.scan import Scan, find_duplicates, scan_members
from groundsight.prepare.audit.threads import map_in_threads
from groundsight.vision.codecs import Codec, encode

_CLASSES = ("real", "fake")


@dataclass(frozen=True, kw_only=True)
class _Place:
    """What is to be made of one picture."""

    number: int
    pair: int
    side: int
    quality: int
    file: Path


@dataclass(frozen=True)
class _Made:
    sample: Sample
    is_converted: bool


def write_matched(
    dataset: Dataset,
    out: Path,
    settings: MatchSettings = DEFAULT,
    *,
    group: str | None = None,
    progress: Progress = silent,
) -> MatchedReport:
    """Write pairs of a real and a generated picture whose files are alike.

    Args:
        dataset: what to draw from; it is left as it is.
        out: a folder that is not there yet, or is empty.
        settings: how.
        group: as in an audit.
        progress: shows how far it is.

    Returns:
        What became of the pictures.

    Raises:
        UsageError: the folder is not empty or cannot be written, no two pictures match, or a
            picture was changed while the set was written.
    """
    started = time.perf_counter()
    _check_empty(out)
    members = read_members(dataset, group=group).labelled
    with progress("headers", len(members)) as advance:
        scan = scan_members(members, readers=settings.workers, advance=advance)
    duplicates = find_duplicates(scan)
    with progress("measured", len(scan.headers)) as advance:
        measured = measure(
            scan, duplicates, settings.rungs, workers=settings.workers, advance=advance
        )
    pairs = pair_up(measured.candidates, settings.rungs, most_unlike=settings.most_unlike)
    if not pairs:
        raise UsageError(_no_pairs(dataset, measured.left_out, settings))
    places = _places(pairs, scan, settings, out)
    with progress("written", len(places)) as advance:
        num_converted = _write(dataset, scan, places, out, settings, advance)
    return MatchedReport(
        folder=mend_text(str(out)),
        num_pairs=len(pairs),
        by_side=dict(sorted(Counter(pair.side for pair in pairs).items(), reverse=True)),
        qualities=_spread([place.quality for place in places.values()]),
        num_finer=sum(_coarser(pair, scan) < settings.qualities[0] for pair in pairs),
        num_converted=num_converted,
        left_out=_left_out(scan, measured, places),
        seconds=time.perf_counter() - started,
    )


def _write(
    dataset: Dataset,
    scan: Scan,
    places: Mapping[int, _Place],
    out: Path,
    settings: MatchSettings,
    advance: Callable[[int], None],
) -> int:
    """Write pictures and manifest; returns how many were converted to sRGB."""
    num_converted = 0
    _make_folders(out)
    with SampleWriter(out / MANIFEST) as writer:
        work = _with_samples(dataset, scan, places)
        for _, made in map_in_threads(lambda job: _make(*job, scan), work, settings.workers):
            advance(1)
            num_converted += made.is_converted
            writer.write(made.sample)
    return num_converted


def _left_out(
    scan: Scan, measured: Measured, places: Mapping[int, _Place]
) -> dict[str, dict[str, int]]:
    unread = [("cannot be read", member.label) for member, _, _ in scan.faults]
    lonely = [
        ("no partner that is as busy and as large", candidate.label)
        for candidate in measured.candidates
        if candidate.number not in places
    ]
    return count_by_class(unread) | measured.left_out | count_by_class(lonely)


def _check_empty(out: Path) -> None:
    try:
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise UsageError(f"{out} is not empty: a matched set is written to a folder of its own")
    except OSError as error:
        raise UsageError(f"cannot look into {out}: {error.strerror}") from error


def _make_folders(out: Path) -> None:
    try:
        for name in _CLASSES:
            (out / name).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot write {out}: {error.strerror}") from error


def _no_pairs(
    dataset: Dataset, left_out: dict[str, dict[str, int]], settings: MatchSettings
) -> str:
    reasons = [f"{sum(counts.values())} {why}" for why, counts in left_out.items()]
    return (
        f"{dataset.name}: no real and generated picture match in split, size (at least"
        f" {settings.least_side} pixels) and busyness"
        + (f"; left out: {', '.join(reasons)}" if reasons else "")
    )


def _places(
    pairs: Sequence[Pair], scan: Scan, settings: MatchSettings, out: Path
) -> dict[int, _Place]:
    """Number of a picture → what is made of it. Names are drawn: their order tells nothing."""
    names = make_rng(settings.seed, "names").permutation(len(pairs)) + 1
    digits = max(5, len(str(len(pairs))))
    places: dict[int, _Place] = {}
    for pair, name in zip(pairs, names.tolist(), strict=True):
        quality = _draw_quality(pair, name, scan, settings)
        for number, folder in zip((pair.real, pair.fake), _CLASSES, strict=True):
            places[number] = _Place(
                number=number,
                pair=name,
                side=pair.side,
                quality=quality,
                file=out / folder / f"{name:0{digits}}.jpg",
            )
    return places


def _draw_quality(pair: Pair, name: int, scan: Scan, settings: MatchSettings) -> int:
    """Not finer than the coarser file: finer ones would keep the traces of its coding."""
    low, high = settings.qualities
    highest = max(low, min(high, _coarser(pair, scan)))
    rng = make_rng(settings.seed, "quality", name)
    return int(rng.integers(low, highest + 1))


def _coarser(pair: Pair, scan: Scan) -> int:
    known = (scan.headers[number].quality for number in (pair.real, pair.fake))
    return min((quality for quality in known if quality is not None), default=100)


def _with_samples(
    dataset: Dataset, scan: Scan, places: Mapping[int, _Place]
) -> list[tuple[_Place, Sample]]:
    """The samples that are used, read once more: only they are held in memory."""
    by_member = {
        (scan.members[number].sample_id, scan.members[number].path): place
        for number, place in places.items()
    }
    found: dict[int, tuple[_Place, Sample]] = {}
    for sample in dataset.samples():
        if len(sample.images) == 1:
            place = by_member.get((sample.id, sample.images[0].path))
            if place is not None:
                found.setdefault(place.number, (place, sample))
    return [found[number] for number in sorted(found)]


def _make(place: _Place, sample: Sample, scan: Scan) -> _Made:
    header = scan.headers[place.number]
    path = sample.images[0].path
    try:
        picture = open_image(path)
    except PictureError as error:
        raise UsageError(f"{path} was changed while it was read: {error}") from error
    rgb, profile = to_srgb(picture)
    corner = central_square(picture.width, picture.height, place.side)
    codec = Codec(format="jpeg", quality=place.quality, subsampling=SUBSAMPLING)
    data = encode(cut(rgb, corner, place.side), codec)
    try:
        place.file.write_bytes(data)
    except OSError as error:
        raise UsageError(f"cannot write {place.file}: {error.strerror}") from error
    done = _source(header, path, picture.sha256) | {
        "pair": place.pair,
        "crop_xyxy_px": [*corner, corner.x + place.side, corner.y + place.side],
        "quality": place.quality,
        "subsampling": SUBSAMPLING,
        "converted_from": profile,
        "sha256": sha256(data).hexdigest(),
    }
    size = (picture.width, picture.height)
    regions = cut_regions(sample.regions, size=size, corner=corner, side=place.side)
    update = {
        "images": (ImageRef(path=str(place.file), width=place.side, height=place.side),),
        "regions": regions,
        "extra": sample.extra | {"matched": done},
    }
    return _Made(sample.model_copy(update=update), bool(profile))


def _source(header: Header, path: str, digest: str) -> dict[str, object]:
    return {
        "source_path": mend_text(path),
        "source_sha256": digest,
        "source_format": header.format,
        "source_quality": header.quality,
        "source_width": header.width,
        "source_height": header.height,
    }


def _spread(values: Sequence[int]) -> dict[str, int]:
    return {"least": min(values), "middle": int(np.median(values)), "largest": max(values)}
