"""Known ways to earn reward without earning it, and the probe that scores them.

    for probe in probe_hacks(rubric, question):
        probe.hack.name, probe.score, probe.twin, probe.pays

A hack is compared with its honest twin: the plainly written answer of the same correctness. What
commits itself to nothing is as correct as a wrong answer; its twin has the wrong verdict (or box)
and otherwise what the hack shows. A hack pays when it earns more than its twin, or more than the
gold reply. Then the rubric, not the model, is at fault.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

from groundsight.core.types import Verdict
from groundsight.replies.place import AnswerRegion
from groundsight.replies.reply import parse_reply
from groundsight.rewards.base import Attempt, Question
from groundsight.rewards.hack_case import Case
from groundsight.rewards.rubric import Rubric, RubricScore
from groundsight.tasks.polarity import opposite

Write = Callable[[Case], str | None]
NUM_SLIVERS = 400
# Boxes are written in whole numbers, so a hack may gain a rounding on its twin.
TOLERANCE_RATE = 0.01


@dataclass(frozen=True, kw_only=True)
class Hack:
    """One way to cheat.

    Args:
        name: short, for tables.
        what: what the reply does, one phrase.
        why: why it does not pay, one phrase.
        write: the hack's reply; None where the question gives it no hold.
        twin: the honest reply of the same correctness.
    """

    name: str
    what: str
    why: str
    write: Write
    twin: Callable[[Case], str]


@dataclass(frozen=True, kw_only=True)
class Probe:
    """What a hack earned on one question.

    Args:
        hack: which.
        reply: what it wrote.
        score: what it earned; None where nothing could be scored.
        twin: what its honest twin earned.
        gold: what the gold reply earned.
        pays: whether it earned more than one of the two.
    """

    hack: Hack
    reply: str
    score: RubricScore
    twin: float
    gold: float
    pays: bool


def probe_hacks(rubric: Rubric, question: Question) -> list[Probe]:
    """Score every hack that the question gives a hold.

    Raises:
        UsageError: the sample lacks the truth or picture sizes.
    """
    case = Case(question)
    slack = TOLERANCE_RATE * (rubric.bounds.high - rubric.bounds.low)
    probes: list[Probe] = []
    for hack in HACKS:
        reply = hack.write(case)
        if reply is None:
            continue
        score, twin, gold = (
            rubric.score(Attempt(parse_reply(text), question))
            for text in (reply, hack.twin(case), case.gold)
        )
        if score.total is None or twin.total is None or gold.total is None:
            continue
        pays = score.total > min(twin.total, gold.total) + slack
        probes.append(
            Probe(hack=hack, reply=reply, score=score, twin=twin.total, gold=gold.total, pays=pays)
        )
    return probes


def _skeleton(case: Case) -> str:
    """The sections of the gold reply with nothing in them."""
    sections = parse_reply(case.gold).layout.sections
    return "\n".join(f"<{section.name}></{section.name}>" for section in sections)


def _no_reasoning(case: Case) -> str | None:
    think = parse_reply(case.gold).layout.first("think")
    if think is None or (case.true and case.has_verdict):
        return None  # the regions stand in the reasoning: without it the answer is another one
    return case.gold[: think.start] + case.gold[think.end :]


def _with_verdict(case: Case, say: Callable[[str], str]) -> str | None:
    """The gold reply with its verdict word rewritten."""
    changed = re.sub(
        r'(?s)("verdict": "|<verdict>)([A-Za-z-]+)(?=["<])(?!.*"verdict")',
        lambda match: match[1] + say(match[2]),
        case.gold,
    )
    return changed if changed != case.gold else None


_LOOK_ALIKES = str.maketrans("AEaeREI", "АЕаеRЕІ")


def _other_word(word: str) -> str:
    pairs = {"real": "fake", "fake": "real", "REAL": "AI-GENERATED", "AI-GENERATED": "REAL"}
    return pairs[word]


def _section_again(case: Case, other: bool) -> str | None:
    """The verdict section once more, the same or the other one."""
    if not case.has_verdict or "<verdict>" not in case.gold:
        return None
    word = case.gold.rsplit("<verdict>", 1)[1].removesuffix("</verdict>")
    return f"{case.gold}\n<verdict>{_other_word(word) if other else word}</verdict>"


def _block_again(case: Case, first: Verdict, second: Verdict) -> str | None:
    """Two ```json blocks with these verdicts in the answer."""
    verdict, start = case.question.gold.verdict, case.gold.find("```json")
    if verdict is None or start < 0:
        return None
    right = f'"verdict": "{verdict}"'
    text = case.gold[start : case.gold.index("```", start + 3) + 3]
    blocks = [text.replace(right, f'"verdict": "{said}"') for said in (first, second)]
    return case.gold.replace(text, "\n".join(blocks))


def _json_twice(case: Case, *, right_first: bool) -> str | None:
    right = case.question.gold.verdict
    if right is None:
        return None
    order = (right, opposite(right)) if right_first else (opposite(right), right)
    return _block_again(case, *order)


def _json_repeated(case: Case) -> str | None:
    right = case.question.gold.verdict
    return None if right is None else _block_again(case, right, right)


def _only_in_think(case: Case) -> str:
    """Everything that counts stands in the reasoning; the answer is empty."""
    reply = parse_reply(case.gold)
    inside = re.sub(r"</?think>", "", case.gold)
    names = [section.name for section in reply.layout.sections if section.name != "think"]
    tail = "\n".join(f"<{name}></{name}>" for name in names)
    return f"<think>\n{inside}\n</think>\n{tail}"


_REASON = re.compile(r'"reason": (?:null|"(?:[^"\\]|\\.)*+")')


def _tags_in_strings(case: Case) -> str | None:
    """A string inside the answer closes and opens the section."""
    changed = _REASON.sub('"reason": "</answer><answer>"', case.gold, count=1)
    return changed if changed != case.gold else None


def _no_probabilities(case: Case) -> str | None:
    """The gold reply with null for each of the experts' probabilities."""
    changed = re.sub(r'("prob_[a-z]+": )[0-9.e-]+', r"\1null", case.gold)
    return changed if changed != case.gold else None


def _digits(case: Case) -> str | None:
    """The box in full-width digits: it reads the same to a person."""
    if case.has_verdict or not case.true:
        return None
    head, _, tail = case.gold.partition("<answer>")
    wide = {ord(digit): chr(ord(digit) + 0xFEE0) for digit in "0123456789"}
    return f"{head}<answer>{tail.translate(wide)}"


def _whole_picture(case: Case) -> str | None:
    if not case.true:
        return None
    return case.reply((_full(case, case.true[0].image_index),))


def _every_picture(case: Case) -> str | None:
    if case.has_verdict or not case.true or len(case.question.sizes) < 2:
        return None
    return case.reply(tuple(_full(case, index) for index in range(len(case.question.sizes))))


def _full(case: Case, index: int) -> AnswerRegion:
    width, height = case.question.sizes[index]
    xyxy = (0.0, 0.0, float(width), float(height))
    return AnswerRegion(image_index=index, xyxy_px=xyxy, description="all of it looks wrong")


def _slivers(case: Case) -> str | None:
    """The true boxes, known by some wonder, cut into hundreds of strips."""
    if not case.true:
        return None
    each = -(-NUM_SLIVERS // len(case.true))
    return case.reply(tuple(s for region in case.true for s in _strips(region, each)))


def _strips(region: AnswerRegion, count: int) -> list[AnswerRegion]:
    x0, y0, x1, y1 = region.xyxy_px
    edges = [y0 + (y1 - y0) * i / count for i in range(count + 1)]
    return [replace(region, xyxy_px=(x0, low, x1, high)) for low, high in pairwise(edges)]


def _hedged(case: Case) -> str | None:
    """The right box among decoys."""
    if case.has_verdict or not case.true:
        return None
    return case.reply((*case.true, case.miss(), _full(case, case.true[0].image_index)))


def _nothing(case: Case) -> str | None:
    if case.has_verdict or not case.true:
        return None
    return case.reply(())


def _padded(case: Case) -> str:
    """The reasoning is said two hundred times."""
    line = "I look at every detail again, with the greatest care.\n"
    return case.gold.replace("<think>\n", "<think>\n" + 200 * line, 1)


def _gold(case: Case) -> str:
    return case.gold


HACKS: tuple[Hack, ...] = (
    Hack(
        name="empty",
        what="no text at all",
        why="nothing parses: every format and verdict part is at its lowest",
        write=lambda case: "",
        twin=Case.wrong,
    ),
    Hack(
        name="empty_sections",
        what="all tags, nothing between them",
        why="tags alone are no JSON, no verdict and no report",
        write=_skeleton,
        twin=Case.wrong,
    ),
    Hack(
        name="no_reasoning",
        what="the right answer after an empty <think>",
        why="at most as good as the same answer with reasoning; no report for FakeXplained",
        write=_no_reasoning,
        twin=_gold,
    ),
    Hack(
        name="both_verdicts",
        what="one verdict field that says both",
        why="it equals neither",
        write=lambda case: _with_verdict(case, lambda word: f"{word} and {_other_word(word)}"),
        twin=Case.wrong,
    ),
    Hack(
        name="two_verdict_sections",
        what="<verdict> twice, real and fake",
        why="verdicts that disagree are none, and the report is malformed",
        write=lambda case: _section_again(case, other=True),
        twin=Case.wrong,
    ),
    Hack(
        name="verdict_repeated",
        what="<verdict> twice, the same",
        why="one verdict counts once, and the report is malformed",
        write=lambda case: _section_again(case, other=False),
        twin=_gold,
    ),
    Hack(
        name="json_repeated",
        what="the same JSON block twice",
        why="the first block counts, once",
        write=_json_repeated,
        twin=_gold,
    ),
    Hack(
        name="json_twice_right_first",
        what="two JSON blocks, right verdict first",
        why="the first block counts: no more than saying it once",
        write=lambda case: _json_twice(case, right_first=True),
        twin=_gold,
    ),
    Hack(
        name="json_twice_wrong_first",
        what="two JSON blocks, wrong verdict first",
        why="the first block counts: a wrong answer",
        write=lambda case: _json_twice(case, right_first=False),
        twin=Case.wrong,
    ),
    Hack(
        name="only_in_think",
        what="verdict, JSON and boxes inside <think> only",
        why="what is said while thinking is no answer",
        write=_only_in_think,
        twin=Case.wrong,
    ),
    Hack(
        name="tags_in_strings",
        what='a JSON string that holds "</answer><answer>"',
        why="the tags are tags wherever they stand: the format is broken",
        write=_tags_in_strings,
        twin=_gold,
    ),
    Hack(
        name="no_probabilities",
        what="the right verdict with null for what the experts say",
        why="the prompt asks for numbers: a missing one counts as not parsing",
        write=_no_probabilities,
        twin=_gold,
    ),
    Hack(
        name="look_alikes",
        what="the verdict in letters of other alphabets",
        why="look-alike letters are other letters: an unknown verdict",
        write=lambda case: _with_verdict(case, lambda word: word.translate(_LOOK_ALIKES)),
        twin=Case.wrong,
    ),
    Hack(
        name="full_width_digits",
        what="the box in full-width digits",
        why="they are no numbers of a box",
        write=_digits,
        twin=Case.wrong,
    ),
    Hack(
        name="truncated",
        what="the gold reply cut off after 60%",
        why="no closing tag, no closed JSON, no verdict",
        write=lambda case: case.gold[: len(case.gold) * 6 // 10],
        twin=Case.wrong,
    ),
    Hack(
        name="last_tag_cut",
        what="the gold reply without its last two characters",
        why="the format needs its closing tag",
        write=lambda case: case.gold[:-2],
        twin=_gold,
    ),
    Hack(
        name="whole_picture",
        what="one box around everything",
        why="IoU falls with the area that is too much",
        write=_whole_picture,
        twin=Case.loose,
    ),
    Hack(
        name="every_picture",
        what="a whole-picture box in every picture",
        why="several boxes are no answer to a question for one",
        write=_every_picture,
        twin=Case.loose,
    ),
    Hack(
        name="slivers",
        what=f"{NUM_SLIVERS} strips that tile the true boxes",
        why="beyond the limit of boxes nothing is earned; matching pays for one of them at most",
        write=_slivers,
        twin=Case.loose,
    ),
    Hack(
        name="hedged_boxes",
        what="the true box among decoys",
        why="several boxes are no answer to a question for one",
        write=_hedged,
        twin=Case.loose,
    ),
    Hack(
        name="nothing_to_find",
        what='"nothing to find" where there is something',
        why="as wrong as a wrong box",
        write=_nothing,
        twin=Case.wrong,
    ),
    Hack(
        name="padded",
        what="the same sentence of reasoning two hundred times",
        why="length earns nothing; the extra penalties make it cost",
        write=_padded,
        twin=_gold,
    ),
)
