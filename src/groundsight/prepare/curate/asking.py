"""Samples to questions that can be put to a model."""

import os
from dataclasses import dataclass

from groundsight.core.errors import GroundsightError, PictureError
from groundsight.core.types import Sample, Value
from groundsight.engines.chat import ChatModel, ChatRequest
from groundsight.engines.questions import make_request
from groundsight.tasks.opened import open_pictures


class SetAside(Value):
    """A sample without a pass rate, and why."""

    id: str
    code: str
    "A picture's fault, an engine's, `no_sample`, or `unscored`."
    message: str


@dataclass(frozen=True, eq=False)
class Asked:
    """A question as it is put to the model.

    Args:
        sample: with whole paths and the sizes of its pictures.
        request: what is asked.
    """

    sample: Sample
    request: ChatRequest


def open_question(sample: Sample, model: ChatModel, seed: int) -> Asked | SetAside:
    """Open a sample's pictures and write the request; never raises on a sample.

    Args:
        sample: with picture paths that can be opened.
        model: who is asked.
        seed: of the phrasing, where the task has several.
    """
    try:
        sized, pictures = open_pictures(sample)
        sized = _with_whole_paths(sized)
        request = make_request(sized, pictures, model.dialect, seed=seed)
    except PictureError as error:
        return SetAside(id=sample.id, code=error.code, message=str(error))
    except GroundsightError as error:
        return SetAside(id=sample.id, code="no_sample", message=str(error))
    return Asked(sized, request)


def _with_whole_paths(sample: Sample) -> Sample:
    images = tuple(
        image.model_copy(update={"path": os.path.abspath(image.path)}) for image in sample.images
    )
    return sample.model_copy(update={"images": images})
