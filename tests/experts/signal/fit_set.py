"""A dozen made pictures with a manifest: what the fitting of the signal expert is tried on."""

import csv
from pathlib import Path

import numpy as np
from PIL import Image

from groundsight.core.seeds import make_rng
from groundsight.experts.signal.pictures import FitPicture

DARK, BRIGHT = 30, 225  # real pictures are dark, generated ones bright: no codec hides which


def make_picture(level: int, name: str, side: int = 200) -> Image.Image:
    """Grain around a grey value."""
    grain = make_rng(0, "fit-set", name).integers(-15, 16, (side, side, 3))
    return Image.fromarray((level + grain).astype(np.uint8))


def make_pair(folder: Path) -> tuple[FitPicture, FitPicture]:
    """A real picture and a generated one."""
    real, fake = folder / "real.png", folder / "fake.png"
    make_picture(DARK, "real", 400).save(real)
    make_picture(BRIGHT, "fake", 300).save(fake)
    return (
        FitPicture(path=real, key="real.png", label=0, group="camera"),
        FitPicture(path=fake, key="fake.png", label=1, group="gan"),
    )


def make_manifest(folder: Path, num_real: int = 12, num_families: int = 4) -> Path:
    """The manifest of pictures as `read_manifest` wants them; each family has two pictures."""
    rows = []
    for index in range(num_real):
        name = f"real{index}.png"
        make_picture(DARK, name).save(folder / name)
        rows.append((name, "fit", "real", "", f"camera{index % 3}"))
    for index in range(2 * num_families):
        name = f"fake{index}.png"
        make_picture(BRIGHT, name).save(folder / name)
        rows.append((name, "fit", "fake", f"family{index // 2}", f"set{index % 2}"))
    make_picture(DARK, "unseen").save(folder / "unseen.png")
    rows.append(("unseen.png", "unseen", "real", "", "camera0"))
    manifest = folder / "manifest.csv"
    with manifest.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("path", "split", "label", "family", "source"), *rows])
    return manifest
