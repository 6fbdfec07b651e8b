"""Photographs for the tests of pretraining: noise and ramps, with detail that edits can take."""

from pathlib import Path

import numpy as np
from PIL import Image

from groundsight.synth.photos import Photo, scan_photos


def write_photos(folder: Path, count: int = 3, side: int = 160) -> tuple[Photo, ...]:
    """Some textured pictures, scanned."""
    folder.mkdir(exist_ok=True)
    for number in range(count):
        rng = np.random.default_rng(number)
        coarse = rng.integers(0, 256, size=(20, 20, 3), dtype=np.uint8)
        large = Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC)
        grain = rng.integers(-20, 21, size=(side, side, 3))
        rgb = np.clip(np.asarray(large).astype(int) + grain, 0, 255).astype(np.uint8)
        Image.fromarray(rgb).save(folder / f"{number}.png")
    return scan_photos([str(path) for path in sorted(folder.glob("*.png"))]).photos
