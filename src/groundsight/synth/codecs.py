"""How a picture is to be written, drawn once for both pictures of a pair.

codec = draw_codec(make_rng(0), ("jpeg", "png", "webp"), (70, 98))
data = encode(rgb, codec)         # the same call for the real and the edited picture
"""

import numpy as np

from groundsight.core.errors import UsageError
from groundsight.core.seeds import pick
from groundsight.vision.codecs import FORMATS, Codec, Format

_SUBSAMPLINGS = ("4:4:4", "4:2:0")


def parse_formats(names: str) -> tuple[Format, ...]:
    """Formats from "jpeg,png".

    Raises:
        UsageError: a name that is none of `FORMATS`.
    """
    given = [name.strip().lower().replace("jpg", "jpeg") for name in names.split(",")]
    known: dict[str, Format] = {name: name for name in FORMATS}
    unknown = [name for name in given if name not in known]
    if unknown:
        raise UsageError(f"pictures are written as {', '.join(FORMATS)}; got {unknown[0]!r}")
    return tuple(dict.fromkeys(known[name] for name in given))


def draw_codec(
    rng: np.random.Generator, formats: tuple[Format, ...], qualities: tuple[int, int]
) -> Codec:
    """Draw a format, and where it loses something its quality, both ends included."""
    fmt = pick(rng, formats)
    quality = int(rng.integers(qualities[0], qualities[1] + 1))
    subsampling = pick(rng, _SUBSAMPLINGS)
    if fmt == "png":
        return Codec(format=fmt)
    if fmt == "webp":
        return Codec(format=fmt, quality=quality)
    return Codec(format=fmt, quality=quality, subsampling=subsampling)
