"""What the hacks of `rewards.hacks` write, one function each.

Each takes the case and gives a reply, or None where the question gives the hack no hold.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

from groundsight.replies.place import AnswerRegion
from groundsight.replies.reply import parse_reply
from groundsight.rewards.hack_case import Case
from groundsight.tasks.polarity import opposite

NUM_SLIVERS = 400
_OTHER_WORD = {"real": "fake", "fake": "real", "REAL": "AI-GENERATED", "AI-GENERATED": "REAL"}
_LOOK_ALIKES = str.maketrans("AEaeREI", "АЕаеRЕІ")
_REASON = re.compile(r'"reason": (?:null|"(?:[^"\\]|\\.)*+")')


def empty_sections(case: Case) -> str:
    """The sections of the gold reply with nothing in them."""
    sections = parse_reply(case.gold).layout.sections
    return "\n".join(f"<{section.name}></{section.name}>" for section in sections)


def no_reasoning(case: Case) -> str | None:
    """The gold reply without what it thought."""
    think = parse_reply(case.gold).layout.first("think")
    if think is None or (case.true and case.has_verdict):
        return None  # the regions stand in the reasoning: without it the answer is another one
    return case.gold[: think.start] + case.gold[think.end :]


def both_verdicts(case: Case) -> str | None:
    """The verdict word and the other one, in one field."""
    return _with_verdict(case, lambda word: f"{word} and {_OTHER_WORD[word]}")


def look_alikes(case: Case) -> str | None:
    """The verdict word in letters of other alphabets."""
    return _with_verdict(case, lambda word: word.translate(_LOOK_ALIKES))


def _with_verdict(case: Case, say: Callable[[str], str]) -> str | None:
    """The gold reply with its verdict word rewritten."""
    changed = re.sub(
        r'(?s)("verdict": "|<verdict>)([A-Za-z-]+)(?=["<])(?!.*"verdict")',
        lambda match: match[1] + say(match[2]),
        case.gold,
    )
    return changed if changed != case.gold else None


def two_verdict_sections(case: Case) -> str | None:
    """The verdict section, and one with the other verdict."""
    return _section_again(case, other=True)


def verdict_repeated(case: Case) -> str | None:
    """The verdict section twice."""
    return _section_again(case, other=False)


def _section_again(case: Case, *, other: bool) -> str | None:
    """The verdict section once more, the same or the other one."""
    if not case.has_verdict or "<verdict>" not in case.gold:
        return None
    word = case.gold.rsplit("<verdict>", 1)[1].removesuffix("</verdict>")
    return f"{case.gold}\n<verdict>{_OTHER_WORD[word] if other else word}</verdict>"


def json_repeated(case: Case) -> str | None:
    """The right ```json block twice."""
    return _two_blocks(case, (True, True))


def json_twice_right_first(case: Case) -> str | None:
    """The right ```json block, then one with the other verdict."""
    return _two_blocks(case, (True, False))


def json_twice_wrong_first(case: Case) -> str | None:
    """A ```json block with the other verdict, then the right one."""
    return _two_blocks(case, (False, True))


def _two_blocks(case: Case, right: tuple[bool, bool]) -> str | None:
    """The ```json block of the answer twice, each with the right verdict or the other one."""
    verdict, start = case.question.gold.verdict, case.gold.find("```json")
    if verdict is None or start < 0:
        return None
    text = case.gold[start : case.gold.index("```", start + 3) + 3]
    wrong = text.replace(f'"verdict": "{verdict}"', f'"verdict": "{opposite(verdict)}"')
    return case.gold.replace(text, "\n".join(text if one else wrong for one in right))


def only_in_think(case: Case) -> str:
    """Everything that counts stands in the reasoning; the answer is empty."""
    reply = parse_reply(case.gold)
    inside = re.sub(r"</?think>", "", case.gold)
    names = [section.name for section in reply.layout.sections if section.name != "think"]
    tail = "\n".join(f"<{name}></{name}>" for name in names)
    return f"<think>\n{inside}\n</think>\n{tail}"


def tags_in_strings(case: Case) -> str | None:
    """A string inside the answer closes and opens the section."""
    changed = _REASON.sub('"reason": "</answer><answer>"', case.gold, count=1)
    return changed if changed != case.gold else None


def no_probabilities(case: Case) -> str | None:
    """The gold reply with null for each of the experts' probabilities."""
    changed = re.sub(r'("prob_[a-z]+": )[0-9.e-]+', r"\1null", case.gold)
    return changed if changed != case.gold else None


def full_width_digits(case: Case) -> str | None:
    """The box in full-width digits: it reads the same to a person."""
    if case.has_verdict or not case.true:
        return None
    head, _, tail = case.gold.partition("<answer>")
    wide = {ord(digit): chr(ord(digit) + 0xFEE0) for digit in "0123456789"}
    return f"{head}<answer>{tail.translate(wide)}"


def whole_picture(case: Case) -> str | None:
    """One box around everything."""
    if not case.true:
        return None
    return case.reply((_full(case, case.true[0].image_index),))


def every_picture(case: Case) -> str | None:
    """A box around everything in every picture."""
    if case.has_verdict or not case.true or len(case.question.sizes) < 2:
        return None
    return case.reply(tuple(_full(case, index) for index in range(len(case.question.sizes))))


def _full(case: Case, index: int) -> AnswerRegion:
    width, height = case.question.sizes[index]
    xyxy = (0.0, 0.0, float(width), float(height))
    return AnswerRegion(image_index=index, xyxy_px=xyxy, description="all of it looks wrong")


def slivers(case: Case) -> str | None:
    """The true boxes, known by some wonder, cut into hundreds of strips."""
    if not case.true:
        return None
    each = -(-NUM_SLIVERS // len(case.true))
    return case.reply(tuple(s for region in case.true for s in _strips(region, each)))


def _strips(region: AnswerRegion, count: int) -> list[AnswerRegion]:
    x0, y0, x1, y1 = region.xyxy_px
    edges = [y0 + (y1 - y0) * i / count for i in range(count + 1)]
    return [replace(region, xyxy_px=(x0, low, x1, high)) for low, high in pairwise(edges)]


def hedged_boxes(case: Case) -> str | None:
    """The right box among decoys."""
    if case.has_verdict or not case.true:
        return None
    return case.reply((*case.true, case.miss(), _full(case, case.true[0].image_index)))


def nothing_to_find(case: Case) -> str | None:
    """No box where there is something."""
    if case.has_verdict or not case.true:
        return None
    return case.reply(())


def padded(case: Case) -> str:
    """The reasoning is said two hundred times."""
    line = "I look at every detail again, with the greatest care.\n"
    return case.gold.replace("<think>\n", "<think>\n" + 200 * line, 1)


def truncated(case: Case) -> str:
    """The gold reply, cut off after 60%."""
    return case.gold[: len(case.gold) * 6 // 10]


def last_tag_cut(case: Case) -> str:
    """The gold reply without its last two characters."""
    return case.gold[:-2]
