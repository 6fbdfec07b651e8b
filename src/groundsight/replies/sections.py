"""Tagged sections of a reply: `<think>`, `<answer>`, `<tag>`, `<verdict>`.

One pass, no nesting: a section runs from its opening tag to the first closing tag of the same name,
and whatever other tags lie inside are its text.
"""

import re
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from groundsight.core.report import Problem

SectionName = Literal["think", "answer", "tag", "verdict"]
MAX_TAGS = 64
"More tags than this are not a reply any more; the rest of the text is not looked at for tags."

_TAG = re.compile(r"<(/?)(think|answer|tag|verdict)>")


@dataclass(frozen=True)
class Section:
    """One tagged section.

    Args:
        name: of its tag.
        start: where its text begins in the reply, after the opening tag.
        end: where its text ends, before the closing tag.
        outer_end: where the closing tag ends; the end of the reply when there is none.
        opened: False when only the closing tag is there (chat templates that write `<think>`
            themselves leave such replies).
        closed: False when the reply ends before the closing tag.
    """

    name: SectionName
    start: int
    end: int
    outer_end: int
    opened: bool = True
    closed: bool = True

    @property
    def outer_start(self) -> int:
        """Where the opening tag begins."""
        return self.start - (len(self.name) + 2 if self.opened else 0)


@dataclass(frozen=True)
class Layout:
    """The sections of a reply in order, and what was wrong with its tags."""

    sections: tuple[Section, ...]
    problems: tuple[Problem, ...]

    def first(self, name: SectionName) -> Section | None:
        """The first section of this name."""
        return next((section for section in self.sections if section.name == name), None)

    def around(self, position: int) -> Section | None:
        """The section that a position of the text lies in."""
        for section in self.sections:
            if section.start <= position < section.end:
                return section
        return None


def scan_sections(text: str) -> Layout:
    """Find the sections of a reply, in time linear in its length."""
    tags = list(islice(_TAG.finditer(text), MAX_TAGS + 1))
    sections: list[Section] = []
    problems: list[Problem] = []
    if len(tags) > MAX_TAGS:
        tags.pop()
        problems.append(Problem(code="too_many_tags", message=f"more than {MAX_TAGS} tags"))
    opened: re.Match[str] | None = None
    for tag in tags:
        closes, name = tag.group(1), tag.group(2)
        if opened is None and not closes:
            opened = tag
        elif opened is not None and closes and name == opened.group(2):
            sections.append(_section(opened, tag))
            opened = None
        elif opened is None and name == "think" and not sections:
            sections.append(Section("think", 0, tag.start(), tag.end(), opened=False))
            problems.append(_problem("think_not_opened", "</think> without <think>"))
        elif opened is not None:
            problems.append(
                _problem("nested_tag", f"{tag.group()} inside <{opened.group(2)}> is read as text")
            )
        else:
            problems.append(_problem("stray_tag", f"{tag.group()} closes nothing"))
    if opened is not None:
        name = _name(opened)
        sections.append(Section(name, opened.end(), len(text), len(text), closed=False))
        problems.append(_problem(f"{name}_not_closed", f"the reply ends inside <{name}>"))
    problems.extend(_repeats(sections))
    return Layout(tuple(sections), tuple(problems))


def _section(opening: re.Match[str], closing: re.Match[str]) -> Section:
    return Section(_name(opening), opening.end(), closing.start(), closing.end())


def _name(tag: re.Match[str]) -> SectionName:
    name: SectionName = tag.group(2)  # type: ignore[assignment]
    return name


def _repeats(sections: list[Section]) -> list[Problem]:
    names = [section.name for section in sections]
    return [
        _problem(f"{name}_repeated", f"{names.count(name)} <{name}> sections; the first counts")
        for name in dict.fromkeys(names)
        if names.count(name) > 1
    ]


def _problem(code: str, message: str) -> Problem:
    return Problem(code=code, message=message)
