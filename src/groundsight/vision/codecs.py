"""How a picture is written, and what it looks like once it was.

data = encode(rgb, Codec(format="jpeg", quality=85, subsampling="4:2:0"))
seen = recode(image, Codec(format="webp", quality=75))
"""

import io
from dataclasses import asdict, dataclass
from typing import Literal

from PIL import Image

from groundsight.vision.images import RGBArray

Format = Literal["jpeg", "png", "webp"]
FORMATS: tuple[Format, ...] = ("jpeg", "png", "webp")
_SUFFIXES = {"jpeg": ".jpg", "png": ".png", "webp": ".webp"}
LONGEST_SIDE: dict[Format, int] = {"jpeg": 65_500, "png": 2**31 - 1, "webp": 16_383}
"Pixels that a file of the format can have, by the encoders."
FAST_WEBP, USUAL_WEBP = 2, 4
"Encoder's effort, 0 to 6; 4 is what Pillow and most servers use."


@dataclass(frozen=True, kw_only=True)
class Codec:
    """One way to write a picture.

    Args:
        format: file format.
        quality: 1 to 100; None for PNG, which loses nothing.
        subsampling: of JPEG's chroma, "4:4:4", "4:2:2" or "4:2:0"; None: the encoder's choice.
    """

    format: Format
    quality: int | None = None
    subsampling: str | None = None

    @property
    def suffix(self) -> str:
        """Of file names, with the dot."""
        return _SUFFIXES[self.format]

    def as_record(self) -> dict[str, str | int | None]:
        """For manifests."""
        return asdict(self)


def encode(picture: RGBArray | Image.Image, codec: Codec, *, webp_effort: int = FAST_WEBP) -> bytes:
    """The file's bytes; no metadata, so that nothing but pixels tells two pictures apart.

    Args:
        picture: (height, width, 3) uint8, or an RGB image.
        codec: how it is written.
        webp_effort: of WebP's encoder; smaller files, but not better ones, for more time.
    """
    file = io.BytesIO()
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    if codec.format == "png":
        image.save(file, "PNG", compress_level=1)  # higher levels cost twice the time for 5%
    elif codec.format == "webp":
        image.save(file, "WEBP", quality=codec.quality, method=webp_effort)
    else:
        chroma = {} if codec.subsampling is None else {"subsampling": codec.subsampling}
        image.save(file, "JPEG", quality=codec.quality, **chroma)
    return file.getvalue()


def recode(image: Image.Image, codec: Codec) -> Image.Image:
    """The RGB picture that comes back once `image` was written and read."""
    data = encode(image, codec, webp_effort=USUAL_WEBP)
    return Image.open(io.BytesIO(data)).convert("RGB")
