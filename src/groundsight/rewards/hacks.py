"""Known ways to earn reward without earning it, and the probe that scores them.

    for probe in probe_hacks(rubric, question):
        probe.hack.name, probe.score, probe.twin, probe.pays

A hack is compared with its honest twin: the plainly written answer of the same correctness. What
commits itself to nothing is as correct as a wrong answer; its twin has the wrong verdict (or box)
and otherwise what the hack shows. A hack pays when it earns more than its twin, or more than the
gold reply. Then the rubric, not the model, is at fault.
"""

from collections.abc import Callable
from dataclasses import dataclass

from groundsight.replies.reply import parse_reply
from groundsight.rewards import cheats
from groundsight.rewards.base import Attempt, Question
from groundsight.rewards.hack_case import Case
from groundsight.rewards.rubric import Rubric, RubricScore

Write = Callable[[Case], str | None]
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
        write=cheats.empty_sections,
        twin=Case.wrong,
    ),
    Hack(
        name="no_reasoning",
        what="the right answer after an empty <think>",
        why="at most as good as the same answer with reasoning; no report for FakeXplained",
        write=cheats.no_reasoning,
        twin=_gold,
    ),
    Hack(
        name="both_verdicts",
        what="one verdict field that says both",
        why="it equals neither",
        write=cheats.both_verdicts,
        twin=Case.wrong,
    ),
    Hack(
        name="two_verdict_sections",
        what="<verdict> twice, real and fake",
        why="verdicts that disagree are none, and the report is malformed",
        write=cheats.two_verdict_sections,
        twin=Case.wrong,
    ),
    Hack(
        name="verdict_repeated",
        what="<verdict> twice, the same",
        why="one verdict counts once, and the report is malformed",
        write=cheats.verdict_repeated,
        twin=_gold,
    ),
    Hack(
        name="json_repeated",
        what="the same JSON block twice",
        why="the first block counts, once",
        write=cheats.json_repeated,
        twin=_gold,
    ),
    Hack(
        name="json_twice_right_first",
        what="two JSON blocks, right verdict first",
        why="the first block counts: no more than saying it once",
        write=cheats.json_twice_right_first,
        twin=_gold,
    ),
    Hack(
        name="json_twice_wrong_first",
        what="two JSON blocks, wrong verdict first",
        why="the first block counts: a wrong answer",
        write=cheats.json_twice_wrong_first,
        twin=Case.wrong,
    ),
    Hack(
        name="only_in_think",
        what="verdict, JSON and boxes inside <think> only",
        why="what is said while thinking is no answer",
        write=cheats.only_in_think,
        twin=Case.wrong,
    ),
    Hack(
        name="tags_in_strings",
        what='a JSON string that holds "</answer><answer>"',
        why="the tags are tags wherever they stand: the format is broken",
        write=cheats.tags_in_strings,
        twin=_gold,
    ),
    Hack(
        name="no_probabilities",
        what="the right verdict with null for what the experts say",
        why="the prompt asks for numbers: a missing one counts as not parsing",
        write=cheats.no_probabilities,
        twin=_gold,
    ),
    Hack(
        name="look_alikes",
        what="the verdict in letters of other alphabets",
        why="look-alike letters are other letters: an unknown verdict",
        write=cheats.look_alikes,
        twin=Case.wrong,
    ),
    Hack(
        name="full_width_digits",
        what="the box in full-width digits",
        why="they are no numbers of a box",
        write=cheats.full_width_digits,
        twin=Case.wrong,
    ),
    Hack(
        name="truncated",
        what="the gold reply cut off after 60%",
        why="no closing tag, no closed JSON, no verdict",
        write=cheats.truncated,
        twin=Case.wrong,
    ),
    Hack(
        name="last_tag_cut",
        what="the gold reply without its last two characters",
        why="the format needs its closing tag",
        write=cheats.last_tag_cut,
        twin=_gold,
    ),
    Hack(
        name="whole_picture",
        what="one box around everything",
        why="IoU falls with the area that is too much",
        write=cheats.whole_picture,
        twin=Case.loose,
    ),
    Hack(
        name="every_picture",
        what="a whole-picture box in every picture",
        why="several boxes are no answer to a question for one",
        write=cheats.every_picture,
        twin=Case.loose,
    ),
    Hack(
        name="slivers",
        what=f"{cheats.NUM_SLIVERS} strips that tile the true boxes",
        why="beyond the limit of boxes nothing is earned; matching pays for one of them at most",
        write=cheats.slivers,
        twin=Case.loose,
    ),
    Hack(
        name="hedged_boxes",
        what="the true box among decoys",
        why="several boxes are no answer to a question for one",
        write=cheats.hedged_boxes,
        twin=Case.loose,
    ),
    Hack(
        name="nothing_to_find",
        what='"nothing to find" where there is something',
        why="as wrong as a wrong box",
        write=cheats.nothing_to_find,
        twin=Case.wrong,
    ),
    Hack(
        name="padded",
        what="the same sentence of reasoning two hundred times",
        why="length earns nothing; the extra penalties make it cost",
        write=cheats.padded,
        twin=_gold,
    ),
)
