"""Stage 2: pictures with a known truth, made from the photographs, in splits by photograph.

One picture a question: local edits with exact regions. Several: questions about a difference or a
common object, on photographs with coloured shapes stuck on them.
"""

import shlex
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from groundsight.core.cores import num_cores
from groundsight.core.errors import UsageError
from groundsight.core.types import Sample
from groundsight.data.samples import SampleWriter, read_samples
from groundsight.demo.photos import all_photos, photos_digest
from groundsight.demo.settings import SPLITS, Amounts, DemoSettings
from groundsight.demo.stage import Stage, Tree, Work
from groundsight.synth.edit_settings import EditSettings
from groundsight.synth.edits.bold import BLEED_PATH, BOLD, TEXT_PATH
from groundsight.synth.pipeline import make_edits, make_questions, make_stickers
from groundsight.synth.question_settings import QuestionSettings
from groundsight.train.pretrain.settings import DEFAULT_PRETRAINING
from groundsight.vision.codecs import Format

MADE, BOXED = "made", "boxed"
COLD, POOL, VALIDATION, HELD_OUT = "cold.jsonl", "pool.jsonl", "validation.jsonl", "held_out.jsonl"
_SEEN = DEFAULT_PRETRAINING
_SIDE_RATES = (0.35, 0.6)
"Of the regions over the picture: the base sees smaller ones too seldom [choice]."
_FORMATS: tuple[Format, ...] = ("jpeg", "png")
_DIFFERENCES = (TEXT_PATH, BLEED_PATH)
"Not the stamp: it would be one coloured shape among those that are stuck on anyway."
_MOST_STICKERS = 3
_STICKER_RATES = (0.2, 0.35)
"Of the shapes over the picture [choice]."
_SHARE_OF_BOXED = 4
"Questions for every boxed picture that they are made from."


def make_pictures(work: Work) -> Tree:
    """Make the set of the task, and deal it out to the stages that follow."""
    settings, made = work.settings, work.folder / MADE
    if settings.task == "grounded_detection":
        make_edits(
            all_photos(settings.photos),
            made,
            settings.amounts.num_pictures,
            edit_settings(settings),
            workers=num_cores(),
            resume=work.resume,
        )
    else:
        _make_questions(work, made)
    dealt = _deal(made, work.folder, settings.amounts)
    told = ", ".join(f"{number} {name.partition('.')[0]}" for name, number in dealt.items())
    work.say(f"  {told.replace('_', ' ')}; in {work.folder}")
    return {"num": dealt}


def edit_settings(settings: DemoSettings) -> EditSettings:
    """Of the edited photographs: what the base saw on other photographs when it was pretrained."""
    return EditSettings(
        seed=settings.seed,
        size_px=settings.amounts.picture_px,
        splits=SPLITS,
        edits=BOLD,
        side_rates=_SIDE_RATES,
        soft_rate=_SEEN.soft_rate,
        min_crop_rate=_SEEN.min_crop_rate,
        formats=_FORMATS,
        qualities=_SEEN.qualities,
        most_edits=1,
    )


def question_settings(settings: DemoSettings) -> QuestionSettings:
    """Of the questions across pictures."""
    return QuestionSettings(
        seed=settings.seed,
        kinds=("diff", "common_object"),
        edits=_DIFFERENCES,
        side_rates=_SIDE_RATES,
        soft_rate=_SEEN.soft_rate,
        size_px=settings.amounts.picture_px,
        most_pictures=3,
        formats=_FORMATS,
        qualities=_SEEN.qualities,
    )


def _make_questions(work: Work, made: Path) -> None:
    settings, boxed = work.settings, work.folder / BOXED
    num = max(48, settings.amounts.num_pictures // _SHARE_OF_BOXED)
    make_stickers(
        all_photos(settings.photos),
        boxed,
        num,
        seed=settings.seed,
        size_px=settings.amounts.picture_px,
        most=_MOST_STICKERS,
        side_rates=_STICKER_RATES,
        splits=SPLITS,
        workers=num_cores(),
        resume=work.resume,
    )
    _write(boxed / "all.jsonl", _chained(boxed / f"{name}.jsonl" for name in SPLITS))
    make_questions(
        boxed / "all.jsonl",
        made,
        settings.amounts.num_pictures,
        question_settings(settings),
        workers=num_cores(),
        resume=work.resume,
    )


def _deal(made: Path, folder: Path, amounts: Amounts) -> dict[str, int]:
    """Files for the later stages; no sample is in two of them."""
    train = read_samples(made / "train.jsonl")
    return {
        COLD: _write(folder / COLD, islice(train, amounts.num_cold)),
        POOL: _write(folder / POOL, islice(train, amounts.num_pool)),
        VALIDATION: _write(
            folder / VALIDATION, islice(read_samples(made / "val.jsonl"), amounts.num_validation)
        ),
        HELD_OUT: _write(
            folder / HELD_OUT, islice(read_samples(made / "test.jsonl"), amounts.num_held_out)
        ),
    }


def _chained(files: Iterable[Path]) -> Iterable[Sample]:
    return (sample for file in files for sample in read_samples(file))


def _write(path: Path, samples: Iterable[Sample]) -> int:
    with SampleWriter(path, mode="replace") as writer:
        for sample in samples:
            writer.write(sample)
    if not writer.num_written:
        raise UsageError(f"no samples for {path}: give more photographs with --photos")
    return writer.num_written


def command(work: Work) -> str:
    """The same by hand."""
    settings, amounts = work.settings, work.settings.amounts
    split = ",".join(f"{name}={share:g}" for name, share in SPLITS.items())
    tail = ["--num", str(amounts.num_pictures), "--size", str(amounts.picture_px)]
    tail += ["--seed", str(settings.seed), "--out", str(work.folder / MADE)]
    if settings.task == "grounded_detection":
        photos = all_photos(settings.photos)
        return shlex.join(["groundsight", "synth", "edits", *photos, *tail, "--split", split])
    boxed = str(work.folder / BOXED / "all.jsonl")
    kinds = ",".join(question_settings(settings).kinds)
    given = ["--kinds", kinds, "--most-pictures", "3"]
    return shlex.join(["groundsight", "synth", "questions", boxed, *given, *tail])


def _depends(settings: DemoSettings) -> Tree:
    wanted = {
        "num_pictures",
        "num_cold",
        "num_pool",
        "num_validation",
        "num_held_out",
        "picture_px",
    }
    made = edit_settings if settings.task == "grounded_detection" else question_settings
    stickers = {"most": _MOST_STICKERS, "side_rates": _STICKER_RATES}
    return {
        "task": settings.task,
        "photos_sha256": photos_digest(settings.photos),
        "amounts": settings.amounts.model_dump(mode="json", include=wanted),
        "made": made(settings).model_dump(mode="json"),
        "stickers": stickers,
    }


STAGE = Stage(
    name="synth",
    title="Synth: pictures with a known truth",
    folder="2-synth",
    depends=_depends,
    work=make_pictures,
    command=command,
)
