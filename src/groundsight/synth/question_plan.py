"""Questions from their numbers; a `runs.Maker`.

The pictures of a question are of one split and are written with one codec and quality.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from groundsight.core.errors import UsageError
from groundsight.core.seeds import make_rng, pick
from groundsight.core.types import ImageRef, Sample, SampleRegion
from groundsight.synth.boxed import BoxedPicture
from groundsight.synth.codecs import draw_codec
from groundsight.synth.edits import EDITS
from groundsight.synth.photos import PhotoCache
from groundsight.synth.question_settings import QuestionSettings
from groundsight.synth.questions import QUESTIONS
from groundsight.synth.questions.base import Desk, Draft
from groundsight.synth.runs import Made, NewPicture
from groundsight.vision.codecs import encode

SOURCE = "groundsight.synth.questions"
_ROUNDS = 4


@dataclass(frozen=True)
class QuestionPlan:
    """Makes questions.

    Args:
        settings: of the set.
        pictures: with boxes.
    """

    settings: QuestionSettings
    pictures: tuple[BoxedPicture, ...]

    def make(self, unit: int) -> Made:
        """Make one question.

        Raises:
            UsageError: the pictures offer no question of the kinds asked for.
        """
        rng = make_rng(self.settings.seed, "question", unit)
        desk = self._desk(rng)
        desk.faults.clear()
        kind, draft = self._draw(desk, rng)
        codec = draw_codec(rng, self.settings.formats, self.settings.qualities)
        pictures = tuple(
            NewPicture(
                number=unit * _PICTURES_EACH + index, suffix=codec.suffix, data=encode(rgb, codec)
            )
            for index, rgb in enumerate(draft.pictures)
        )
        split = desk.pictures[0].photo.split
        return Made(
            samples=(_sample(unit, kind, draft, pictures, split),),
            pictures=pictures,
            record={"kind": kind, "codec": codec.as_record(), **draft.record},
            faults=tuple((fault.path, fault.code, fault.message) for fault in desk.faults),
        )

    def _draw(self, desk: Desk, rng: np.random.Generator) -> tuple[str, Draft]:
        """Kinds in a drawn order until one finds a question in these pictures."""
        answerable = bool(rng.random() >= self.settings.unanswerable_rate)
        for _ in range(_ROUNDS):
            for place in rng.permutation(len(self.settings.kinds)):
                name = self.settings.kinds[int(place)]
                draft = QUESTIONS[name].draw(desk, rng, answerable=answerable)
                if draft is not None:
                    return name, draft
        what = "answerable" if answerable else "unanswerable"
        raise UsageError(
            f"these {len(desk.pictures)} pictures give no {what} question of the kinds "
            f"{', '.join(self.settings.kinds)}: give more pictures, names that several of them "
            "share, or other kinds"
        )

    def _desk(self, rng: np.random.Generator) -> Desk:
        """The desk of a split, drawn by how many pictures it has."""
        split = pick(rng, self.pictures).photo.split
        return self._desks[split]

    @cached_property
    def _desks(self) -> dict[str | None, Desk]:
        cache = PhotoCache(short_side_px=2 * self.settings.size_px)
        by_split: dict[str | None, list[BoxedPicture]] = {}
        for picture in self.pictures:
            by_split.setdefault(picture.photo.split, []).append(picture)
        return {
            split: Desk(
                found,
                cache,
                size_px=self.settings.size_px,
                most_pictures=self.settings.most_pictures,
                edits=[EDITS[name] for name in self.settings.edits],
                ranges=self.settings.regions(),
            )
            for split, found in by_split.items()
        }

    def __getstate__(self) -> dict[str, object]:
        """Without desks: every process has its own open pictures."""
        return {"settings": self.settings, "pictures": self.pictures}


_PICTURES_EACH = 10  # numbers set aside for a question: its pictures lie beside each other


def _sample(
    unit: int, kind: str, draft: Draft, pictures: tuple[NewPicture, ...], split: str | None
) -> Sample:
    extra: dict[str, object] = {"task": kind}
    if draft.asked_image is not None:
        extra["asked_image"] = draft.asked_image
    if draft.question_frame is not None:
        extra["question_frame"] = draft.question_frame
    return Sample(
        id=f"questions-{unit:07d}",
        images=tuple(
            ImageRef(path=picture.path, width=rgb.shape[1], height=rgb.shape[0])
            for picture, rgb in zip(pictures, draft.pictures, strict=True)
        ),
        task="multi_image_grounding",
        question=draft.question,
        regions=tuple(
            SampleRegion(image_index=index, xyxy=xyxy, description=text)
            for index, xyxy, text in draft.boxes
        ),
        split=split,
        source=SOURCE,
        extra=extra,
    )
