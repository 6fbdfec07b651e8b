"""Edits that a small model can see at 128 pixels: operators of this folder with bolder settings.

    EDITS["groundsight.synth.edits.bold:TEXT"]

For the demo and the nano base it starts from. The plain settings leave traces that a tower of a
million parameters does not find in some hundred thousand pictures; nothing else is different.
"""

from dataclasses import dataclass

from groundsight.synth.edits.blur import Blur
from groundsight.synth.edits.colour_bleed import ColourBleed
from groundsight.synth.edits.resample import Resample
from groundsight.synth.edits.text import Text


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


BLEED, BLOCKS, BLUR, TEXT = BoldBleed(), BoldBlocks(), BoldBlur(), BoldText()

_HERE = "groundsight.synth.edits.bold"
BOLD = tuple(f"{_HERE}:{name}" for name in ("TEXT", "BLEED", "BLOCKS", "BLUR"))
"For `EditSettings.edits`."
