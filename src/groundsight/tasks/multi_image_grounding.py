"""Find, across several pictures, the region that an instruction means.

Think/answer; the answer names the picture and the box, one line a box, or says that there is
nothing to find.

Source: "Improving the Reasoning of Multi-Image Grounding in MLLMs via RL" (arXiv 2507.00748):
reasoning, then the box in the named image; several boxes and negatives are ours.
"""

import re

import numpy as np

from groundsight.core.errors import UsageError
from groundsight.core.types import Sample
from groundsight.replies.dialect import PIXELS, Dialect
from groundsight.replies.image_mentions import find_mentions
from groundsight.replies.place import place
from groundsight.replies.regions import ReplyRegion, scan_regions
from groundsight.replies.render import (
    plain_caption,
    plain_text,
    write_box,
    write_numbers,
    write_region,
    write_section,
)
from groundsight.replies.reply import Reply, parse_reply
from groundsight.replies.sections import Layout
from groundsight.tasks.base import (
    Message,
    TaskAnswer,
    chat,
    describe_frame,
    gold_regions,
    picture_sizes,
    problem,
    question_of,
)
from groundsight.vision.boxes import PX, Boxes

NOTHING = "nothing to find"
SYSTEM = f"""\
You are given several pictures, Image 1, Image 2 and so on, and an instruction that may speak of \
any of them. Find the region that the instruction means.

Write your reasoning inside <think></think>: which picture is asked about, what to look for, where \
it is. Then write inside <answer></answer> the picture and the box, one line for each box: \
Image 2: [x0, y0, x1, y1]. If no picture shows what is asked for, the answer is: {NOTHING}.

"""
# Whole answers that say so; boxes are looked for first.
_NOTHING = re.compile(
    r"\W{0,16}+(?:there is )?(?:nothing|none|not found|not present|no such|no object|no box)\b",
    re.IGNORECASE | re.ASCII,
)
_EMPTY_LIST = re.compile(r"(?:```json)?\s{0,8}+\[\s{0,8}+\]")


class MultiImageGroundingTask:
    """Which picture, and where in it."""

    name = "multi_image_grounding"
    rewards = ("format_think_answer", "grounding_iou")

    def messages(
        self, sample: Sample, dialect: Dialect = PIXELS, *, seed: int = 0
    ) -> list[Message]:
        """The chat. Boxes inside the question are written in the model's own frame.

        `sample.extra["question_frame"]` names the frame of the question's boxes, where it has any.

        Raises:
            UsageError: no question, or a box in it needs a picture size that is not there.
        """
        question = question_of(sample)
        if question is None:
            raise UsageError(f"sample {sample.id} has no question: grounding needs an instruction")
        question = translate_boxes(question, sample, dialect)
        return chat(SYSTEM + describe_frame(dialect), sample, question)

    def gold_answer(self, sample: Sample) -> TaskAnswer:
        """The truth: the sample's regions; a sample without regions has nothing to find.

        Raises:
            UsageError: a picture with a region has no size.
        """
        think = sample.extra.get("think")
        return TaskAnswer(
            regions=gold_regions(sample),
            nothing_found=not sample.regions,
            think=think if isinstance(think, str) else None,
        )

    def render(self, answer: TaskAnswer, sample: Sample, dialect: Dialect = PIXELS) -> str:
        """Write an answer: one line a box, or that there is nothing to find.

        Raises:
            UsageError: a picture with a region has no size, or the answer neither has a box nor
                says that there is nothing to find.
        """
        if not answer.regions and not answer.nothing_found:
            raise UsageError("an answer without boxes that does not say so cannot be rendered")
        lines = [NOTHING]
        if answer.regions:
            sizes = picture_sizes(sample)
            lines = [
                write_region(region, sizes[region.image_index], dialect, name_image=True)
                for region in answer.regions
            ]
        think = plain_text(answer.think or _prose(answer)).strip()
        return write_section("think", think) + "\n" + write_section("answer", "\n".join(lines))

    def gold_reply(self, sample: Sample, dialect: Dialect = PIXELS) -> str:
        """The gold answer, rendered."""
        return self.render(self.gold_answer(sample), sample, dialect)

    def parse(self, text: str | Reply, sample: Sample, dialect: Dialect = PIXELS) -> TaskAnswer:
        """Read the boxes of the answer.

        A box that names no picture is taken to lie in the one that is asked about, if known.
        Problems, beside those of the reply and of `replies.place`: `no_box`,
        `boxes_outside_answer`.

        Raises:
            UsageError: the reply has boxes and a picture has no size.
        """
        reply = parse_reply(text)
        problems = list(reply.problems)
        written = reply.regions_in("answer")
        if reply.answer is None:
            written = tuple(region for region in reply.regions if region.section is None)
            if written:
                problems.append(problem("boxes_outside_answer", "the boxes stand outside <answer>"))
        nothing = not written and _says_nothing(reply)
        if not written and not nothing:
            problems.append(problem("no_box", "the answer has no box"))
        placed = place(
            written,
            picture_sizes(sample) if written else (),
            dialect,
            default_index=asked_image(sample),
        )
        problems.extend(placed.problems)
        return TaskAnswer(
            regions=placed.regions,
            nothing_found=nothing,
            think=reply.think,
            problems=tuple(problems),
        )


TASK = MultiImageGroundingTask()


def asked_image(sample: Sample) -> int | None:
    """The picture that the question asks about, from 0; None when it leaves that to be found.

    `sample.extra["asked_image"]` where the source says, else the last picture the question names.
    """
    said = sample.extra.get("asked_image")
    if isinstance(said, int) and 0 <= said < len(sample.images):
        return said
    named = [mention.image_index for mention in find_mentions(sample.question or "")]
    there = [index for index in named if 0 <= index < len(sample.images)]
    return there[-1] if there else None


def translate_boxes(question: str, sample: Sample, dialect: Dialect) -> str:
    """The question with its boxes in the frame that the model writes and reads.

    MIG-Bench writes 0 to 1000; a model that counts pixels would look in the wrong place.

    Raises:
        UsageError: a box's picture has no size.
    """
    frame = sample.extra.get("question_frame")
    if not isinstance(frame, str):
        return question
    boxes = scan_regions(question, Layout((), ())).regions
    pieces: list[str] = []
    end = 0
    for box in boxes:
        pieces.extend((question[end : box.start], _translated(box, frame, sample, dialect)))
        end = box.end
    return "".join([*pieces, question[end:]])


def _translated(box: ReplyRegion, frame: str, sample: Sample, dialect: Dialect) -> str:
    size = picture_sizes(sample)[box.image_index or 0]
    x0, y0, x1, y1 = dialect.convert(Boxes(np.array([box.xyxy]), frame), PX, size).xyxy[0].tolist()
    return write_box(write_numbers((x0, y0, x1, y1), size, dialect), box.notation)


def _says_nothing(reply: Reply) -> bool:
    said = reply.answer if reply.layout.sections else reply.text
    if said is None:
        return False
    said = said.strip()
    return bool(_NOTHING.match(said) or _EMPTY_LIST.match(said))


def _prose(answer: TaskAnswer) -> str:
    if not answer.regions:
        return "I look through every picture; none of them shows what the instruction means."
    numbers = sorted({region.image_index + 1 for region in answer.regions})
    pictures = " and ".join(f"Image {number}" for number in numbers)
    captions = (plain_caption(region.description) for region in answer.regions)
    named = "; ".join(dict.fromkeys(caption for caption in captions if caption))
    if not named:
        return f"The instruction leads to {pictures}; I look there for what it means."
    return f"The instruction means this: {named}, {pictures}."
