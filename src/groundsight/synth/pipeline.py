"""Sets written to a folder: edited photographs with exact regions, multi-image questions.

    make_edits(["photos/"], Path("edits"), 1000, EditSettings(seed=1), workers=4)
    make_questions(Path("boxes.jsonl"), Path("questions"), 1000)

The folder gets `train.jsonl`, `val.jsonl`, `test.jsonl` (`samples.jsonl` without splits), the
pictures, `manifest.jsonl` with every parameter, `settings.json`, and `faults.jsonl` with the
photographs that could not be used.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from groundsight.core.errors import UsageError
from groundsight.core.types import Sample
from groundsight.data.pictures import find_pictures
from groundsight.data.samples import SampleWriter, read_samples
from groundsight.data.samples.rows import with_root
from groundsight.synth.boxed import boxes_digest, index_boxes
from groundsight.synth.edit_plan import EDITED_BY, EditPlan
from groundsight.synth.edit_settings import DEFAULT_SETTINGS, EditSettings
from groundsight.synth.photos import PhotoFault, scan_photos
from groundsight.synth.question_plan import QuestionPlan
from groundsight.synth.question_settings import DEFAULT_QUESTION_SETTINGS, QuestionSettings
from groundsight.synth.runs import read_manifest, run_units
from groundsight.synth.stickers import MOST, SIDE_RATES, StickerPlan

SAMPLES = "samples"
FAULTS = "faults.jsonl"


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What a run wrote.

    Args:
        files: samples by file name.
        num_photos: usable photographs.
        num_before: units that were there already.
        counts: what is in the set, by what is counted and its value: label, edit, kind of question.
        faults: by code, the photographs that could not be used.
    """

    files: dict[str, int]
    num_photos: int
    num_before: int
    counts: dict[str, dict[str, int]]
    faults: dict[str, int]


def make_edits(
    photos: Sequence[str],
    out: Path,
    num: int,
    settings: EditSettings = DEFAULT_SETTINGS,
    *,
    workers: int = 1,
    resume: bool = False,
    on_done: Callable[[int], None] = lambda _: None,
) -> Summary:
    """Make a set of `num` pictures.

    Args:
        photos: files, folders or globs.
        out: folder to write to.
        num: pictures in the set, half of them edited; even for `pairs`.
        settings: what they are made with.
        workers: processes.
        resume: go on where an earlier run stopped, or make a finished set larger.
        on_done: is told how many pictures were finished since the last call.

    Raises:
        UsageError: nothing to work on, settings that do not fit, or a folder that cannot be written
            or holds another run.
    """
    each = 2 if settings.twins == "pairs" else 1
    if num < 1 or num % each:
        raise UsageError(f"the number of pictures must be 1 or more, even for pairs; got {num}")
    found = find_pictures(photos, leave_out=[out])
    scanned = scan_photos(found.paths, seed=settings.seed, splits=settings.splits or None)
    plan = EditPlan(settings, scanned.photos)
    plan.check()
    before = run_units(
        plan,
        num // each,
        out,
        settings={"edits": settings.model_dump(mode="json"), "photos_sha256": scanned.sha256},
        workers=workers,
        resume=resume,
        on_done=lambda count: on_done(count * each),
    )
    return _gather(out, scanned.faults, num_photos=len(scanned.photos), num_before=before)


def make_questions(
    samples: Path,
    out: Path,
    num: int,
    settings: QuestionSettings = DEFAULT_QUESTION_SETTINGS,
    *,
    pictures: Path | None = None,
    workers: int = 1,
    resume: bool = False,
    on_done: Callable[[int], None] = lambda _: None,
) -> Summary:
    """Make a set of `num` multi-image questions.

    Args:
        samples: file of samples with boxes: JSON Lines, a JSON list, or Parquet.
        out: folder to write to.
        num: questions in the set.
        settings: what they are made with.
        pictures: folder that relative picture paths start from; None: that of the file.
        workers: processes.
        resume: go on where an earlier run stopped, or make a finished set larger.
        on_done: is told how many questions were finished since the last call.

    Raises:
        UsageError: samples that cannot be read or give no question, settings that do not fit, or a
            folder that cannot be written or holds another run.
    """
    if num < 1:
        raise UsageError(f"the number of questions must be 1 or more, got {num}")
    boxed, faults = index_boxes(read_samples(samples, pictures=pictures))
    before = run_units(
        QuestionPlan(settings, tuple(boxed)),
        num,
        out,
        settings={
            "questions": settings.model_dump(mode="json"),
            "boxes_sha256": boxes_digest(boxed),
        },
        workers=workers,
        resume=resume,
        on_done=on_done,
    )
    return _gather(out, faults, num_photos=len(boxed), num_before=before)


def make_stickers(
    photos: Sequence[str],
    out: Path,
    num: int,
    *,
    seed: int = 0,
    size_px: int = 448,
    most: int = MOST,
    side_rates: tuple[float, float] = SIDE_RATES,
    splits: Mapping[str, float] | None = None,
    workers: int = 1,
    resume: bool = False,
    on_done: Callable[[int], None] = lambda _: None,
) -> Summary:
    """Make `num` photographs with named shapes stuck on them, to ask questions about.

    Args:
        photos: files, folders or globs.
        out: folder to write to.
        num: pictures in the set.
        seed: root of every stream.
        size_px: side of the square pictures.
        most: shapes on a picture.
        side_rates: least and most side of a shape over the picture's side.
        splits: name → share of the photographs; None for none.
        workers: processes.
        resume: go on where an earlier run stopped, or make a finished set larger.
        on_done: is told how many pictures were finished since the last call.

    Raises:
        UsageError: as `make_edits`.
    """
    if num < 1:
        raise UsageError(f"the number of pictures must be 1 or more, got {num}")
    found = find_pictures(photos, leave_out=[out])
    scanned = scan_photos(found.paths, seed=seed, splits=splits)
    before = run_units(
        StickerPlan(scanned.photos, seed, size_px, most, side_rates),
        num,
        out,
        settings={
            "stickers": {
                "seed": seed,
                "size_px": size_px,
                "most": most,
                "side_rates": list(side_rates),
                "splits": dict(splits or {}),
            },
            "photos_sha256": scanned.sha256,
        },
        workers=workers,
        resume=resume,
        on_done=on_done,
    )
    return _gather(out, scanned.faults, num_photos=len(scanned.photos), num_before=before)


def _gather(
    folder: Path, known: Iterable[PhotoFault], *, num_photos: int, num_before: int
) -> Summary:
    """Write the files of samples and faults from a finished manifest.

    Raises:
        UsageError: the folder cannot be written.
    """
    files: Counter[str] = Counter()
    counts: dict[str, Counter[str]] = {}
    faults = {fault.path: (fault.code, fault.message) for fault in known}
    try:
        with ExitStack() as stack:
            writers: dict[str, SampleWriter] = {}
            for line in read_manifest(folder):
                faults.update({path: (code, text) for path, code, text in line.faults})
                for sample in line.samples:
                    name = f"{sample.split or SAMPLES}.jsonl"
                    if name not in writers:
                        writer = SampleWriter(folder / name, mode="replace")
                        writers[name] = stack.enter_context(writer)
                    writers[name].write(with_root(sample, str(folder)))
                    files[name] += 1
                    _count(counts, sample)
        _write_faults(folder, faults)
    except OSError as error:
        raise UsageError(f"cannot write to {folder}: {error.strerror or error}") from error
    return Summary(
        files=dict(files),
        num_photos=num_photos,
        num_before=num_before,
        counts={what: dict(found.most_common()) for what, found in counts.items()},
        faults=dict(Counter(code for code, _ in faults.values())),
    )


def _count(counts: dict[str, Counter[str]], sample: Sample) -> None:
    told: list[tuple[str, str]] = []
    if sample.label is not None:
        told.append(("label", "edited" if sample.label else "real"))
    edited_by = (sample.generator or "").removeprefix(EDITED_BY)
    told += [("edit", name) for name in edited_by.split("+") if name]
    if "task" in sample.extra:
        told.append(("kind", str(sample.extra["task"])))
        told.append(("answer", "a box" if sample.regions else "nothing to find"))
    for what, value in told:
        counts.setdefault(what, Counter())[value] += 1


def _write_faults(folder: Path, faults: dict[str, tuple[str, str]]) -> None:
    lines = [
        json.dumps({"path": path, "code": code, "message": text}) + "\n"
        for path, (code, text) in sorted(faults.items())
    ]
    (folder / FAULTS).write_text("".join(lines), encoding="utf-8")
