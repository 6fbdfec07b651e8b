"""Short questions about scenes, with short answers: what the base's decoder is pretrained on.

No system text of a task, no verdict, no report: those are left to fine-tuning. Boxes are written as
replies write them, so that the digits of a place are learnt once and for all.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from groundsight.core.seeds import pick
from groundsight.replies.dialect import Dialect
from groundsight.replies.place import AnswerRegion
from groundsight.replies.render import write_region
from groundsight.synth.edits import EDITS
from groundsight.tasks.base import Message
from groundsight.train.pretrain.scenes import Scene, Thing
from groundsight.train.pretrain.settings import PretrainSettings
from groundsight.vision.frames import PictureSize

FIND = ("Where is the {name}?", "Box the {name}.", "Find the {name} and give its place.")
LIST = (
    "List everything that was put on this picture or changed in it.",
    "What was added or changed here, and where?",
    "Name each thing that does not belong to the photograph, with its box.",
)
NAME = ("What is at {box}?", "Name the thing at {box}.")
WHICH = ("Which picture shows the {name}, and where?", "Find the {name} in these pictures.")
DIFFER = ("What differs between the pictures?", "One picture has something more. Box it.")
COMMON = (
    "One thing is in all of these pictures. Where is it in Image {number}?",
    "What do the pictures share? Box it in Image {number}.",
)
NOTHING_THERE, NOWHERE = "Nothing.", "Nowhere."
_ABSENT_RATE = 0.15
_KINDS = ("find", "list", "name", "which", "differ", "common")
_CHANCES = (0.15, 0.3, 0.02, 0.2, 0.2, 0.13)
_THIRD_RATE = 0.5  # of questions across pictures: with a third one
_TRIES = 8
_EARLIER = 20  # latest scenes of each name that are kept to be asked about again


class Exchange(NamedTuple):
    """One question and its answer."""

    scenes: tuple[Scene, ...]
    "The pictures, in order."
    messages: list[Message]
    reply: str


class Questioner:
    """Asks about scenes.

    Args:
        settings: of the pretraining.
        names: of all kinds of things.
        dialect: that boxes are written in.
    """

    def __init__(self, settings: PretrainSettings, names: Sequence[str], dialect: Dialect) -> None:
        self._names, self._dialect = tuple(names), dialect
        self._size = PictureSize(settings.size_px, settings.size_px)
        self._captions = {
            edit.tag: edit.captions for edit in map(EDITS.__getitem__, settings.edits)
        }
        self._seen: dict[str, deque[Scene]] = {}

    def ask(self, scene: Scene, rng: np.random.Generator) -> Exchange:
        """Draw a question that the scene has an answer to; a list where the draw fits nothing."""
        kind = _KINDS[int(rng.choice(len(_KINDS), p=_CHANCES))]
        made: Exchange | None = getattr(self, f"_{kind}")(scene, rng)
        for name in _once(scene):
            self._seen.setdefault(name, deque(maxlen=_EARLIER)).appendleft(scene)
        return made or self._list(scene, rng)

    def _find(self, scene: Scene, rng: np.random.Generator) -> Exchange | None:
        there = _once(scene)
        if not there or rng.random() < _ABSENT_RATE:
            held = {thing.name for thing in scene.things}
            absent = [name for name in self._names if name not in held]
            return self._exchange([scene], pick(rng, FIND).format(name=pick(rng, absent)), NOWHERE)
        name = pick(rng, sorted(there))
        return self._exchange(
            [scene], pick(rng, FIND).format(name=name), self._box(there[name]), rng
        )

    def _list(self, scene: Scene, rng: np.random.Generator) -> Exchange:
        lines = [
            f"- {self._line(thing, self._caption(thing, rng))}"
            for thing in sorted(scene.things, key=lambda thing: thing.xyxy_px[1::-1])
        ]
        return self._exchange([scene], pick(rng, LIST), "\n".join(lines) or NOTHING_THERE, rng)

    def _name(self, scene: Scene, rng: np.random.Generator) -> Exchange | None:
        if not scene.things:
            return None
        thing = pick(rng, scene.things)
        return self._exchange([scene], pick(rng, NAME).format(box=self._box(thing)), thing.name)

    def _which(self, scene: Scene, rng: np.random.Generator) -> Exchange | None:
        there = _once(scene)
        if not there:
            return None
        name = pick(rng, sorted(there))
        shown = [scene]
        wanted = 3 if rng.random() < _THIRD_RATE else 2
        for _ in range(_TRIES):
            other = self._other(rng)
            if other is not None and all(thing.name != name for thing in other.things):
                shown.append(other)
            if len(shown) == wanted:
                break
        if len(shown) < 2:
            return None
        at = _put_first_anywhere(shown, rng)
        line = self._line(there[name], "", image=at)
        return self._exchange(shown, pick(rng, WHICH).format(name=name), line, rng)

    def _differ(self, scene: Scene, rng: np.random.Generator) -> Exchange | None:
        if scene.before is None:
            return None
        before = replace(scene, rgb=scene.before, things=scene.things[:-1], before=None)
        third = rng.random() < _THIRD_RATE
        shown = [before] * (3 if third else 2)
        at = int(rng.integers(3)) if third else int(rng.random() < 0.8)
        shown[at] = scene
        return self._exchange(shown, pick(rng, DIFFER), self._named(scene.things[-1], at), rng)

    def _common(self, scene: Scene, rng: np.random.Generator) -> Exchange | None:
        here = _once(scene)
        for name in map(str, rng.permutation(sorted(here))):
            shown = [scene]
            wanted = 3 if rng.random() < _THIRD_RATE else 2
            for other in self._seen.get(name, ()):
                if len(shown) < wanted and _share([*shown, other]) == {name}:
                    shown.append(other)
            if len(shown) < 2:
                continue
            at = _put_first_anywhere(shown, rng)
            question = pick(rng, COMMON).format(number=at + 1)
            return self._exchange(shown, question, self._named(here[name], at), rng)
        return None

    def _other(self, rng: np.random.Generator) -> Scene | None:
        return self._seen[pick(rng, sorted(self._seen))][0] if self._seen else None

    def _named(self, thing: Thing, at: int) -> str:
        """What it is, before where it is: the name helps to find the place."""
        return f"{thing.name}, {self._line(thing, '', image=at)}"

    def _caption(self, thing: Thing, rng: np.random.Generator) -> str:
        known = self._captions.get(thing.name)
        return pick(rng, known) if known else thing.name

    def _box(self, thing: Thing) -> str:
        return self._line(thing, "")

    def _line(self, thing: Thing, caption: str, *, image: int | None = None) -> str:
        region = AnswerRegion(image_index=image or 0, xyxy_px=thing.xyxy_px, description=caption)
        return write_region(region, self._size, self._dialect, name_image=image is not None)

    def _exchange(
        self,
        scenes: Sequence[Scene],
        question: str,
        reply: str,
        rng: np.random.Generator | None = None,
    ) -> Exchange:
        """The question after the pictures, or now and then before them."""
        parts: list[Message] = []
        for number in range(1, len(scenes) + 1):
            if len(scenes) > 1:
                parts.append({"type": "text", "text": f"Image {number}:"})
            parts.append({"type": "image"})
        asked: Message = {"type": "text", "text": question}
        first = rng is not None and rng.random() < 0.2
        parts = [asked, *parts] if first else [*parts, asked]
        return Exchange(tuple(scenes), [{"role": "user", "content": parts}], reply)


def _once(scene: Scene) -> dict[str, Thing]:
    """Things whose name only they have."""
    names = [thing.name for thing in scene.things]
    return {thing.name: thing for thing in scene.things if names.count(thing.name) == 1}


def _put_first_anywhere(scenes: list[Scene], rng: np.random.Generator) -> int:
    """Exchange the first scene with any; its new place."""
    at = int(rng.integers(len(scenes)))
    scenes[0], scenes[at] = scenes[at], scenes[0]
    return at


def _share(scenes: Sequence[Scene]) -> set[str]:
    """Names that all of them have."""
    return set.intersection(*({thing.name for thing in scene.things} for scene in scenes))
