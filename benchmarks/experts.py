"""How fast experts score many pictures, beside a plain Pillow and torch loop on the same network.

    python benchmarks/experts.py --json
    python benchmarks/experts.py --experts npr --pictures FOLDER --threads 1 4

The plain loop is what official test scripts do: open, centre crop, to a tensor, normalise, the
network, under `no_grad`; picture by picture, and in batches of 32. Ours is `score_many` as
`groundsight experts score` runs it: workers that open and run, batch norms folded, channels last.
All three take turns in one process, with the same files, weights and number of threads; scores must
agree, else the exit status is 1. Weights are fresh: speed does not depend on them.

`CPU` is the ratio of the cores' seconds, which other work on the machine moves less than the wall
clock. The process starts itself again with the memory allocator told to keep what it has (MALLOC_…
variables), where they are not set, so that all sides run under one setting.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from groundsight.data.packed import open_image
from groundsight.data.pictures import find_pictures
from groundsight.demo.photos import find_photos
from groundsight.experts import Expert, build_expert

MOST_DIFFERENCE = 1e-4
"Of a p_fake between the sides: the order of sums differs, nothing else."
EXPERTS = ("npr", "cnnspot")
# Longer side in pixels of the photographs that are saved where no folder is named.
SIDES = (512, 640, 768, 1024)
BATCH = 32
MALLOC = {
    "MALLOC_MMAP_THRESHOLD_": str(1 << 32),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 33),
    "MALLOC_TOP_PAD_": str(1 << 28),
}


def save_photos(folder: Path, num_pictures: int) -> list[str]:
    """JPEG files (quality 90) of the photographs that the demo uses, at mixed sizes."""
    photos = find_photos()
    paths = []
    for index in range(num_pictures):
        picture = Image.open(photos[index % len(photos)]).convert("RGB")
        scale = SIDES[index % len(SIDES)] / max(picture.size)
        width, height = (max(224, round(side * scale)) for side in picture.size)
        paths.append(str(folder / f"{index:03}.jpg"))
        picture.resize((width, height)).save(paths[-1], quality=90)
    return paths


def plain_view(expert: Expert, path: str) -> Any:
    """What official scripts make of a file: (3, 224, 224) float32 in 0..1."""
    import torch

    picture = Image.open(path).convert("RGB")
    view = expert.packed_views(picture)[0]
    return torch.from_numpy(view.transpose(2, 0, 1).copy()).float().div(255)


def plain_loop(expert: Expert, paths: Sequence[str], batch_size: int) -> list[float]:
    """p_fake of each file, one batch after the other."""
    import torch

    p_fake: list[float] = []
    with torch.no_grad():
        for start in range(0, len(paths), batch_size):
            views = [plain_view(expert, path) for path in paths[start : start + batch_size]]
            p_fake += expert.logits(torch.stack(views)).sigmoid().tolist()
    return p_fake


def our_loop(expert: Expert, paths: Sequence[str], workers: int) -> list[float]:
    """p_fake of each file as `groundsight experts score` gets it."""
    from groundsight.experts.scoring import score_many

    def open_one(path: str) -> Image.Image:
        return Image.fromarray(open_image(path).rgb)

    scored = score_many(paths, open_one, {"it": expert}, workers=workers)
    return [outcome.p_fake["it"] for _, outcome in scored]


def take_turns(
    sides: dict[str, Callable[[], list[float]]], repeats: int
) -> dict[str, dict[str, Any]]:
    """Seconds of every side, in turns, so that other work on the machine meets all of them."""
    told: dict[str, dict[str, Any]] = {name: {"seconds": [], "cpu_seconds": []} for name in sides}
    for name, work in sides.items():
        told[name]["p_fake"] = work()  # also pays for what the first call costs
    for _ in range(repeats):
        for name, work in sides.items():
            start, start_cpu = time.perf_counter(), time.process_time()
            work()
            told[name]["seconds"].append(round(time.perf_counter() - start, 3))
            told[name]["cpu_seconds"].append(round(time.process_time() - start_cpu, 3))
    return told


def measure_one(name: str, paths: Sequence[str], threads: int, repeats: int) -> dict[str, Any]:
    """One expert with one number of threads: both plain loops and ours."""
    import torch

    from groundsight.experts.scoring.fast import for_scoring

    expert = build_expert(name, device="cpu")
    fast = for_scoring(expert)
    torch.set_num_threads(threads)
    told = take_turns(
        {
            "plain, one by one": lambda: plain_loop(expert, paths, 1),
            f"plain, batches of {BATCH}": lambda: plain_loop(expert, paths, BATCH),
            "ours": lambda: our_loop(fast, paths, threads),
        },
        repeats,
    )
    said = {side: np.array(numbers.pop("p_fake")) for side, numbers in told.items()}
    return {
        "expert": name,
        "threads": threads,
        "most_difference": float(max(np.abs(one - said["ours"]).max() for one in said.values())),
        "sides": [_row(side, numbers, told["ours"], len(paths)) for side, numbers in told.items()],
    }


def _row(
    side: str, numbers: dict[str, Any], ours: dict[str, Any], num_pictures: int
) -> dict[str, Any]:
    def ratio(key: str) -> float:
        sides = (statistics.median(one[key]) for one in (numbers, ours))
        return float(round(next(sides) / next(sides), 2))

    return {
        "side": side,
        "pictures_per_s": round(num_pictures / statistics.median(numbers["seconds"]), 1),
        "ratio": ratio("seconds"),
        "cpu_ratio": ratio("cpu_seconds"),
        **numbers,
    }


def run(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Everything, as one JSON object."""
    import torch

    if arguments.pictures is None:
        paths = save_photos(folder, arguments.num_pictures)
    else:
        paths = list(find_pictures([arguments.pictures]).paths)[: arguments.num_pictures]
    sizes = [open_image(path) for path in paths]
    return {
        "pictures": str(arguments.pictures or "photographs of the demo, JPEG 90"),
        "num_pictures": len(paths),
        "mean_megapixels": round(float(np.mean([o.width * o.height for o in sizes])) / 1e6, 3),
        "torch": str(torch.__version__),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load_before": os.getloadavg(),
        "malloc": {key: os.environ.get(key) for key in MALLOC},
        "measured": [
            measure_one(name, paths, threads, arguments.repeats)
            for name in arguments.experts
            for threads in arguments.threads
        ],
    }


def print_table(result: dict[str, Any]) -> None:
    """The result for people."""
    print(f"{result['num_pictures']} pictures, {result['mean_megapixels']} megapixels on average")
    print(f"{'expert':<9}{'threads':>8}  {'side':<22}{'pictures/s':>11}{'ratio':>7}{'CPU':>7}")
    for one in result["measured"]:
        for row in one["sides"]:
            rates = f"{row['pictures_per_s']:>11}{row['ratio']:>7}{row['cpu_ratio']:>7}"
            print(f"{one['expert']:<9}{one['threads']:>8}  {row['side']:<22}{rates}")


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--experts", nargs="+", default=list(EXPERTS), help="that show crops")
    parser.add_argument("--pictures", type=Path, help="folder; by default photographs are saved")
    parser.add_argument("--num-pictures", type=int, default=64)
    parser.add_argument("--threads", type=int, nargs="+", default=[os.cpu_count() or 1])
    parser.add_argument("--repeats", type=int, default=3, help="the median counts")
    parser.add_argument("--json", action="store_true", help="indented JSON instead of a table")
    return parser.parse_args(arguments)


def restart_with_malloc() -> None:
    """Start this process again with the allocator's settings; the C library reads them once."""
    if not all(key in os.environ for key in MALLOC):
        program = [sys.executable, *sys.orig_argv[1:]]
        os.execve(sys.executable, program, MALLOC | os.environ)


def main() -> int:
    arguments = parse_arguments()
    restart_with_malloc()
    with tempfile.TemporaryDirectory() as folder:
        result = run(arguments, Path(folder))
    if arguments.json:
        print(json.dumps(result, indent=2))
    else:
        print_table(result)
    apart = max(one["most_difference"] for one in result["measured"])
    return 1 if apart > MOST_DIFFERENCE else 0


if __name__ == "__main__":
    sys.exit(main())
