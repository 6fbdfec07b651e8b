"""What an edit is, and the one place where its pixels are laid into the picture.

An operator only proposes new pixels for the box of a region. They are mixed in here by the region's
weight, so that no operator can touch a pixel outside its mask, and the box that is told is the
tight one around what really changed.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from groundsight.core.seeds import pick
from groundsight.core.types import XYXY
from groundsight.synth.region import SHAPES, EditRegion, PixelBox, Shape
from groundsight.vision.images import RGBArray

Parameters = dict[str, float | int | str | bool | list[int]]
MIN_CHANGE = 3
"Levels of 255, of the channel that changes most: a pixel that changes less does not show [choice]."


class Draft(NamedTuple):
    """What an operator proposes."""

    patch: RGBArray
    "(h, w, 3), new pixels for the whole box of the region."
    parameters: Parameters
    "Every number that was drawn, for the manifest."


class Edit(ABC):
    """One kind of edit. Stateless; a row of `EDITS`; its fields are the ranges it draws from."""

    name: ClassVar[str]
    "Its row in `EDITS`."
    tag: ClassVar[str]
    "Image-level tag of a picture that holds one."
    captions: ClassVar[tuple[str, ...]]
    "Ways to say what is wrong there; one is drawn. No brackets: they read as boxes."
    needs_donor: ClassVar[bool] = False
    "Whether it takes pixels from another picture."
    shapes: ClassVar[tuple[Shape, ...]] = SHAPES
    "Shapes of region that suit it."
    min_changed_rate: ClassVar[float] = 0.3
    "Least share of the mask that must change by `MIN_CHANGE` or more."
    min_mean_change: ClassVar[float] = 4.0
    "Levels of 255, over the pixels that differ at all: less cannot be seen [choice]."

    @abstractmethod
    def draft(
        self,
        rgb: RGBArray,
        region: EditRegion,
        rng: np.random.Generator,
        donor: RGBArray | None,
    ) -> Draft | None:
        """Propose new pixels.

        Args:
            rgb: (H, W, 3), the picture; not to be changed.
            region: where.
            rng: draws every parameter.
            donor: (h', w', 3), another picture, where `needs_donor`.

        Returns:
            None when this region offers no way to do it.
        """


@dataclass(frozen=True, eq=False, kw_only=True)
class Edited:
    """A picture with one edit, and the truth about it.

    Args:
        rgb: (H, W, 3), a copy.
        xyxy_px: tight box of the pixels that differ, whole numbers.
        edit: name of the operator.
        parameters: what it drew.
        region: what it was given.
        caption: what is wrong there, in words.
        tag: image-level tag.
        changed_rate: share of the box's pixels that differ.
        mean_change: over those, in levels of 255.
    """

    rgb: RGBArray = field(repr=False)
    xyxy_px: XYXY
    edit: str
    parameters: Parameters
    region: EditRegion
    caption: str
    tag: str
    changed_rate: float
    mean_change: float


def apply_edit(
    edit: Edit,
    rgb: RGBArray,
    region: EditRegion,
    rng: np.random.Generator,
    donor: RGBArray | None = None,
) -> Edited | None:
    """Edit one region of a picture.

    Args:
        edit: the operator.
        rgb: (H, W, 3) uint8; not changed.
        region: where, and how its border is mixed.
        rng: draws parameters and caption.
        donor: another picture, (h, w, 3) uint8.

    Returns:
        None when the operator finds no way, or when nothing that could be seen would change: draw
        another region then.
    """
    draft = None if edit.needs_donor and donor is None else edit.draft(rgb, region, rng, donor)
    if draft is None:
        return None
    before = region.crop(rgb)
    after = mix(before, draft.patch, region)
    change = np.abs(after.astype(np.int16) - before).max(axis=2)
    differs = change > 0
    if not _shows(edit, change, region):
        return None
    box = _tight(differs, region.box)
    out = rgb.copy()
    region.crop(out)[...] = after
    return Edited(
        rgb=out,
        xyxy_px=box.xyxy,
        edit=edit.name,
        parameters=draft.parameters,
        region=region,
        caption=pick(rng, edit.captions),
        tag=edit.tag,
        changed_rate=round(float(differs.sum()) / box.area, 4),
        mean_change=round(float(change.sum() / differs.sum()), 2),
    )


def _shows(edit: Edit, change: npt.NDArray[np.int16], region: EditRegion) -> bool:
    """Whether enough pixels change, by enough."""
    seen = np.count_nonzero(change >= MIN_CHANGE)
    if seen == 0 or seen < edit.min_changed_rate * np.count_nonzero(region.mask):
        return False
    return float(change.sum() / np.count_nonzero(change)) >= edit.min_mean_change


def mix(before: RGBArray, patch: RGBArray, region: EditRegion) -> RGBArray:
    """The crop with the patch laid over it by the region's weight, rounded to whole levels."""
    weight = region.weight[..., None]
    mixed = before + weight * (patch.astype(np.float32) - before)
    rounded: RGBArray = np.floor(mixed + np.float32(0.5)).astype(np.uint8)
    return rounded


def _tight(differs: npt.NDArray[np.bool_], box: PixelBox) -> PixelBox:
    rows, columns = (np.flatnonzero(differs.any(axis=axis)) for axis in (1, 0))
    return PixelBox(
        box.x0 + int(columns[0]),
        box.y0 + int(rows[0]),
        box.x0 + int(columns[-1]) + 1,
        box.y0 + int(rows[-1]) + 1,
    )
