"""How often each laundering sign is raised on photographs, and on what is re-shipped here.

    python benchmarks/laundering.py ../shared/images --json

Reads `manifest.csv` (path, label, split) of the folder. The photographs' own past is unknown: some
alarms on them are true. `once` codes copies whose past is known (resized ×0.83, which wipes an
earlier JPEG's blocks) a single time; every `earlier-jpeg` there is false.
"""

import argparse
import csv
import io
import json
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from groundsight.forensics.finding import Says
from groundsight.forensics.laundering import read_laundering
from groundsight.vision.images import RGBArray, decode_picture, open_picture

SINGLE: tuple[int | None, ...] = (None, 95, 90, 85, 80, 75)
DOUBLE: tuple[tuple[int, int | None], ...] = (
    (50, 75), (60, None), (60, 95), (60, 85), (70, 90), (75, None), (75, 95), (75, 90), (75, 85),
    (85, None), (85, 95), (80, 75), (95, 80),
)  # fmt: skip
SCALES = (0.5, 0.75, 1.1, 1.25, 1.33, 1.5, 2.0)


def save(rgb: RGBArray, quality: int | None) -> bytes:
    file = io.BytesIO()
    picture = Image.fromarray(rgb)
    if quality is None:
        picture.save(file, "PNG", compress_level=1)
    else:
        picture.save(file, "JPEG", quality=quality)
    return file.getvalue()


def resize(rgb: RGBArray, scale: float) -> RGBArray:
    size = (round(rgb.shape[1] * scale), round(rgb.shape[0] * scale))
    return np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.BICUBIC))


def signs(data: bytes) -> list[str]:
    return [finding.evidence.name for finding in read_laundering(decode_picture(data))]


def rate(names: list[list[str]], sign: str) -> float:
    return round(sum(sign in found for found in names) / max(len(names), 1), 3)


def as_they_are(folder: Path, rows: list[dict[str, str]]) -> dict[str, Any]:
    counts: Counter[str] = Counter()
    for row in rows:
        findings = read_laundering(open_picture(folder / row["path"]))
        counts.update(finding.evidence.name for finding in findings)
        counts["any that says laundered"] += any(f.says is Says.LAUNDERED for f in findings)
    return {"pictures": len(rows), **dict(sorted(counts.items()))}


def label(first: int | None, last: int | None = 0) -> str:
    name = "PNG" if first is None else f"JPEG {first}"
    return name if last == 0 else f"{name} → {'PNG' if last is None else f'JPEG {last}'}"


def once(pictures: list[RGBArray]) -> dict[str, float]:
    clean = [resize(rgb, 0.83) for rgb in pictures]
    return {label(q): rate([signs(save(rgb, q)) for rgb in clean], "earlier-jpeg") for q in SINGLE}


def twice(pictures: list[RGBArray], cut: tuple[int, int] = (0, 0)) -> dict[str, float]:
    table: dict[str, float] = {}
    clean = [resize(rgb, 0.83) for rgb in pictures]
    for first, last in DOUBLE:
        before = [decode_picture(save(rgb, first)).rgb[cut[1] :, cut[0] :] for rgb in clean]
        again = [signs(save(np.ascontiguousarray(rgb), last)) for rgb in before]
        table[label(first, last)] = rate(again, "earlier-jpeg")
    return table


def scaled(pictures: list[RGBArray]) -> dict[str, dict[str, float]]:
    return {
        f"×{scale}": {
            label(q): rate([signs(save(resize(rgb, scale), q)) for rgb in pictures], "enlarged")
            for q in (None, 95, 85)
        }
        for scale in SCALES
    }


def seconds_per_megapixel(pictures: list[RGBArray]) -> float:
    rgb = np.asarray(Image.fromarray(pictures[0]).resize((1024, 1024)))
    picture = decode_picture(save(rgb, 90))
    start = time.perf_counter()
    for _ in range(10):
        read_laundering(picture)
    return round((time.perf_counter() - start) / 10, 5)


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("folder", type=Path, help="pictures with a manifest.csv")
    parser.add_argument("--split", default="unseen", help="which split to measure on")
    parser.add_argument("--pictures", type=int, default=60, help="photographs to re-ship")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    with (options.folder / "manifest.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == options.split]
    real = [row for row in rows if row["label"] == "real"]
    chosen = real[:: max(len(real) // options.pictures, 1)][: options.pictures]
    pictures = [open_picture(options.folder / row["path"]).rgb for row in chosen]
    result = {
        "split": options.split,
        "photographs as they are": as_they_are(options.folder, real),
        "AI pictures as they are": as_they_are(options.folder, [r for r in rows if r not in real]),
        "re-shipped photographs": len(pictures),
        "earlier-jpeg after one compression (false)": once(pictures),
        "earlier-jpeg after two": twice(pictures),
        "earlier-jpeg after two, cut by 5, 3 between": twice(pictures, (5, 3)),
        "enlarged": scaled(pictures),
        "seconds_per_megapixel": seconds_per_megapixel(pictures),
    }
    json.dump(result, sys.stdout, indent=None if options.json else 1, ensure_ascii=False)
    print()


if __name__ == "__main__":
    main()
