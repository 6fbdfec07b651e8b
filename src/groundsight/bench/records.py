"""The folder of a benchmark run, and how it is read back.

| file | holds |
|---|---|
| `run.json` | what was run, the fingerprint, the counts and the figures (`RunFile`) |
| `scores.jsonl` | one scored sample under one perturbation a line (`ScoreLine`), each once |
| `unanswered.jsonl` | what has no answer (`Unanswered`); `--resume` tries it again |
| `report.html`, `report.md`, `report.tex`, plots | written by `bench.report` from the two above |

    run = read_run(Path("out"))
    run.figures["none"]
    for line in read_scores(Path("out"), perturbation="jpeg-75"): ...
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import Field, ValidationError

from groundsight.core.errors import UsageError
from groundsight.core.json_values import JsonObject, Text
from groundsight.core.report import EngineInfo, Problem
from groundsight.core.types import Document, SampleRegion, Value
from groundsight.data.record_lines import parse_record
from groundsight.suites.base import Figure, SampleScore

RUN_FILE = "run.json"
SCORES_FILE = "scores.jsonl"
UNANSWERED_FILE = "unanswered.jsonl"
NONE = "none"
"The perturbation of pictures that are shown as they are."
SCHEMA: Literal["groundsight.bench/1"] = "groundsight.bench/1"

V = TypeVar("V", bound=Value)


class ScoreLine(Value):
    """One scored sample under one perturbation."""

    perturbation: str = NONE
    "A row of `vision.perturbations.PERTURBATIONS`, or `none`."
    score: SampleScore
    images: tuple[Text, ...] = ()
    "Paths of the pictures as the data set has them; a perturbation is not applied to those files."
    question: Text | None = None
    said: tuple[SampleRegion, ...] = ()
    "Boxes of the answer, `xyxy_px` of the pictures as they were shown, perturbed ones included."
    known: tuple[SampleRegion, ...] = ()
    "Boxes of the truth in the same pixels."
    raw: Text | None = None
    "What the model wrote; None of an engine that writes no text."
    problems: tuple[Problem, ...] = ()
    "Of the answer: faults of the model, what a reader could not do."
    usage: dict[str, int] = Field(default_factory=dict)
    "Tokens and retries by name, where the engine tells."
    sample_sha256: str = ""
    "First 16 hex digits, of question and truth; the same sample has the same in another run."
    pictures_sha256: str = ""
    "First 16 hex digits, of the pictures' files before any perturbation."
    timing_s: float = Field(default=0.0, ge=0)
    "Wall seconds spent on it; of a batch an even share."

    @property
    def key(self) -> tuple[str, str]:
        """What names the line in its file: perturbation and id."""
        return self.perturbation, self.score.id


class Unanswered(Value):
    """A sample that has no score, and why: never counted as wrong."""

    perturbation: str = NONE
    id: Text
    code: str
    "A fault of the picture (`not_found`, …), of the engine (`engine_failed`, …) or of the sample."
    message: Text
    images: tuple[Text, ...] = ()


class RunFile(Document):
    """What was run and what came out; `run.json`."""

    schema_: Literal["groundsight.bench/1"] = Field(default=SCHEMA, alias="schema")
    suite: str
    "A row of `suites.SUITES`, or an import path."
    suite_title: str
    engine_spec: Text
    "As it was given to `--engine`."
    engine: EngineInfo
    fingerprint: dict[str, Any]
    "Everything that moves the figures, in sections (`bench.fingerprint`)."
    fingerprint_sha256: str
    perturbations: tuple[str, ...]
    "In the order asked for; curves run along this."
    num_samples: int
    "Asked for, under each perturbation."
    num_scored: dict[str, int]
    "Lines of scores.jsonl by perturbation."
    num_unanswered: dict[str, dict[str, int]]
    "By perturbation and code."
    complete: bool
    "False: the run was stopped, and the figures are of what was done."
    stopped: Text | None = None
    "Why the run ended before its time."
    figures: dict[str, tuple[Figure, ...]]
    "By perturbation; the suite's headline first."
    usage: JsonObject = Field(default_factory=dict)
    "Tokens over all lines, where the engine tells."
    wall_s: float = Field(default=0.0, ge=0)
    "Of the last run in this folder."

    def figure(self, key: str, perturbation: str = NONE) -> Figure | None:
        """The figure of a key, e.g. "accuracy[generator=ADM]"; None where there is none."""
        found = (one for one in self.figures.get(perturbation, ()) if one.key == key)
        return next(found, None)


def read_run(folder: Path) -> RunFile:
    """What a run's folder says of itself.

    Raises:
        UsageError: no finished or stopped run lies there, or one of another version.
    """
    path = folder / RUN_FILE
    try:
        return RunFile.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UsageError(
            f"no benchmark run in {folder}: expected {RUN_FILE} ({error.strerror}); "
            "`groundsight bench run … --out` writes it"
        ) from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "top level"
        raise UsageError(
            f"{path} is no run of this version: {place}: {first['msg']}; run it again"
        ) from error


def read_scores(folder: Path, perturbation: str | None = None) -> Iterator[ScoreLine]:
    """The scored samples of a run, one at a time, in the order in which they were written.

    Args:
        folder: of the run.
        perturbation: only of this one; None: of all.

    Raises:
        UsageError: a line that this version did not write.
    """
    for line in read_lines(folder / SCORES_FILE, ScoreLine, skip=_others_of(perturbation)):
        if perturbation is None or line.perturbation == perturbation:
            yield line


def read_unanswered(folder: Path) -> Iterator[Unanswered]:
    """What has no score, and why.

    Raises:
        UsageError: as `read_scores`.
    """
    return read_lines(folder / UNANSWERED_FILE, Unanswered)


def read_lines(
    path: Path, kind: type[V], *, skip: Callable[[bytes], bool] | None = None
) -> Iterator[V]:
    """The lines of one of a run's files; none where it is not there.

    Args:
        path: of the file.
        kind: of its lines.
        skip: says of a line, by its bytes, that it need not be read.

    Raises:
        UsageError: a line that this version did not write, or a file that cannot be read.
    """
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if not line.endswith(b"\n"):
                    return  # torn: a run is writing it, or was killed
                if skip is None or not skip(line):
                    otherwise = "is not one of this version: name another folder"
                    yield parse_record(line, kind, f"{path} line {number} {otherwise}")
    except FileNotFoundError:
        return
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error


def _others_of(perturbation: str | None) -> Callable[[bytes], bool] | None:
    """Whether a line is seen at a glance to be of another perturbation; its head names it."""
    if perturbation is None:
        return None
    named, mine = b'{"perturbation":"', f'{{"perturbation":"{perturbation}"'.encode()
    unnamed = b'{"score":'  # the default is not written

    def skip(line: bytes) -> bool:
        other = line.startswith(named) and not line.startswith(mine)
        return other or (perturbation != NONE and line.startswith(unnamed))

    return skip
