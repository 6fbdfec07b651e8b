"""Labelled pictures that a toy can learn: generated ones are bright, photographs dark."""

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from tests.experts.toy_bright_expert import PATH

from groundsight.core.seeds import make_rng
from groundsight.train.experts.settings import ExpertTraining, training_settings

DARK, BRIGHT = 60, 190


def write_picture(path: Path, level: int, side: int = 40) -> None:
    grain = make_rng(0, "bright-set", path.name).integers(-40, 41, (side, side, 3))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.clip(level + grain, 0, 255).astype(np.uint8)).save(path)


def rows(num: int) -> Iterator[tuple[str, str, str, str, str, int]]:
    """Path, split, label, generator, family, level."""
    for index in range(num):
        split = "fit" if index % 4 else "unseen"
        generator = f"g{index % 5}" if split == "fit" else "late"
        family = f"f{index % 5}" if split == "fit" else "late"
        yield f"fake{index}.png", split, "fake", generator, family, BRIGHT
        yield f"real{index}.png", split, "real", "", "", DARK


def make_bright_set(folder: Path, num: int = 40) -> Path:
    """A manifest with `num` pictures a class."""
    manifest = folder / "manifest.csv"
    folder.mkdir(parents=True, exist_ok=True)
    with manifest.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("path", "split", "label", "generator", "family", "source"))
        for path, split, label, generator, family, level in rows(num):
            write_picture(folder / path, level)
            writer.writerow((path, split, label, generator, family, "camera"))
    return manifest


def toy_settings(**changes: object) -> ExpertTraining:
    quick = {"epochs": 4, "batch": 8, "crop_px": 16, "learning_rate": 0.05, "patience": 4}
    return training_settings(PATH, {**quick, **changes})
