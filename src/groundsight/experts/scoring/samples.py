"""Sample records with their experts' probabilities filled in, written so that a run can go on.

    with start_scoring(samples, experts, out=Path("scored.jsonl"), resume=True) as run:
        for sample, outcome in run:
            ...

Beside the samples lies a record of who scored: `scored.experts.json`, with the hash of each
expert's weights, so that a resumed run cannot mix two of one name.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any

from PIL import Image

from groundsight.core.errors import PictureError, UsageError
from groundsight.core.types import Sample
from groundsight.data.packed import open_image
from groundsight.data.run_folder import told, write_whole
from groundsight.data.samples import SampleWriter, read_ids
from groundsight.data.samples.writer import Mode
from groundsight.experts.base import Expert
from groundsight.experts.scoring.many import Outcome, score_many

PROBLEMS = "expert_problems"
"Key in a sample's `extra` under which a picture that could not be scored is told."
SYNC_S = 2.0
"What was scored is on the disk after so many seconds; a kill costs no more."


class ScoreRun:
    """A run under way: iterate for each sample with what became of it; made by `start_scoring`."""

    def __init__(
        self,
        samples: Callable[[], Iterable[Sample]],
        experts: Mapping[str, Expert],
        writer: SampleWriter,
        done: set[str],
        num_total: int,
        *,
        workers: int | None,
        batch_size: int | None,
    ) -> None:
        self._samples, self._experts, self._writer, self._done = samples, experts, writer, done
        self._workers, self._batch_size = workers, batch_size
        self.num_total = num_total
        "Samples that there are."
        self.num_done = len(done)
        "Of these, scored by an earlier run."
        self.num_scored = 0
        "Samples that this run gave a probability."
        self.problems: Counter[str] = Counter()
        "Codes of the pictures that could not be scored, by this run."

    def __iter__(self) -> Iterator[tuple[Sample, Outcome]]:
        """Score what is pending; what comes out is written.

        Raises:
            UsageError: the file cannot be written; what came out is kept.
        """
        pending = (sample for sample in self._samples() if sample.id not in self._done)
        scored = score_many(
            pending,
            open_picture_of,
            self._experts,
            workers=self._workers,
            batch_size=self._batch_size,
        )
        flushed_at = monotonic()
        for sample, outcome in scored:
            filled = with_outcome(sample, outcome)
            if outcome.problem is not None:
                self.problems[outcome.problem.code] += 1
            else:
                self.num_scored += 1
            self._writer.write(filled)
            if monotonic() - flushed_at > SYNC_S:
                self._writer.flush()
                flushed_at = monotonic()
            yield filled, outcome

    def __enter__(self) -> "ScoreRun":
        self._writer.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._writer.__exit__(kind, fault, at)


def start_scoring(
    samples: Callable[[], Iterable[Sample]],
    experts: Mapping[str, Expert],
    *,
    out: Path,
    resume: bool = False,
    replace: bool = False,
    workers: int | None = None,
    batch_size: int | None = None,
) -> ScoreRun:
    """Begin, or go on with, a file of scored samples.

    Args:
        samples: gives the samples anew at each call.
        experts: key in `Sample.experts` → expert.
        out: `.jsonl`, or `.parquet` (written whole at the end).
        resume: go on with what `out` holds (`.jsonl` only).
        replace: `out` may be there already and is written anew.
        workers: threads; None: one a core.
        batch_size: pictures a batch; None: what suits the device.

    Raises:
        UsageError: two samples of one id, `out` is there and neither resumed nor replaced, or was
            scored by other experts.
    """
    from groundsight.experts.scoring.fast import for_scoring

    told_of = {key: identity(one) for key, one in experts.items()}
    record = out.with_suffix(".experts.json")
    if resume and out.exists():
        _check_record(record, told_of)
    num_total = _count(samples(), out)
    mode: Mode = "resume" if resume else ("replace" if replace else "new")
    writer = SampleWriter(out, mode=mode)
    done = read_ids(out) if resume and writer.num_kept else set()
    with told(record):
        write_whole(record, json.dumps({"experts": told_of}, indent=2) + "\n")
    ready = {key: for_scoring(one) for key, one in experts.items()}
    return ScoreRun(samples, ready, writer, done, num_total, workers=workers, batch_size=batch_size)


def open_picture_of(sample: Sample) -> Image.Image:
    """The one picture of a sample, RGB, upright.

    Raises:
        PictureError: it cannot be read, or the sample has several.
    """
    if len(sample.images) != 1:
        text = f"{len(sample.images)} pictures; an expert's probability is that of one"
        raise PictureError("several_pictures", text)
    return Image.fromarray(open_image(sample.images[0].path).rgb)


def with_outcome(sample: Sample, outcome: Outcome) -> Sample:
    """The sample with the new probabilities beside the old ones, or with the problem in `extra`."""
    extra = {key: value for key, value in sample.extra.items() if key != PROBLEMS}
    if outcome.problem is not None:
        extra[PROBLEMS] = [outcome.problem.model_dump(mode="json")]
    p_fake = {key: round(value, 6) for key, value in outcome.p_fake.items()}
    return sample.model_copy(update={"experts": {**sample.experts, **p_fake}, "extra": extra})


def identity(expert: Expert) -> dict[str, Any]:
    """What tells two experts apart: name, settings, temperature, and a hash of the weights."""
    from groundsight.experts.weights import state_sha256

    return {
        "name": expert.card.name,
        "settings": expert.settings.model_dump(mode="json"),
        "temperature": expert.temperature,
        "backbone": expert.backbone,
        "weights_sha256": state_sha256(expert.network),
    }


def _check_record(record: Path, told_of: Mapping[str, Any]) -> None:
    try:
        held = json.loads(record.read_bytes())["experts"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise UsageError(f"{record} is not there: who scored the samples so far?") from None
    plain = json.loads(json.dumps(told_of))
    if held != plain:
        keys = [*plain, *(key for key in held if key not in plain)]
        other = ", ".join(key for key in keys if held.get(key) != plain.get(key))
        raise UsageError(
            f"the samples so far were scored by another {other} (see {record}): give the same "
            "experts again, or name another --out"
        )


def _count(samples: Iterable[Sample], out: Path) -> int:
    ids: set[str] = set()
    for sample in samples:
        if sample.id in ids:
            raise UsageError(f"two samples have the id {sample.id!r}; ids name one, see {out.name}")
        ids.add(sample.id)
    return len(ids)
