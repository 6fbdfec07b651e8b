"""Recorded replies as a chat model, for tests and audits: `--engine replay:FILE`.

    model = make_replay("replies.jsonl", EngineOptions())

See `engines.recorded` for the file and `engines.recording` for who writes it.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import groundsight
from groundsight.core.errors import UsageError
from groundsight.core.report import EngineInfo, Problem
from groundsight.engines.chat import ChatReply, ChatRequest, Decoding
from groundsight.engines.families import choose_dialect
from groundsight.engines.options import EngineOptions
from groundsight.engines.recorded import RecordedLine, prompt_sha256, read_recording
from groundsight.replies.dialect import Dialect


class ReplayModel:
    """Answers from a recording; a request that it does not hold is a problem.

    Args:
        path: of the recording.
        options: family and pixel budget, where the recording does not tell the frame.

    Raises:
        UsageError: no such file, a line that does not fit, or a frame that nobody tells.
    """

    def __init__(self, path: Path, options: EngineOptions) -> None:
        recording = read_recording(path)
        self._sha256 = recording.sha256
        self._recorded_engine = recording.head.get("engine")
        self._dialect = _dialect(recording.head, options, path)
        self._batch_size = options.batch_size
        self._by_name: dict[tuple[str, ...], list[RecordedLine]] = {}
        for line in recording.lines:
            self._hold(line)

    @property
    def info(self) -> EngineInfo:
        """The recording's hash, and who was recorded."""
        return EngineInfo(
            name="replay",
            version=groundsight.__version__,
            weights_sha256=self._sha256,
            settings={"recorded": self._recorded_engine},
        )

    @property
    def dialect(self) -> Dialect:
        """Of the model that was recorded."""
        return self._dialect

    @property
    def batch_size(self) -> int:
        """As asked for; it costs nothing here."""
        return self._batch_size

    @property
    def follows_schema(self) -> bool:
        """Whether asking once more for JSON alone may find a reply: where one was recorded."""
        return True

    @property
    def looks_at_pixels(self) -> bool:
        """Whether pictures must be decoded for it."""
        return False

    def complete(self, requests: Sequence[ChatRequest], decoding: Decoding) -> list[ChatReply]:
        """The recorded reply to each request, in order."""
        return [self._reply(request, decoding.num_samples) for request in requests]

    def close(self) -> None:
        """Nothing to let go."""

    def _hold(self, line: RecordedLine) -> None:
        for name in (("id", line.id), ("sha256", *line.pictures), ("path", *line.paths)):
            if len(name) > 1 and name[1] is not None:
                self._by_name.setdefault(tuple(map(str, name)), []).append(line)

    def _reply(self, request: ChatRequest, num_samples: int) -> ChatReply:
        held = [reply for line in self._lines(request) for reply in line.replies]
        if not held:
            return _missing("the recording holds no reply to this request")
        if len(held) < num_samples:
            return _missing(f"the recording holds {len(held)} replies to this, not {num_samples}")
        return ChatReply(completions=tuple(one.completion() for one in held[:num_samples]))

    def _lines(self, request: ChatRequest) -> list[RecordedLine]:
        """Lines for these pictures and this prompt; else those for these pictures and any."""
        names = (
            ("id", request.id),
            ("sha256", *(picture.sha256 for picture in request.pictures)),
            ("path", *(picture.path for picture in request.pictures)),
        )
        lines = [line for name in names for line in self._by_name.get(name, ())]
        unique = list({id(line): line for line in lines}.values())
        prompt = prompt_sha256(request)
        exact = [line for line in unique if line.prompt_sha256 == prompt]
        return exact or [line for line in unique if line.prompt_sha256 is None]


def make_replay(argument: str, options: EngineOptions) -> ReplayModel:
    """Make the model that answers from a recording.

    Args:
        argument: path of the recording.
        options: see `ReplayModel`.

    Raises:
        UsageError: no file named, or one that is no recording.
    """
    if not argument:
        raise UsageError("engine replay needs a recording: --engine replay:FILE.jsonl")
    return ReplayModel(Path(argument), options)


def _dialect(head: Mapping[str, Any], options: EngineOptions, path: Path) -> Dialect:
    recorded = head.get("dialect")
    if options.family is None and isinstance(recorded, dict):
        try:
            return Dialect(**recorded)
        except TypeError as error:
            raise UsageError(f"{path}: the recording's dialect does not fit: {error}") from error
    return choose_dialect("", options) if options.family else _nobody_knows(path)


def _nobody_knows(path: Path) -> Dialect:
    raise UsageError(
        f"{path} does not say how its model wrote boxes: say so with --family, e.g. qwen2_5_vl"
    )


def _missing(words: str) -> ChatReply:
    return ChatReply(problem=Problem(code="not_recorded", message=words))
