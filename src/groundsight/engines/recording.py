"""A chat model whose replies are written down as they come, for `--engine replay:FILE`.

model = RecordingModel(load_chat_model("hf:MODEL"), Path("replies.jsonl"))
"""

import json
import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from groundsight.core.errors import UsageError
from groundsight.engines.chat import ChatModel, ChatReply, ChatRequest, Decoding
from groundsight.engines.over_model import OverModel
from groundsight.engines.recorded import record_reply


class RecordingModel(OverModel):
    """A chat model whose replies are appended to a file as they come.

    Args:
        model: who answers.
        path: of the recording; it is made, or added to.

    Raises:
        UsageError: the file cannot be written.
    """

    def __init__(self, model: ChatModel, path: Path) -> None:
        super().__init__(model)
        self._path = path
        self._lock = threading.Lock()
        try:
            _cut_torn_tail(path)
            if not path.exists() or path.stat().st_size == 0:
                self._append(_head(model))
        except OSError as error:
            raise UsageError(f"cannot write recording {path}: {error.strerror}") from error

    @property
    def follows_schema(self) -> bool:
        """The model's."""
        return bool(getattr(self.model, "follows_schema", False))

    def complete(self, requests: Sequence[ChatRequest], decoding: Decoding) -> list[ChatReply]:
        """The model's replies; those without a problem are on disk when this returns."""
        replies = self.model.complete(requests, decoding)
        for request, reply in zip(requests, replies, strict=True):
            if reply.problem is None:
                self._append(
                    record_reply(request, reply).model_dump(mode="json", exclude_none=True)
                )
        return replies

    def _append(self, tree: Mapping[str, Any]) -> None:
        line = json.dumps(tree, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"
        with self._lock, self._path.open("ab", buffering=0) as file:
            file.write(line)
            os.fsync(file.fileno())


def _head(model: ChatModel) -> dict[str, Any]:
    dialect = model.dialect
    tree = {
        "frame": dialect.frame,
        "min_pixels": dialect.min_pixels,
        "max_pixels": dialect.max_pixels,
    }
    return {"recording": {"dialect": tree, "engine": model.info.model_dump(mode="json")}}


def _cut_torn_tail(path: Path) -> None:
    """Take off what a killed run left of its last line."""
    data = path.read_bytes() if path.exists() else b""
    if data and not data.endswith(b"\n"):
        os.truncate(path, data.rfind(b"\n") + 1)
