"""Group grounding: a name, several pictures, and one of them shows it."""

import numpy as np

from groundsight.core.seeds import pick
from groundsight.synth.questions.base import TRIES, Desk, Draft, QuestionKind, draw_count

WORDINGS = (
    "Please find the bounding box coordinates for the area described by: {name}.",
    "Provide the bounding box coordinates for the region referred to by this sentence: {name}.",
    "One of these images may show this: {name}. Say which one, and where.",
)
_REFERENCE = "<|object_ref_start|>{name}<|object_ref_end|>"


class GroupGrounding(QuestionKind):
    """One picture has exactly one box of the name; the others have none. Which one is not said.

    Nothing to find: no picture has one.
    """

    name = "group_grounding"

    def draw(self, desk: Desk, rng: np.random.Generator, *, answerable: bool) -> Draft | None:
        """Make one question of two pictures or more."""
        names = desk.shared_names(1)
        for _ in range(TRIES if names else 0):
            name = pick(rng, names)
            count = draw_count(rng, 2, desk.most_pictures)
            chosen = desk.without(name, rng, count - answerable)
            if chosen is None:
                continue
            target = pick(rng, desk.once[name])
            place = draw_count(rng, 0, count - 1)
            if answerable:
                chosen.insert(place, target)
            views = [view for picture in chosen if (view := desk.view(picture)) is not None]
            box = (
                views[place].find(target.once()[name])
                if answerable and len(views) > place
                else None
            )
            if len(views) < count or (answerable and box is None):
                continue
            return Draft(
                pictures=tuple(view.rgb for view in views),
                question=pick(rng, WORDINGS).format(name=_REFERENCE.format(name=name)),
                boxes=((place, box, name),) if box else (),
                record={"object": name, "pictures": [view.record for view in views]},
            )
        return None


KIND = GroupGrounding()
