"""Scoring batches: rows of columns become questions, replies are read once for all rewards."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from groundsight.core.errors import UsageError
from groundsight.core.types import ImageRef, Sample
from groundsight.replies.dialect import Dialect
from groundsight.replies.reply import parse_reply
from groundsight.rewards.base import Attempt, Question

Columns = Mapping[str, Sequence[Any]]
_MAX_QUESTIONS = 65_536


def completion_text(completion: Any) -> str:
    """The text of a completion, plain or conversational.

    Args:
        completion: a string, or a list of messages {"role", "content"} whose contents are strings
            or typed parts; what the assistant says is joined.

    Raises:
        UsageError: neither.
    """
    if isinstance(completion, str):
        return completion
    if isinstance(completion, list) and all(isinstance(turn, dict) for turn in completion):
        said = (turn for turn in completion if turn.get("role", "assistant") == "assistant")
        return "".join(_content_text(turn.get("content")) for turn in said)
    raise UsageError(
        f"a completion is a string or a list of messages, got {type(completion).__name__}"
    )


def _content_text(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "".join(part["text"] for part in parts if isinstance(part.get("text"), str))


class BatchReader:
    """Turns batches of completions and columns into attempts, sharing whatever can be shared.

    The questions of a run are kept (bounded), and so is the last batch: several rewards that are
    called with the same batch one after the other, as TRL calls them, get the same attempts.

    Args:
        task: of samples that are given as plain columns.
        dialect: how the model writes boxes.
    """

    def __init__(self, task: str, dialect: Dialect) -> None:
        self.task, self.dialect = task, dialect
        self._questions: dict[str, Question] = {}
        self._last: tuple[list[str], list[Question], list[Attempt]] = ([], [], [])

    def attempts(self, completions: Sequence[Any], columns: Columns) -> list[Attempt]:
        """One attempt a completion.

        Args:
            completions: strings or conversations.
            columns: by name, one value a completion: either `sample` (a Sample, its JSON or its
                dict), or fields of one: label, regions, experts, images, tags, question, id.

        Raises:
            UsageError: columns that make no sample.
        """
        texts = [completion_text(completion) for completion in completions]
        questions = [self.question(columns, i) for i in range(len(texts))]
        last_texts, last_questions, last = self._last
        same = len(last) == len(texts) and texts == last_texts
        if same and all(a is b for a, b in zip(questions, last_questions, strict=True)):
            return last
        attempts = [
            Attempt(parse_reply(text), question)
            for text, question in zip(texts, questions, strict=True)
        ]
        self._last = (texts, questions, attempts)
        return attempts

    def question(self, columns: Columns, row: int) -> Question:
        """The question of a row; the same object for the same sample.

        Raises:
            UsageError: columns that make no sample.
        """
        if "sample" in columns:
            tree = columns["sample"][row]
        else:
            # Other columns (prompts, trainer state, image data) are the trainer's own.
            names = [name for name in Sample.model_fields if name in columns]
            tree = {name: columns[name][row] for name in names}
        key = tree if isinstance(tree, str) else _key(tree)
        question = self._questions.get(key)
        if question is None:
            if len(self._questions) >= _MAX_QUESTIONS:
                self._questions.clear()
            question = Question(_sample(tree, self.task), self.dialect)
            self._questions[key] = question
        return question


def _key(tree: Any) -> str:
    if isinstance(tree, Sample):
        return tree.model_dump_json()
    return json.dumps(tree, sort_keys=True, default=_picture_key)


def _picture_key(value: Any) -> Any:
    """What of a picture its question depends on: the size of a decoded one, else nothing."""
    return "bytes" if isinstance(value, bytes) else _size(value) or repr(value)


def _sample(tree: Any, task: str) -> Sample:
    if isinstance(tree, Sample):
        return tree
    try:
        if isinstance(tree, str):
            return Sample.model_validate_json(tree)
        return Sample.model_validate(_filled(tree, task))
    except ValueError as error:
        raise UsageError(
            "the batch's columns make no sample: give a column `sample` (a Sample as JSON), or "
            f"fields of one such as label, regions, experts, images. {_first_line(error)}"
        ) from None


def _filled(tree: Mapping[str, Any], task: str) -> dict[str, Any]:
    """Fields that the columns lack or that tables leave empty get their defaults."""
    given = {name: value for name, value in tree.items() if value is not None}
    if isinstance(given.get("experts"), dict):
        # Tables of records fill a missing key with None.
        given["experts"] = {k: v for k, v in given["experts"].items() if v is not None}
    given["images"] = [_image_ref(image) for image in given.get("images") or ()]
    return {"id": "", "task": task, **given}


def _image_ref(image: Any) -> Any:
    size = _size(image)
    if size is not None:
        return ImageRef(path="", width=size[0], height=size[1])
    if isinstance(image, dict):
        # Tables keep pictures as {"bytes", "path"}; bytes are not looked at here.
        known = {name: image.get(name) for name in ImageRef.model_fields}
        return known | {"path": image.get("path") or ""}
    return ImageRef(path=image) if isinstance(image, str) else image


def _size(image: Any) -> tuple[int, int] | None:
    """Width and height of a decoded picture (PIL), else None."""
    size = getattr(image, "size", None)
    return (int(size[0]), int(size[1])) if isinstance(size, tuple) and len(size) == 2 else None


def _first_line(error: ValueError) -> str:
    return " ".join(str(error).split())[:300]
