"""How fast `groundsight detect` is: pictures a second by workers, cold start, memory.

    python benchmarks/detect_throughput.py --json
    python benchmarks/detect_throughput.py --workers 1,2,4 --num-pictures 48 --engine builtin

The pictures are 1-megapixel JPEGs made from seeds (blurred noise over gradients, so that they
have texture at every scale), or those of `--pictures DIR`. Every number of workers gets the same
list, and the clock of the rate starts when all of them are ready and warm; what their start costs
is told apart.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from groundsight.core.cores import num_cores
from groundsight.core.seeds import make_rng
from groundsight.data.pictures import find_pictures
from groundsight.detect.examiner import Setup
from groundsight.detect.pool import Pool
from groundsight.detect.worker import ONE_THREAD

PROGRAM = "from groundsight.cli.app import main; main()"
SIDE_PX = (1152, 896)  # 1.03 megapixels


def make_pictures(folder: Path, num_pictures: int, seed: int = 0) -> list[str]:
    """Write JPEGs of about one megapixel, quality 90, all different."""
    paths = []
    for index in range(num_pictures):
        path = folder / f"{index:05}.jpg"
        _make_picture(seed, index).save(path, quality=90)
        paths.append(str(path))
    return paths


def _make_picture(seed: int, index: int) -> Image.Image:
    rng = make_rng(seed, "throughput", index)
    width, height = SIDE_PX
    layers = np.zeros((height, width, 3))
    for radius, weight in ((0, 12.0), (2, 60.0), (12, 300.0), (48, 1200.0)):
        noise = rng.normal(128, 40, (height, width, 3)).clip(0, 255).astype(np.uint8)
        blurred = Image.fromarray(noise).filter(ImageFilter.GaussianBlur(radius))
        layers += weight / 40.0 * (np.asarray(blurred, dtype=np.float64) - 128.0)
    slope = np.linspace(-40, 40, width)[None, :, None] * rng.uniform(-1, 1, (1, 1, 3))
    return Image.fromarray((128.0 + layers + slope).clip(0, 255).astype(np.uint8))


def measure_rate(setup: Setup, paths: Sequence[str], num_workers: int) -> dict[str, float]:
    """Pictures a second over the whole list, in worker processes of one thread each."""
    start = time.perf_counter()
    with Pool(setup, num_workers=num_workers) as pool:
        pool.wait_until_ready()
        for _ in pool.map(list(paths)[: 2 * num_workers]):
            pass  # what the first picture costs a worker is paid here
        ready = time.perf_counter()
        cpu_s = sum(report.timing_s for report in pool.map(paths))
        wall_s = time.perf_counter() - ready
    rate = len(paths) / wall_s
    return {
        "num_workers": num_workers,
        "pictures_per_s": round(rate, 3),
        "pictures_per_s_per_worker": round(rate / num_workers, 3),
        "mean_picture_s": round(cpu_s / len(paths), 4),
        "start_s": round(ready - start, 3),
    }


def measure_cold_start(engine: str, path: str, repeats: int = 5) -> dict[str, float]:
    """Seconds from the start of a fresh process to its exit, for one picture."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, "-c", PROGRAM, "detect", path, "--engine", engine],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        times.append(time.perf_counter() - start)
    return {"best_s": round(min(times), 3), "median_s": round(sorted(times)[repeats // 2], 3)}


def measure_memory(engine: str, paths: Sequence[str], num_pictures: int) -> dict[str, Any]:
    """Resident memory of one process while it examines `num_pictures`, at ten points."""
    code = (
        "import sys, json\n"
        "from groundsight.detect.examiner import Examiner, Setup\n"
        "engine, num, paths = sys.argv[1], int(sys.argv[2]), sys.argv[3:]\n"
        "examiner = Examiner(Setup(engine=engine))\n"
        "seen = []\n"
        "for index in range(num):\n"
        "    examiner.examine(paths[index % len(paths)]).to_json_line()\n"
        "    if (index + 1) % max(1, num // 10) == 0:\n"
        "        pages = int(open('/proc/self/statm').read().split()[1])\n"
        "        seen.append(round(pages * 4096 / 2**20, 1))\n"
        "print(json.dumps(seen))\n"
    )
    arguments = [sys.executable, "-c", code, engine, str(num_pictures), *paths]
    done = subprocess.run(
        arguments, check=True, capture_output=True, text=True, env=os.environ | ONE_THREAD
    )
    seen = json.loads(done.stdout)
    return {
        "num_pictures": num_pictures,
        "rss_mib": seen,
        "growth_mib": round(seen[-1] - seen[1], 1),
    }


def measure(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Everything, as one JSON object."""
    if arguments.pictures:
        paths = list(find_pictures([arguments.pictures]).paths)[: arguments.num_pictures]
    else:
        paths = make_pictures(folder, arguments.num_pictures)
    setup = Setup(engine=arguments.engine)
    result: dict[str, Any] = {
        "engine": arguments.engine,
        "num_pictures": len(paths),
        "megapixels_each": None if arguments.pictures else SIDE_PX[0] * SIDE_PX[1] / 1e6,
        "num_cores": num_cores(),
        "load_before": os.getloadavg(),
        "python": platform.python_version(),
        "cold_start": measure_cold_start(arguments.engine, paths[0]),
        "rates": [measure_rate(setup, paths, n) for n in arguments.workers],
    }
    rates = {row["num_workers"]: row["pictures_per_s"] for row in result["rates"]}
    most, least = max(rates), min(rates)
    result["efficiency"] = round(rates[most] / rates[least] * least / most, 3)
    if arguments.memory:
        result["memory"] = measure_memory(arguments.engine, paths[:50], arguments.memory)
    return result


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--engine", default="builtin")
    parser.add_argument("--pictures", type=Path, help="a folder instead of made pictures")
    parser.add_argument("--num-pictures", type=int, default=40)
    parser.add_argument(
        "--workers",
        type=lambda text: [int(part) for part in text.split(",")],
        default=sorted({1, num_cores()}),
        help="numbers of workers, e.g. 1,2,4",
    )
    parser.add_argument("--memory", type=int, default=200, help="pictures to watch; 0 for none")
    parser.add_argument("--json", action="store_true", help="indented JSON instead of lines")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    with tempfile.TemporaryDirectory() as folder:
        result = measure(arguments, Path(folder))
    if arguments.json:
        print(json.dumps(result, indent=2))
    else:
        for name, value in result.items():
            print(f"{name}: {value}")


if __name__ == "__main__":
    main()
