"""A sample's own question as it goes to a chat model, and what a task asks of any."""

import json
from typing import Any

from groundsight.core.types import ImageRef, Sample
from groundsight.engines.chat import ChatRequest
from groundsight.replies.dialect import Dialect
from groundsight.tasks import TASKS
from groundsight.tasks.base import Task, picture_sizes
from groundsight.vision.images import Picture


def make_request(
    sample: Sample, pictures: tuple[Picture, ...], dialect: Dialect, *, seed: int = 0
) -> ChatRequest:
    """The request of a sample, named by its id.

    Args:
        sample: with its pictures' sizes.
        pictures: open, in order.
        dialect: of the model that is asked.
        seed: of the phrasing, where the task has several.

    Raises:
        FrameError: the model cannot be shown a picture of such a shape.
        UsageError: the sample lacks what its task asks about.
    """
    for size in picture_sizes(sample):
        dialect.extent(size)
    messages = TASKS[sample.task].messages(sample, dialect, seed=seed)
    return ChatRequest(id=sample.id, messages=messages, pictures=pictures)


def blank_sample(task: str, *, num_pictures: int = 1, **fields: Any) -> Sample:
    """A sample of no picture in particular, to see what a task asks.

    Args:
        task: its name.
        num_pictures: all of one size.
        fields: others of the sample.
    """
    image = ImageRef(path="", width=1000, height=1000)
    return Sample(id="prompt", images=(image,) * num_pictures, task=task, **fields)


def prompt_json(task: Task, dialect: Dialect, *, seed: int = 0) -> bytes:
    """What a task asks of a picture, without the picture: the hash of it is `prompt_sha256`."""
    messages = task.messages(blank_sample(task.name), dialect, seed=seed)
    return json.dumps(messages, sort_keys=True).encode()
