"""Edits that a small model can see at 128 pixels: operators of this folder with bolder settings.

    EDITS["groundsight.synth.edits.bold:TEXT"]

For the demo and the nano base it starts from. The plain settings leave traces that a tower of a
million parameters does not find in some hundred thousand pictures; `STAMP` is only here.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from groundsight.core.seeds import pick
from groundsight.synth.edits.base import Draft, Edit
from groundsight.synth.edits.blur import Blur
from groundsight.synth.edits.colour_bleed import ColourBleed
from groundsight.synth.edits.resample import Resample
from groundsight.synth.edits.text import Text
from groundsight.synth.region import EditRegion
from groundsight.synth.shapes import COLOURS, FORMS, draw_form
from groundsight.vision.images import RGBArray

_OVERSAMPLING = 4


@dataclass(frozen=True, kw_only=True)
class BoldBleed(ColourBleed):
    """A stain that shows at a glance."""

    min_mean_change = 16.0
    tints: tuple[float, float] = (45.0, 90.0)


@dataclass(frozen=True, kw_only=True)
class BoldBlocks(Resample):
    """Blocks of 5 to 9 pixels."""

    min_mean_change = 10.0
    factors: tuple[float, float] = (5.0, 9.0)
    filters: tuple[str, ...] = ("nearest",)


@dataclass(frozen=True, kw_only=True)
class BoldBlur(Blur):
    """Far out of focus."""

    min_mean_change = 8.0
    sigma_rates: tuple[float, float] = (0.1, 0.2)


@dataclass(frozen=True, kw_only=True)
class BoldText(Text):
    """Few and large letters."""

    num_glyphs: tuple[int, int] = (3, 6)


@dataclass(frozen=True, kw_only=True)
class Stamp(Edit):
    """A flat coloured shape over the picture, as of a censor or a logo."""

    name = "stamp"
    tag = "pasted shape"
    captions = (
        "a flat coloured shape covers what was here",
        "a plain shape of one colour lies on the scene, without light or shadow",
        "something was covered with a coloured shape",
        "a coloured shape that belongs to no object here",
    )
    shapes = ("box",)

    def draft(
        self, rgb: RGBArray, region: EditRegion, rng: np.random.Generator, donor: RGBArray | None
    ) -> Draft:
        """Draw one of the shapes of `synth.shapes` over the box, with smooth edges."""
        box = region.box
        colour = pick(rng, tuple(COLOURS))
        form = pick(rng, FORMS)
        large = Image.new("L", (box.width * _OVERSAMPLING, box.height * _OVERSAMPLING), 0)
        corners = (0.0, 0.0, large.width - 1.0, large.height - 1.0)
        draw_form(ImageDraw.Draw(large), form, corners, 255)
        mask = large.resize((box.width, box.height), Image.Resampling.BOX)
        patch = Image.fromarray(region.crop(rgb))
        patch.paste(Image.new("RGB", patch.size, COLOURS[colour]), (0, 0), mask)
        return Draft(np.asarray(patch), {"thing": f"{colour} {form}"})


BLEED, BLOCKS, BLUR, TEXT, STAMP = BoldBleed(), BoldBlocks(), BoldBlur(), BoldText(), Stamp()

TEXT_PATH, BLEED_PATH, STAMP_PATH, BLOCKS_PATH, BLUR_PATH = (
    f"groundsight.synth.edits.bold:{name}" for name in ("TEXT", "BLEED", "STAMP", "BLOCKS", "BLUR")
)
"For `EditSettings.edits`."
BOLD = (TEXT_PATH, BLEED_PATH, STAMP_PATH)
"Those that the demo uses."
HARDER = (BLOCKS_PATH, BLUR_PATH)
"Those that the nano base has met beside them, half as often."
