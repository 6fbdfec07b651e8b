"""How often the invisible watermark is found where it is, and where it is not.

    python benchmarks/watermark.py ../shared/images --json

Reads `manifest.csv` (path, label, generator) of the folder. False alarms: photographs as they are,
re-coded, resized and cropped; every one is a separate try. Hits: each generator's pictures as they
are; and photographs that the encoder marks here, as PNG and through JPEG.
"""

import argparse
import csv
import io
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from groundsight.core.errors import PictureError
from groundsight.forensics.watermark import MIN_PIXELS, PAYLOADS, embed_watermark, find_watermark
from groundsight.vision.images import RGBArray, open_picture

Variant = Callable[[RGBArray], RGBArray]


def jpeg(quality: int, subsampling: int) -> Variant:
    def apply(rgb: RGBArray) -> RGBArray:
        file = io.BytesIO()
        Image.fromarray(rgb).save(file, "JPEG", quality=quality, subsampling=subsampling)
        return np.asarray(Image.open(file))

    return apply


def resize(scale: float) -> Variant:
    def apply(rgb: RGBArray) -> RGBArray:
        size = (round(rgb.shape[1] * scale), round(rgb.shape[0] * scale))
        return np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.LANCZOS))

    return apply


PLAIN: dict[str, Variant] = {
    "as it is": lambda rgb: rgb,
    "JPEG 90 4:2:0": jpeg(90, 2),
    "JPEG 75 4:4:4": jpeg(75, 0),
    "resized ×1.5": resize(1.5),
    "cropped at 8, 8": lambda rgb: rgb[8:, 8:],
    "cropped at 5, 3": lambda rgb: rgb[5:, 3:],
    "mirrored": lambda rgb: rgb[:, ::-1],
}
MARKED: dict[str, Variant] = {
    "PNG": lambda rgb: rgb,
    "crop on the 8-pixel grid": lambda rgb: rgb[16:, 24:],
    "crop off the grid": lambda rgb: rgb[5:, 3:],
    "JPEG 95 4:4:4": jpeg(95, 0),
    "JPEG 85 4:4:4": jpeg(85, 0),
    "JPEG 95 4:2:0": jpeg(95, 2),
    "JPEG 90 4:2:0": jpeg(90, 2),
    "resized ×0.9": resize(0.9),
}


def read_manifest(folder: Path) -> list[dict[str, str]]:
    with (folder / "manifest.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def large_enough(rgb: RGBArray) -> bool:
    return int(rgb.shape[0] * rgb.shape[1]) >= MIN_PIXELS


def load(folder: Path, row: dict[str, str]) -> RGBArray | None:
    try:
        return open_picture(folder / row["path"]).rgb
    except PictureError:
        return None


def false_alarms(folder: Path, rows: list[dict[str, str]]) -> dict[str, Any]:
    tries, alarms = dict.fromkeys(PLAIN, 0), dict.fromkeys(PLAIN, 0)
    for row in rows:
        rgb = load(folder, row)
        if rgb is None:
            continue
        for name, variant in PLAIN.items():
            changed = variant(rgb)
            if large_enough(changed):
                tries[name] += 1
                alarms[name] += find_watermark(changed) is not None
    return {name: {"pictures": tries[name], "alarms": alarms[name]} for name in PLAIN}


def hits(folder: Path, rows: list[dict[str, str]]) -> dict[str, Any]:
    found: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in rows:
        rgb = load(folder, row)
        if rgb is not None and large_enough(rgb):
            match = find_watermark(rgb)
            found[row["generator"]]["pictures"] += 1
            found[row["generator"]][match.payload.name if match else "none"] += 1
    return {
        name: dict(counts)
        for name, counts in found.items()
        if len(counts) > 2 or "none" not in counts
    }


def survival(folder: Path, rows: list[dict[str, str]]) -> dict[str, Any]:
    """Of photographs marked here, the share that still shows the right message."""
    table: dict[str, dict[str, float]] = {}
    pictures = [rgb for row in rows if (rgb := load(folder, row)) is not None and large_enough(rgb)]
    for payload in PAYLOADS:
        marked = [embed_watermark(rgb, payload.bits) for rgb in pictures]
        for name, variant in MARKED.items():
            matches = [find_watermark(variant(rgb)) for rgb in marked]
            good = sum(match is not None and match.payload is payload for match in matches)
            table.setdefault(name, {})[payload.name] = round(good / max(len(pictures), 1), 3)
    return {"pictures": len(pictures), "hit_rate": table}


def seconds_per_megapixel() -> float:
    rgb = np.random.default_rng(0).integers(0, 256, (1024, 1024, 3), dtype=np.uint8)
    find_watermark(rgb)
    start = time.perf_counter()
    for _ in range(10):
        find_watermark(rgb)
    return round((time.perf_counter() - start) / 10, 5)


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("folder", type=Path, help="pictures with a manifest.csv")
    parser.add_argument("--survival", type=int, default=40, help="photographs to mark (default 40)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    rows = read_manifest(options.folder)
    real = [row for row in rows if row["label"] == "real"]
    fake = [row for row in rows if row["label"] == "fake"]
    every = max(len(real) // max(options.survival, 1), 1)
    result = {
        "false_alarms": false_alarms(options.folder, real),
        "hits": hits(options.folder, fake),
        "survival": survival(options.folder, real[::every][: options.survival]),
        "seconds_per_megapixel": seconds_per_megapixel(),
    }
    json.dump(result, sys.stdout, indent=None if options.json else 2)
    print()


if __name__ == "__main__":
    main()
