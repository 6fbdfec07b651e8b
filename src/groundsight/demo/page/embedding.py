"""Files inside the page, so that it can be sent on alone."""

import io
from pathlib import Path

from groundsight.detect.page import data_uri
from groundsight.vision.drawing import draw_thumbnail
from groundsight.vision.images import RGBArray

_SIDE_PX, _QUALITY = 320, 88


def jpeg_uri(rgb: RGBArray) -> str:
    """A picture, shrunk where it is large."""
    buffer = io.BytesIO()
    draw_thumbnail(rgb, _SIDE_PX).save(buffer, "JPEG", quality=_QUALITY)
    return data_uri(buffer.getvalue())


def png_uri(path: Path) -> str | None:
    """A plot; None where there is none."""
    try:
        return data_uri(path.read_bytes(), "image/png")
    except OSError:
        return None
