r"""How the official scripts find the letter in a reply, benchmark by benchmark.

Each of the three reads what is plain by rule. What is not plain BLINK and MMIU hand to a judge
model, and LOKI draws by chance; there `tasks.multiple_choice.read_choice` stands in, a rule that
gives the same letter twice, and `by_rule` is False so that a run can say how often.

| reply | BLINK | MMIU | LOKI |
|---|---|---|---|
| `B` | B | B | B |
| `(B)` | B | B | B |
| `b.` | judge | B | chance |
| `**B**` | judge | judge | B |
| `It is (B) then` | B | judge | B |
| `(A) or (B)` | judge | judge | B, the last |
| `` | judge | wrong | chance |

Source: eval/test_benchmark.py of zeyofu/BLINK_Benchmark; evaluate.py and evaluate_correct.py of
OpenGVLab/MMIU; lm_evaluate/tasks/loki.py of opendatalab/LOKI.
"""

import re
from collections.abc import Callable, Sequence
from string import ascii_uppercase
from typing import NamedTuple, TypeAlias

from groundsight.replies.reply import parse_reply
from groundsight.tasks.multiple_choice import read_choice

WRONG = ""
"Read by rule, and no letter: the official script counts it as wrong."
MOST_CHARACTERS = 100_000
_NO_REPLY = ("", "image none", "model error or image error", "image error", "model error")
_EDGES = re.compile(r"^[.,()]+|[.,()]+$")
_LOKI_EDGES = (",", ".", "!", "?", ";", ":", "'")
_MANY_WORDS = 5
_MMIU_LETTERS = "abcdefghijklmn"


class ChoiceReading(NamedTuple):
    """The letter of a reply."""

    letter: str | None
    "None: no letter could be found; `WRONG`: what was found is none."
    by_rule: bool
    "Whether the official script decides this itself."


Reader: TypeAlias = Callable[[str, Sequence[str]], ChoiceReading]


def answer_text(text: str) -> str:
    """What the official scripts would have seen: the answer section, or all of a plain reply."""
    reply = parse_reply(text[:MOST_CHARACTERS])
    if not reply.layout.sections:
        return reply.text
    return reply.answer or ""


def read_blink(text: str, choices: Sequence[str]) -> ChoiceReading:
    """The letter as BLINK's script reads it.

    A bare letter A to E, with or without brackets, is the answer. Else the one bracketed letter
    that stands as a word of the last paragraph, or of the whole; where neither has exactly one, a
    judge model is asked.

    Args:
        text: the answer.
        choices: their texts.
    """
    if text in tuple("ABCDE"):
        return ChoiceReading(text, by_rule=True)
    known = {f"({letter})" for letter, _ in zip("ABCDE", choices, strict=False)}
    if text in tuple(f"({letter})" for letter in "ABCDE"):
        return ChoiceReading(text[1], by_rule=True)
    everywhere = known & set(text.split())
    at_last = known & set(text.split("\n\n")[-1].split())
    if not everywhere or 1 not in (len(everywhere), len(at_last)):
        return _stand_in(text, choices)
    (found,) = at_last if len(at_last) == 1 else everywhere
    return ChoiceReading(found[1], by_rule=True)


def read_mmiu(text: str, choices: Sequence[str]) -> ChoiceReading:
    """The letter as MMIU's script reads it.

    White space and `.,()` are taken off the ends; a single letter a to n, in either case, is the
    answer. An empty reply is wrong; for any other a judge model is asked.

    Args:
        text: the answer.
        choices: their texts.
    """
    said = text.strip()
    if said in _NO_REPLY:
        return ChoiceReading(WRONG, by_rule=True)
    said = _EDGES.sub("", said.replace("\u00a0", "").strip()).strip().lower()
    if len(said) == 1 and said in _MMIU_LETTERS:
        return ChoiceReading(said.upper(), by_rule=True)
    return _stand_in(text, choices)


def read_loki(text: str, choices: Sequence[str]) -> ChoiceReading:
    """The letter as LOKI's script reads it, which is MMMU's rule with two more steps.

    Marks are taken off the ends. Candidates are letters in brackets and in double stars; else
    those before a space; else those before a full stop; else choices that are written out, which
    the script then compares with a letter, so that they are wrong; else, in more than five words,
    choices in whatever case. Of several the one that comes last counts. Without any the script
    draws a letter by chance.

    Args:
        text: the answer.
        choices: their texts.
    """
    for mark in _LOKI_EDGES:
        text = text.strip(mark)
    said = f" {text} "
    letters = ascii_uppercase[: len(choices)]
    bracketed = [letter for letter in letters if f"({letter})" in said]
    starred = [letter for letter in letters if f"**{letter}**" in said]
    if bracketed or starred:
        frame = "({})" if bracketed else "**{}**"
        return ChoiceReading(_last(said, [*bracketed, *starred], frame), by_rule=True)
    for end in (" ", "."):
        found = [letter for letter in letters if f"{letter}{end}" in said]
        if found:
            return ChoiceReading(_last(said, found, " {} "), by_rule=True)
    if any(choice in said for choice in choices):
        return ChoiceReading(WRONG, by_rule=True)
    if len(said.split()) > _MANY_WORDS:
        low = said.lower()
        pairs = zip(letters, choices, strict=True)
        places = {at: low.rfind(choice.lower()) for at, choice in pairs if choice.lower() in low}
        if places:
            return ChoiceReading(max(places, key=lambda at: places[at]), by_rule=True)
    return _stand_in(text, choices)


def read_by_task(text: str, choices: Sequence[str]) -> ChoiceReading:
    """The letter by our own rule, for suites without an official script."""
    return ChoiceReading(read_choice(parse_reply(text), choices), by_rule=True)


def _last(said: str, candidates: list[str], frame: str) -> str:
    """Of one candidate that one; of several the one whose framed form stands last, first on ties.

    A candidate that never stands in this frame counts as standing before the beginning.
    """
    if len(candidates) == 1:
        return candidates[0]
    return max(candidates, key=lambda letter: said.rfind(frame.format(letter)))


def _stand_in(text: str, choices: Sequence[str]) -> ChoiceReading:
    return ChoiceReading(read_choice(parse_reply(text), choices), by_rule=False)
