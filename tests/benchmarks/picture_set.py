"""A handful of made pictures with a manifest, and the weights that benchmarks are run with."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from groundsight.core.seeds import make_rng
from groundsight.forensics.signal.weights import ARRAYS_FILE, HERE

needs_weights = pytest.mark.skipif(
    not (HERE / ARRAYS_FILE).is_file(), reason="the signal expert's weights are not shipped"
)
COLUMNS = ("path", "split", "label", "generator", "family", "source")
UNREADABLE = "real/broken.png"


def make_picture_set(folder: Path, per_class: int = 4, side: int = 192) -> Path:
    """Photographs stand-ins: full-band texture; generated ones: doubled in size. Its manifest."""
    rows = []
    for index in range(per_class):
        rng = make_rng(0, "picture-set", index)
        sharp = Image.fromarray(rng.integers(0, 256, (side, side, 3), dtype=np.uint8))
        small = sharp.resize((side // 2, side // 2), Image.Resampling.BILINEAR)
        made = small.resize((side, side), Image.Resampling.BICUBIC)
        kind = f"kind{index % 2}"
        rows += [
            _save(folder, sharp, f"real/{index}.png", ("unseen", "real", "", "", kind)),
            _save(folder, made, f"fake/{index}.png", ("unseen", "fake", f"v{index}", kind, kind)),
            _save(folder, made, f"fake/fit{index}.png", ("fit", "fake", "v", kind, kind)),
        ]
    (folder / UNREADABLE).write_bytes(b"no picture")
    rows.append((UNREADABLE, "unseen", "real", "", "", "kind0"))
    manifest = folder / "manifest.csv"
    with manifest.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    return manifest


def _save(folder: Path, image: Image.Image, name: str, row: tuple[str, ...]) -> tuple[str, ...]:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    image.save(path)
    return (name, *row)
