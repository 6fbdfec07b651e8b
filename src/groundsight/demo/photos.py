"""Photographs that ship inside scikit-image and scikit-learn; nothing is downloaded.

The files are found beside the packages, which are not imported: `skimage.data` would offer to
download what it does not ship.
"""

from importlib.util import find_spec
from pathlib import Path

from groundsight.core.errors import UsageError

# Photographs among the files that the wheels carry; the rest are drawings, scans and textures.
PHOTOS = {
    ("skimage", "data"): (
        *("astronaut.png", "camera.png", "chelsea.png", "clock_motion.png", "coffee.png"),
        *("motorcycle_left.png", "rocket.jpg", "hubble_deep_field.jpg", "retina.jpg"),
    ),
    ("sklearn", "datasets/images"): ("china.jpg", "flower.jpg"),
}


def find_photos() -> list[Path]:
    """The photographs that are there, in a fixed order.

    Raises:
        UsageError: neither package is installed, or none of its photographs is there.
    """
    photos = [
        folder / name
        for (package, inside), names in PHOTOS.items()
        if (folder := _folder(package, inside))
        for name in names
        if (folder / name).is_file()
    ]
    if not photos:
        raise UsageError(
            "the demo's photographs ship inside two packages: pip install scikit-image "
            "scikit-learn, or name a folder of your own with --photos DIR"
        )
    return photos


def _folder(package: str, inside: str) -> Path | None:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / inside
