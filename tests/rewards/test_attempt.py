"""One reply, read once for all rewards."""

from groundsight.core.types import ImageRef, Sample
from groundsight.replies.dialect import PIXELS, Dialect
from groundsight.replies.reply import Reply, parse_reply
from groundsight.rewards.base import Attempt, Question
from groundsight.tasks.base import TaskAnswer
from groundsight.tasks.grounded_detection import GroundedDetectionTask

HANDED: list[str | Reply] = []


class RecordingTask(GroundedDetectionTask):
    """Grounded detection that keeps what it was handed."""

    def parse(self, text: str | Reply, sample: Sample, dialect: Dialect = PIXELS) -> TaskAnswer:
        HANDED.append(text)
        return super().parse(text, sample, dialect)


TASK = RecordingTask()


def test_a_task_is_handed_the_reply_that_was_read_already() -> None:
    image = ImageRef(path="a.jpg", width=100, height=100)
    sample = Sample(id="x", images=(image,), task=f"{__name__}:TASK", label=1)
    reply = parse_reply("<think>[1, 2, 30, 40]: hand</think><tag></tag><verdict>fake</verdict>")
    attempt = Attempt(reply, Question(sample))
    assert len(attempt.boxes) == 1
    assert attempt.answer.regions == attempt.regions
    assert len(HANDED) == 1
    assert HANDED[0] is reply
