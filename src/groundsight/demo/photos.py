"""Photographs that ship inside scikit-image and scikit-learn, and the user's own; no download.

The files are found beside the packages, which are not imported: `skimage.data` would offer to
download what it does not ship.
"""

from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from groundsight.core.errors import UsageError
from groundsight.data.pictures import find_pictures
from groundsight.data.run_folder import told

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


def all_photos(own: Sequence[Path] = ()) -> tuple[str, ...]:
    """The demo's photographs, then the user's own.

    Args:
        own: files, folders or globs; with them the packages of the others may be missing.

    Raises:
        UsageError: there are none, or a path is none.
    """
    found = find_pictures([str(path) for path in own]).paths if own else ()
    try:
        shipped = tuple(map(str, find_photos()))
    except UsageError:
        if not found:
            raise
        shipped = ()
    return tuple(dict.fromkeys((*shipped, *found)))


@cache
def photos_digest(own: tuple[Path, ...]) -> str:
    """Of the contents of `all_photos`, in order.

    Raises:
        UsageError: as `all_photos`, or one cannot be read.
    """
    digest = sha256()
    for path in map(Path, all_photos(own)):
        with told(path):
            digest.update(sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _folder(package: str, inside: str) -> Path | None:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / inside
