"""One picture under one perturbation."""

from dataclasses import dataclass, field

from PIL import Image

from groundsight.core.seeds import make_rng
from groundsight.vision.codecs import LONGEST_SIDE, USUAL_WEBP, encode
from groundsight.vision.frames import PictureSize
from groundsight.vision.images import Picture
from groundsight.vision.perturbations import steps
from groundsight.vision.perturbations.placement import Placement
from groundsight.vision.perturbations.table import PERTURBATIONS, Shown


@dataclass(frozen=True, eq=False, kw_only=True)
class Perturbed:
    """What came out.

    Args:
        data: the file's bytes; no metadata.
        suffix: of its name, with the dot.
        placement: where its pixels lie in the original.
    """

    data: bytes = field(repr=False)
    suffix: str
    placement: Placement

    @property
    def size(self) -> PictureSize:
        """Of the picture that came out."""
        return self.placement.size


def perturb(picture: Picture, name: str, *, seed: int = 0) -> Perturbed:
    """The file of a picture after a perturbation.

    Args:
        picture: as it was opened.
        name: a row of `PERTURBATIONS`.
        seed: draws places, factors and noise, together with the name and the picture's bytes: the
            same picture is changed in the same way wherever it lies and whatever runs beside it.

    Raises:
        UnknownNameError: no such row.
    """
    row = PERTURBATIONS[name]
    rng = make_rng(seed, "perturbation", name, picture.sha256)
    image = Image.fromarray(picture.rgb)
    shown = Shown(image, Placement.of(PictureSize(*image.size)))
    for step in row.steps:
        shown = step(shown, rng)
    shown = shown.resized(steps.bounded(shown.image, LONGEST_SIDE[row.saved.format]))
    return Perturbed(
        data=encode(shown.image, row.saved, webp_effort=USUAL_WEBP),
        suffix=row.saved.suffix,
        placement=shown.placement,
    )
