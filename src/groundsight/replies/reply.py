"""A model's reply, read once, part by part, when a part is asked for.

    reply = parse_reply("<think>a hand with six fingers</think><verdict>fake</verdict>")
    reply.verdict      # Verdict.AI_GENERATED
    reply.problems     # (): what the model did wrong, as data

A `Reply` is a pure function of its text: it knows no sample, no picture and no frame. Numbers of
boxes stay as they are written; `replies.place` turns them into pixels. Nothing here raises, and
everything is linear in the length of the text. Parts are read lazily, because a reward often needs
just one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from groundsight.core.report import Problem
from groundsight.core.types import Verdict
from groundsight.replies.encodable import encodable
from groundsight.replies.json_blocks import FENCE, JsonBlock, JsonRead, find_blocks, read_json
from groundsight.replies.regions import RegionScan, ReplyRegion, scan_regions
from groundsight.replies.sections import Layout, Section, SectionName, scan_sections
from groundsight.replies.verdict_words import verdict_of

__all__ = ["Reply", "ReplyRegion", "Section", "parse_reply"]

MAX_ANSWER_TAGS = 64
"Image-level tags beyond this many are dropped."
MAX_TAG_CHARS = 8192
"The tag section is read up to here."


@dataclass(frozen=True)
class Reply:
    """One reply. Every part is a function of `text`, computed when first asked for.

    Args:
        text: the whole reply, without the prompt.
    """

    text: str

    @cached_property
    def layout(self) -> Layout:
        """The tagged sections in order, and the problems of the tags."""
        return scan_sections(self.text)

    def follows(self, *names: SectionName) -> bool:
        """Whether the reply is exactly these sections, once each, in order, each closed.

        Nothing but white space stands before, between and after them, and no tag is stray, nested
        or repeated.
        """
        sections = self.layout.sections
        if self.layout.problems or tuple(section.name for section in sections) != names:
            return False
        starts = [section.outer_start for section in sections] + [len(self.text)]
        ends = [0, *(section.outer_end for section in sections)]
        gaps = zip(ends, starts, strict=True)
        return all(not self.text[a:b] or self.text[a:b].isspace() for a, b in gaps)

    def section_text(self, name: SectionName) -> str | None:
        """The stripped text of the first section of a name; None when there is none."""
        section = self.layout.first(name)
        return None if section is None else self.text[section.start : section.end].strip()

    @cached_property
    def think(self) -> str | None:
        """The reasoning; None when the reply has no think section."""
        return self.section_text("think")

    @cached_property
    def answer(self) -> str | None:
        """The answer section's text; None when there is none."""
        return self.section_text("answer")

    @cached_property
    def tags(self) -> tuple[str, ...]:
        """Image-level tags of the tag section, split at commas, semicolons and line breaks."""
        text = (self.section_text("tag") or "")[:MAX_TAG_CHARS]
        parts = (part.strip(" \t\r*-•") for part in _split_tags(text))
        return tuple(part for part in parts if part)[:MAX_ANSWER_TAGS]

    @cached_property
    def json_blocks(self) -> tuple[JsonBlock, ...]:
        """Every ```json block outside the reasoning, in order."""
        think = self.layout.first("think")
        if think is None:
            return find_blocks(self.text, 0, len(self.text))
        before = find_blocks(self.text, 0, think.start)
        return before + find_blocks(self.text, think.end, len(self.text))

    @property
    def json_block(self) -> JsonBlock | None:
        """The ```json block that counts: the first outside the reasoning."""
        return self.json_blocks[0] if self.json_blocks else None

    @cached_property
    def json_read(self) -> JsonRead:
        """What reading `json_block` gave."""
        block = self.json_block
        if block is None:
            inside = FENCE in self.text
            code = "json_only_in_think" if inside else "json_missing"
            message = "the only ```json is in the reasoning" if inside else "there is no ```json"
            return JsonRead(None, (Problem(code=code, message=message),), ok=False)
        if not block.closed:
            problem = Problem(code="json_not_closed", message="the reply ends inside ```json")
            return JsonRead(None, (problem,), ok=False)
        return read_json(self.text[block.start : block.end])

    @property
    def json(self) -> dict[str, Any] | None:
        """The object in the ```json block; None when there is none or it does not parse."""
        value = self.json_read.value
        return value if isinstance(value, dict) else None

    @cached_property
    def json_problems(self) -> tuple[Problem, ...]:
        """Why `json` is None or doubtful; empty for one good block."""
        problems = list(self.json_read.problems)
        if self.json_read.ok and not isinstance(self.json_read.value, dict):
            problems.append(Problem(code="json_no_object", message="the JSON is no object"))
        if len(self.json_blocks) > 1:
            message = f"{len(self.json_blocks)} ```json blocks; the first outside <think> counts"
            problems.append(Problem(code="json_repeated", message=message))
        return tuple(problems)

    @cached_property
    def bare_json(self) -> dict[str, Any] | None:
        """An object in the answer that lacks its ```json fence; None when there is none.

        For reading answers only: a reward that asks for ```json does not take it.
        """
        said = self.answer if self.layout.sections else self.text
        if said is None or self.json_blocks:
            return None
        start, end = said.find("{"), said.rfind("}")
        value = read_json(said[start : end + 1]).value if 0 <= start < end else None
        return value if isinstance(value, dict) else None

    @cached_property
    def verdict_texts(self) -> tuple[str, ...]:
        """Every place where a verdict is said, in the model's own words.

        The `<verdict>` sections; else `final_verdict.verdict` of the JSON; else the answer; else
        the whole reply when it has no sections.
        """
        spans = [s for s in self.layout.sections if s.name == "verdict"]
        if spans:
            return tuple(self.text[s.start : s.end].strip() for s in spans)
        if self.json is not None:
            said = verdict_in(self.json)
            return () if said is None else (said,)
        if self.answer is not None:
            return (self.answer,)
        return () if self.layout.sections else (self.text,)

    @cached_property
    def verdict(self) -> Verdict | None:
        """The verdict; None when none is said, or when several disagree."""
        said = {verdict_of(words) for words in self.verdict_texts}
        return said.pop() if len(said) == 1 else None

    @cached_property
    def regions(self) -> tuple[ReplyRegion, ...]:
        """Every box of the reply, in order, with its numbers as written."""
        return self._region_scan.regions

    def regions_in(self, name: SectionName) -> tuple[ReplyRegion, ...]:
        """The boxes that lie in the first section of a name."""
        section = self.layout.first(name)
        if section is None:
            return ()
        return tuple(r for r in self.regions if section.start <= r.start < section.end)

    @cached_property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the reply, whatever the task: tags, JSON, verdicts, boxes.

        A reply without ```json is no problem here; `json_problems` names it.
        """
        found = list(self.layout.problems)
        if self.json_blocks:
            found.extend(self.json_problems)
        found.extend(_verdict_problems(self))
        found.extend(self._region_scan.problems)
        return tuple(found)

    @cached_property
    def _region_scan(self) -> RegionScan:
        return scan_regions(self.text, self.layout)


def parse_reply(text: str | Reply) -> Reply:
    """Read a reply. Never raises; parts are read when they are asked for.

    Args:
        text: what the model wrote, without the prompt; a reply that was read already is given
            back. Lone surrogates become `?`: no file could hold them.
    """
    if isinstance(text, Reply):
        return text
    return Reply(encodable(text))


def verdict_in(tree: dict[str, Any]) -> str | None:
    """`final_verdict.verdict` of a reply's JSON, in the model's own words."""
    final = tree.get("final_verdict")
    said = final.get("verdict") if isinstance(final, dict) else None
    return said if isinstance(said, str) else None


def _split_tags(text: str) -> Iterable[str]:
    return text.replace("\n", ",").replace(";", ",").split(",")


def _verdict_problems(reply: Reply) -> list[Problem]:
    texts = reply.verdict_texts
    said = {verdict_of(words) for words in texts}
    if len(said) > 1:
        return [Problem(code="conflicting_verdicts", message="the reply's verdicts disagree")]
    explicit = reply.json is not None or reply.layout.first("verdict") is not None
    if texts and None in said and explicit:
        words = texts[0][:60]
        return [Problem(code="unknown_verdict", message=f"{words!r} is no verdict")]
    return []
