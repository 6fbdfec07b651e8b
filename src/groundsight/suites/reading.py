"""What was said of a sample, whether in a chat reply or in an engine's report.

said = read(sample, reply, report, dialect)
if isinstance(said, str): ...       # why there is nothing to score
said.answer.verdict, said.p_fake
"""

from dataclasses import dataclass

from groundsight.core.errors import UsageError
from groundsight.core.report import Report
from groundsight.core.types import Sample, Verdict
from groundsight.replies.dialect import Dialect
from groundsight.replies.place import AnswerRegion
from groundsight.replies.reply import Reply, parse_reply
from groundsight.tasks import TASKS
from groundsight.tasks.base import TaskAnswer, picture_sizes

NO_ANSWER = "no answer"


@dataclass(frozen=True, kw_only=True)
class Said:
    """One answer.

    Args:
        answer: verdict, regions, choice, as the sample's task reads them.
        reply: the reply itself; None where a report was given.
        p_fake: of the report; None where nothing gave one.
    """

    answer: TaskAnswer
    reply: Reply | None = None
    p_fake: float | None = None


def read(
    sample: Sample,
    reply: str | None,
    report: Report | None,
    dialect: Dialect,
    *,
    needs_sizes: bool = False,
) -> Said | str:
    """Read a reply by the sample's task, or take over what a report says.

    Args:
        sample: what was asked.
        reply: a chat reply; None: there is a report.
        report: an engine's report.
        dialect: of the model that wrote the reply.
        needs_sizes: whether the suite compares boxes, so that a sample whose pictures have no
            known size cannot be scored, whatever the reply says.

    Returns:
        What was said; else, in one phrase, why nothing can be scored.
    """
    try:
        if needs_sizes:
            picture_sizes(sample)
        if reply is not None:
            read_once = parse_reply(reply)
            answer = TASKS[sample.task].parse(read_once, sample, dialect)
            return Said(answer=answer, reply=read_once)
    except UsageError as error:
        return str(error)
    return NO_ANSWER if report is None else _reported(report)


def _reported(report: Report) -> Said | str:
    silent = report.verdict is Verdict.INCONCLUSIVE and report.p_fake is None and not report.raw
    if silent:  # an unread picture, or an engine that failed
        return report.problems[0].code if report.problems else NO_ANSWER
    regions = tuple(
        AnswerRegion(
            image_index=region.image_index, xyxy_px=region.xyxy_px, description=region.description
        )
        for region in report.regions
    )
    # An INCONCLUSIVE without p_fake is a model's reply that gives no verdict.
    undecided = report.verdict is Verdict.INCONCLUSIVE and report.p_fake is None
    verdict = None if undecided else report.verdict
    answer = TaskAnswer(
        verdict=verdict, regions=regions, tags=report.tags, problems=report.problems
    )
    return Said(answer=answer, p_fake=report.p_fake)
