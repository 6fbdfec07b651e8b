"""`groundsight synthesize` as an outline: ask, judge, keep or reject, count.

    with start_synthesis(Path("train.jsonl"), teacher, settings, out=Path("cold")) as run:
        for outcome in run:
            ...
    print(run.funnel().line)

Samples are judged in the order of the file, so that the filter against near-duplicates decides the
same in every run; only those that were not scored come later than their place, on resume.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

from groundsight.core.errors import FrameError, GroundsightError, PictureError, UsageError
from groundsight.core.report import Problem
from groundsight.core.seeds import derive_short_seed
from groundsight.core.types import Sample
from groundsight.data.ahead import batches_ahead
from groundsight.data.run_folder import told
from groundsight.data.samples import read_samples
from groundsight.engines.chat import ENGINE_DOWN, ChatReply, Completion, Decoding
from groundsight.prepare.plan import Plan
from groundsight.prepare.synthesize.candidate import Candidate
from groundsight.prepare.synthesize.filters import Bench
from groundsight.prepare.synthesize.folder import FUNNEL_FILE, SynthesisFolder
from groundsight.prepare.synthesize.funnel import Funnel, FunnelCounter
from groundsight.prepare.synthesize.near_duplicates import NearDuplicates
from groundsight.prepare.synthesize.outcome import Kept, Outcome, Unscored, judge, unscored
from groundsight.prepare.synthesize.prompts import NOTE, check_truth
from groundsight.prepare.synthesize.settings import SynthesisSettings
from groundsight.prepare.synthesize.teachers import Lesson, Teacher
from groundsight.replies.dialect import Dialect
from groundsight.rewards.base import Question
from groundsight.tasks import TASKS
from groundsight.tasks.opened import open_pictures
from groundsight.vision.frames import PictureSize


class Synthesis:
    """A run under way: iterate for what becomes of each sample; made by `start_synthesis`."""

    def __init__(
        self,
        samples: Path,
        teacher: Teacher,
        settings: SynthesisSettings,
        folder: SynthesisFolder,
        max_samples: int | None,
        pictures: Path | None,
    ) -> None:
        self._samples, self._max_samples, self._pictures = samples, max_samples, pictures
        self._teacher, self._settings, self._folder = teacher, settings, folder
        self._info = teacher.info
        self._done: set[str] = set()
        self._bench = Bench(settings, NearDuplicates(settings.max_similarity))
        self._recall()
        self.plan = self._look_ahead()
        self.stopped: str | None = None
        "Why the run ended before its time; None when it did not."

    def __iter__(self) -> Iterator[Outcome]:
        """Ask for and judge what is pending; an outcome that comes out is on the disk already.

        Ends early, with `stopped` set, when the teacher will answer nothing more.

        Raises:
            UsageError: something could not be written; what came out is kept.
        """
        opened = partial(open_lesson, dialect=self._teacher.dialect)
        for batch in batches_ahead(self._pending(), opened, self._teacher.batch_size):
            for outcome in self._judge(batch):
                self._folder.write(outcome)
                if isinstance(outcome, Kept):
                    self._bench.kept.add(outcome.sample.id, outcome.prose)
                yield outcome
                if isinstance(outcome, Unscored) and outcome.code == ENGINE_DOWN:
                    self.stopped = outcome.message
            if self.stopped:
                return

    def funnel(self) -> Funnel:
        """The counts of all that lies in the folder; also written there."""
        counter = FunnelCounter()
        for sample in self._folder.kept():
            counter.add_kept(sample)
        for rejected in self._folder.rejected():
            counter.add_rejected(rejected)
        for left in self._folder.unscored():
            counter.add_unscored(left)
        funnel = counter.funnel(teacher=self._info.model_dump(mode="json"))
        path = self._folder.folder / FUNNEL_FILE
        with told(path):
            path.write_text(funnel.model_dump_json(by_alias=True, indent=2) + "\n", "utf-8")
        return funnel

    def close(self) -> None:
        """Close the folder; the teacher stays."""
        self._folder.close()

    def __enter__(self) -> "Synthesis":
        return self

    def __exit__(self, *fault: Any) -> None:
        self._folder.close(*fault)

    def _recall(self) -> None:
        """Learn what earlier runs judged, and hold the kept replies."""
        for sample in self._folder.kept():
            self._done.add(sample.id)
            self._bench.kept.add(sample.id, _prose(sample))
        self._done.update(rejected.id for rejected in self._folder.rejected())

    def _look_ahead(self) -> Plan:
        """Read the samples once, so that every fault of the file shows before money is spent."""
        ids: set[str] = set()
        num_done = 0
        for sample in self._given():
            if sample.id in ids:
                raise UsageError(
                    f"{self._samples}: two samples have the id {sample.id!r}; ids name one sample"
                )
            ids.add(sample.id)
            num_done += sample.id in self._done
        if not ids:
            raise UsageError(f"{self._samples} holds no samples")
        return Plan(num_samples=len(ids), num_done=num_done)

    def _given(self) -> Iterator[Sample]:
        found = read_samples(self._samples, pictures=self._pictures, tasks=tuple(TASKS))
        return islice(found, self._max_samples)

    def _pending(self) -> Iterator[Sample]:
        return (sample for sample in self._given() if sample.id not in self._done)

    def _judge(self, batch: Sequence["Lesson | Unscored"]) -> Iterator[Outcome]:
        lessons = [one for one in batch if isinstance(one, Lesson)]
        replies: Iterator[ChatReply] = iter(())
        if lessons:
            replies = iter(self._teacher.write(lessons, self._decoding(lessons[0].sample)))
        for one in batch:
            if isinstance(one, Unscored):
                yield one
                continue
            question = Question(one.sample, self._teacher.dialect)
            yield judge(question, next(replies), self._bench, written_by=self._info)

    def _decoding(self, first: Sample) -> Decoding:
        """Each batch draws from a stream of its own."""
        settings = self._settings
        several = settings.candidates > 1
        return Decoding(
            max_new_tokens=settings.max_new_tokens,
            temperature=settings.temperature if several else 0.0,
            num_samples=settings.candidates,
            seed=derive_short_seed(settings.seed, "synthesize", first.id),
        )


def start_synthesis(
    samples: Path,
    teacher: Teacher,
    settings: SynthesisSettings,
    *,
    out: Path,
    resume: bool = False,
    max_samples: int | None = None,
    pictures: Path | None = None,
) -> Synthesis:
    """Begin a run, or go on with one.

    Args:
        samples: file of samples with their truth.
        teacher: who writes.
        settings: candidates and filters.
        out: the run's folder.
        resume: go on with what it holds.
        max_samples: only the first so many of the file; None: all.
        pictures: folder that relative picture paths start from; None: the file's own.

    Raises:
        UsageError: samples that cannot be read, or a folder that does not fit.
    """
    if max_samples is not None and max_samples < 1:
        raise UsageError(f"--max-samples must be at least 1, got {max_samples}")
    if not samples.is_file():
        raise UsageError(f"no samples at {samples}: name a .jsonl or .parquet file of samples")
    tree = {
        "settings": settings.model_dump(mode="json"),
        "teacher": teacher.info.model_dump(mode="json"),
        "note_sha256": sha256(NOTE.encode()).hexdigest(),
    }
    folder = SynthesisFolder.open(out, tree, resume=resume)
    try:
        return Synthesis(samples, teacher, settings, folder, max_samples, pictures)
    except BaseException:
        folder.close()
        raise


def open_lesson(sample: Sample, dialect: Dialect) -> Lesson | Unscored:
    """Open a sample's pictures and see whether it can be asked about; never raises on a sample.

    Args:
        sample: with whole picture paths.
        dialect: of the teacher, who must be able to see the pictures.
    """
    try:
        sized, pictures = open_pictures(sample)
        check_truth(sized)
        for picture in pictures:
            dialect.extent(PictureSize(picture.width, picture.height))
    except PictureError as error:
        return unscored(sample, Problem(code=error.code, message=str(error)))
    except FrameError as error:
        return unscored(sample, Problem(code="picture_refused", message=str(error)))
    except GroundsightError as error:
        return unscored(sample, Problem(code="no_truth", message=str(error)))
    return Lesson(sized, pictures)


def _prose(sample: Sample) -> str:
    """Of a kept reply, as it was when it was judged."""
    said = sample.extra.get("reply")
    completion = Completion(text=said if isinstance(said, str) else "")
    return Candidate(completion, Question(sample)).prose
