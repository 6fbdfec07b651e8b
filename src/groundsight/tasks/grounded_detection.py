"""FakeXplained's task: regions with captions in the reasoning, image-level tags, a verdict.

Source: FakeXplained (arXiv 2506.07045): think/tag/verdict, each region as box and caption inside
think. Nine phrasings of the instruction are drawn by seed, so that no phrasing is overfitted; the
wording of all nine is ours.
"""

import re

from groundsight.core.errors import UsageError
from groundsight.core.report import Problem
from groundsight.core.seeds import derive_seed
from groundsight.core.types import Sample, Verdict
from groundsight.replies.dialect import PIXELS, Dialect
from groundsight.replies.place import place
from groundsight.replies.regions import has_box
from groundsight.replies.render import plain_tag, plain_text, write_region, write_section
from groundsight.replies.reply import Reply, parse_reply
from groundsight.replies.verdict_words import verdict_word
from groundsight.tasks.base import (
    Message,
    TaskAnswer,
    chat,
    describe_frame,
    gold_regions,
    label_verdict,
    picture_sizes,
    problem,
    question_of,
)
from groundsight.tasks.polarity import verdict_from_yes_no

SYSTEM = """\
You examine pictures for signs of AI generation and point at what you find.

Write three sections:
<think>
Your reasoning. Put every region that gives the picture away on a line of its own, as a box and \
what is wrong there: [x0, y0, x1, y1]: caption. A real picture has no such regions.
</think>
<tag>
Words for what is wrong with the picture as a whole, with commas between them; nothing when it is \
real.
</tag>
<verdict>real or fake</verdict>

"""
PHRASINGS = (
    "Is this picture real or AI-generated? Point at everything that gives it away.",
    "Examine this picture and decide whether AI made it. Mark each suspicious region.",
    "Find the regions of this picture that look generated, if there are any, and give a verdict.",
    "Did a camera take this picture, or did a model generate it? Show where you see it.",
    "Check the picture for generation artifacts: where are they, what are they, what follows?",
    "Judge whether this image is authentic. Box and describe each flaw that speaks against it.",
    "Look for traces of image synthesis here. List them with their places, then conclude.",
    "Real photograph or fake? Ground your judgment in the regions that decide it.",
    "Explain, region by region, whether and why this image appears to be produced by AI.",
)


class GroundedDetectionTask:
    """Real or fake, with the regions that show it."""

    name = "grounded_detection"
    rewards = ("verdict", "relaxed_iou", "report_format")

    def messages(
        self, sample: Sample, dialect: Dialect = PIXELS, *, seed: int = 0
    ) -> list[Message]:
        """The chat; the question is the sample's, or one of nine, drawn by seed and sample."""
        drawn = PHRASINGS[derive_seed(seed, self.name, sample.id) % len(PHRASINGS)]
        return chat(SYSTEM + describe_frame(dialect), sample, question_of(sample) or drawn)

    def gold_answer(self, sample: Sample) -> TaskAnswer:
        """The truth: label, regions in pixels, tags.

        Raises:
            UsageError: no label, no picture size that a region needs, or a real picture with
                regions.
        """
        verdict = label_verdict(sample)
        if verdict is Verdict.REAL and sample.regions:
            raise UsageError(
                f"sample {sample.id} is labelled real but has {len(sample.regions)} regions"
            )
        tags = tuple(tag for tag in map(plain_tag, sample.tags) if tag)
        think = sample.extra.get("think")
        return TaskAnswer(
            verdict=verdict,
            regions=gold_regions(sample),
            tags=tags,
            think=think if isinstance(think, str) else None,
        )

    def render(self, answer: TaskAnswer, sample: Sample, dialect: Dialect = PIXELS) -> str:
        """Write an answer. Lines of its prose that hold a box are written anew from its regions.

        Raises:
            UsageError: no verdict, or no picture size that a region needs.
        """
        if answer.verdict is None:
            raise UsageError("an answer without a verdict cannot be rendered")
        prose = answer.think or _prose(answer.verdict, bool(answer.regions))
        lines = _without_boxes(plain_text(prose).strip())
        if answer.regions:
            size = picture_sizes(sample)[0]
            lines.extend(
                f"- {write_region(region, size, dialect, name_image=False)}"
                for region in answer.regions
            )
        think = write_section("think", "\n".join(lines))
        tags = write_section("tag", ", ".join(map(plain_tag, answer.tags)))
        return f"{think}\n{tags}\n<verdict>{verdict_word(answer.verdict)}</verdict>"

    def gold_reply(self, sample: Sample, dialect: Dialect = PIXELS) -> str:
        """The gold answer, rendered."""
        return self.render(self.gold_answer(sample), sample, dialect)

    def parse(self, text: str | Reply, sample: Sample, dialect: Dialect = PIXELS) -> TaskAnswer:
        """Read verdict, tags and the regions of the reasoning.

        Problems, beside those of the reply and of `replies.place`: `no_verdict`, `no_box` (fake
        without a region), `boxes_on_real`, `boxes_outside_think`.

        Raises:
            UsageError: the reply has boxes and the picture no size.
        """
        reply = parse_reply(text)
        problems = list(reply.problems)
        verdict = reply.verdict
        if verdict is None and reply.layout.first("verdict") is None:
            said = reply.text if reply.answer is None else reply.answer
            verdict = verdict_from_yes_no(said.lstrip(), sample)
        written = reply.regions_in("think")
        if not written and reply.regions:
            written = reply.regions
            problems.append(problem("boxes_outside_think", "the boxes stand outside <think>"))
        placed = place(written, picture_sizes(sample)[:1] if written else (), dialect)
        problems.extend(placed.problems)
        problems.extend(_contradictions(reply, verdict))
        return TaskAnswer(
            verdict=verdict,
            regions=placed.regions,
            tags=reply.tags,
            think=reply.think,
            problems=tuple(problems),
        )


TASK = GroundedDetectionTask()


def _contradictions(reply: Reply, verdict: Verdict | None) -> list[Problem]:
    if verdict is None:
        return [problem("no_verdict", "the reply gives no verdict, or several that disagree")]
    if verdict is Verdict.REAL and reply.regions:
        return [problem("boxes_on_real", "the verdict is real, yet there are boxes")]
    if verdict is Verdict.AI_GENERATED and not reply.regions:
        return [problem("no_box", "the verdict is fake, yet no region shows it")]
    return []


def _without_boxes(prose: str) -> list[str]:
    """Lines of prose without those that hold a box; one that spans lines loses its brackets."""
    lines = [line for line in prose.splitlines() if not has_box(line)]
    if not has_box("\n".join(lines)):
        return lines
    return [re.sub(r"[\[\]()]", " ", line) for line in lines]


def _prose(verdict: Verdict, has_regions: bool) -> str:
    if verdict is Verdict.REAL:
        return "I look over the whole picture and find no region that gives it away."
    if has_regions:
        return "I look over the whole picture. These regions give it away:"
    return "I look over the whole picture."
