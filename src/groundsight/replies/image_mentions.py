"""Which picture a text speaks of: "image 2", "Image-2", "the second image", "2th image".

People and prompts count pictures from 1; everything returned here counts from 0.
"""

import re
from typing import NamedTuple

_NOUN = r"(?:image|picture|photo|frame|img)"
_ORDINALS = (
    *("first", "second", "third", "fourth", "fifth"),
    *("sixth", "seventh", "eighth", "ninth", "tenth"),
)
_CARDINALS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_NUMBER = {word: i for words in (_ORDINALS, _CARDINALS) for i, word in enumerate(words)}
# Every repeat is bounded and possessive: one pass, no backtracking. ASCII, because case folding
# over Unicode lets look-alikes such as U+017F pass for letters.
_MENTION = re.compile(
    rf"\b(?:{_NOUN}[ \t_#:=-]{{0,3}}+(?P<after>\d{{1,4}}+|{'|'.join(_CARDINALS)})(?!\w|\.\d)"
    rf"|(?P<before>\d{{1,4}}+(?=st|nd|rd|th)|{'|'.join(_ORDINALS)})(?:st|nd|rd|th)?+"
    rf"[ \t-]{{1,3}}+{_NOUN}\b)",
    re.IGNORECASE | re.ASCII,
)


class Mention(NamedTuple):
    """A picture named in a text."""

    start: int
    end: int
    image_index: int
    "From 0."


def find_mentions(text: str, start: int = 0, end: int | None = None) -> list[Mention]:
    """Every picture that a stretch of text names, in order.

    Args:
        text: any text.
        start: where to begin.
        end: where to stop; None for the end of the text.

    Returns:
        Mentions whose index is what the text says, minus 1: "image 0" gives -1, and nothing here
        knows how many pictures there are.
    """
    stretch = _MENTION.finditer(text, start, len(text) if end is None else end)
    return [Mention(m.start(), m.end(), _index(m["after"] or m["before"])) for m in stretch]


def _index(word: str) -> int:
    return int(word) - 1 if word.isdecimal() else _NUMBER[word.lower()]
