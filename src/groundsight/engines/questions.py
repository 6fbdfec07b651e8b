"""A sample's own question as it goes to a chat model."""

from groundsight.core.types import Sample
from groundsight.engines.chat import ChatRequest
from groundsight.replies.dialect import Dialect
from groundsight.tasks import TASKS
from groundsight.tasks.base import picture_sizes
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
