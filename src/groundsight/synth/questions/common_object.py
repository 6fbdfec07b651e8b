"""Common object: several pictures share one kind of object; find it in one of them."""

import numpy as np

from groundsight.core.seeds import pick
from groundsight.synth.boxed import BoxedPicture
from groundsight.synth.questions.base import (
    TRIES,
    Desk,
    Draft,
    QuestionKind,
    draw_count,
    ordinal,
)

WORDINGS = (
    "These images share one object in common. Recognize and locate this object in the {nth} image.",
    "One object appears in all of these images. Where is it in Image {n}?",
    "Find out which object the images have in common, and box it in Image {n}.",
)


class CommonObject(QuestionKind):
    """Each picture has exactly one box of the name, and they share no other name.

    Nothing to find: the picture that is asked about does not have the object that all the others
    share.
    """

    name = "common_object"

    def draw(self, desk: Desk, rng: np.random.Generator, *, answerable: bool) -> Draft | None:
        """Make one question of three pictures or more."""
        names = desk.shared_names(3 if answerable else 2)
        for _ in range(TRIES if names else 0):
            name = pick(rng, names)
            having = desk.once[name]
            most = min(desk.most_pictures, len(having) + (not answerable))
            count = draw_count(rng, 3, most)
            chosen = [having[int(i)] for i in rng.permutation(len(having))[:count]]
            if not answerable:
                lacking = desk.without(name, rng, 1)
                if lacking is None:
                    continue
                chosen = [*chosen[: count - 1], *lacking]
            asked = draw_count(rng, 0, count - 1)
            chosen[asked], chosen[-1] = chosen[-1], chosen[asked]
            draft = _draft(desk, rng, chosen, name, asked, answerable)
            if draft is not None:
                return draft
        return None


KIND = CommonObject()


def _draft(
    desk: Desk,
    rng: np.random.Generator,
    chosen: list[BoxedPicture],
    name: str,
    asked: int,
    answerable: bool,
) -> Draft | None:
    sharing = [p for i, p in enumerate(chosen) if answerable or i != asked]
    if frozenset.intersection(*(picture.names() for picture in sharing)) != {name}:
        return None
    views = [desk.view(picture) for picture in chosen]
    if any(view is None for view in views):
        return None
    there = [view for view in views if view is not None]
    box = there[asked].find(chosen[asked].once()[name]) if answerable else None
    if answerable and box is None:
        return None
    wording = pick(rng, WORDINGS)
    return Draft(
        pictures=tuple(view.rgb for view in there),
        question=wording.format(nth=ordinal(asked), n=asked + 1),
        boxes=((asked, box, name),) if box else (),
        asked_image=asked,
        record={"object": name, "pictures": [view.record for view in there]},
    )
