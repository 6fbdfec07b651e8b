"""Difference: a picture and its edited twin, or one edited picture among equal ones."""

import numpy as np

from groundsight.core.seeds import pick
from groundsight.synth.editing import Donor, edit_picture
from groundsight.synth.questions.base import TRIES, Desk, Draft, QuestionKind, draw_count

TWO = (
    "Compare these two images carefully and give me the coordinates of their difference.",
    "The second image was changed in one place. Where does it differ from the first?",
    "Spot the difference: which region of Image 2 is not as it is in Image 1?",
)
SEVERAL = (
    "All of these images but one are the same. Say which one differs, and in which region.",
    "One of these pictures may have been changed in one place. Find it and box the place.",
)


class Diff(QuestionKind):
    """One edit of `synth.edits`; its box is the tight one around the pixels that differ.

    Nothing to find: all pictures are the same.
    """

    name = "diff"

    def draw(self, desk: Desk, rng: np.random.Generator, *, answerable: bool) -> Draft | None:
        """Make one question; two pictures as often as more."""
        for _ in range(TRIES):
            view = desk.view(desk.pick(rng))
            if view is None:
                continue
            many = desk.most_pictures > 2 and rng.random() < 0.5
            count = draw_count(rng, 3, desk.most_pictures) if many else 2
            odd = draw_count(rng, 0, count - 1) if many else 1
            question = pick(rng, SEVERAL if many else TWO)
            done = edit_picture(
                view.rgb, rng, desk.edits, ranges=desk.ranges, donor=lambda: _donor(desk, rng)
            )
            if not done:
                continue
            edited = done[0].edited
            pictures = [view.rgb] * count
            if answerable:
                pictures[odd] = edited.rgb
            record: dict[str, object] = {"pictures": [view.record]}
            if answerable:
                record["odd"] = odd
                record["edit"] = edited.edit
                record["parameters"] = edited.parameters
                record["donor"] = done[0].donor
            return Draft(
                pictures=tuple(pictures),
                question=question,
                boxes=((odd, edited.xyxy_px, edited.caption),) if answerable else (),
                asked_image=None if many else 1,
                record=record,
            )
        return None


KIND = Diff()


def _donor(desk: Desk, rng: np.random.Generator) -> Donor | None:
    view = desk.view(desk.pick(rng))
    return None if view is None else Donor(rgb=view.rgb, record=view.record)
