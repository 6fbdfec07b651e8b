"""`bench run` over recorded replies: seconds and peak memory; a detection and a grounding suite.

    python benchmarks/bench_run.py --json
    python benchmarks/bench_run.py --num 2000 --num 10000 --suite mig_bench

Each run is the command in a process of its own, from reading the annotations to the figures with
their intervals, without the report (`--report` adds it). Replies are the gold ones; every eighth is
of another sample, every twentieth is no answer. Pictures are files of their own name: hard links to
sixteen JPEGs of 800×600.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from groundsight.core.seeds import make_rng
from groundsight.core.types import Sample
from groundsight.replies.dialect import Dialect
from groundsight.suites import SUITES
from groundsight.tasks import TASKS
from groundsight.tasks.base import with_sizes
from groundsight.vision.frames import PictureSize

SIZE = PictureSize(800, 600)
NUM_FILES = 16
SUITES_RUN = ("fakexplained", "mig_bench")
DIALECT = Dialect.of("qwen2_5_vl")
MIG_TASKS = ("static_diff", "robust_diff", "common", "group_grounding")
NONSENSE = "I would rather not say."


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One run.

    Args:
        suite: that was run.
        num: samples.
        seconds: of the whole command, by the clock.
        cpu_s: of the processor; on a busy machine the fairer number.
        peak_mb: the most memory that its process had at once.
        headline: the figure that came out.
    """

    suite: str
    num: int
    seconds: float
    cpu_s: float
    peak_mb: float
    headline: float


def make_pictures(folder: Path) -> list[Path]:
    """Noise, blurred by being enlarged, so that a JPEG of it is of usual size."""
    made = []
    for number in range(NUM_FILES):
        small = make_rng(number, "picture").integers(0, 256, (75, 100, 3), dtype=np.uint8)
        path = folder / f"source-{number:02d}.jpg"
        Image.fromarray(small).resize(SIZE, Image.Resampling.BICUBIC).save(path, quality=90)
        made.append(path)
    return made


def write_data(suite: str, num: int, folder: Path) -> Path:
    """Annotations of `num` samples in the suite's own layout, with a file for each picture."""
    sources = make_pictures(folder)
    rng = make_rng(0, "boxes")
    rows = []
    for number in range(num):
        x, y = rng.integers(0, 300, 2).tolist()
        width, height = rng.integers(40, 280, 2).tolist()
        box = [x, y, x + width, y + height]
        names = [f"{number:06d}-{place}.jpg" for place in range(1 + (suite == "mig_bench"))]
        for place, name in enumerate(names):
            os.link(sources[(number + place) % NUM_FILES], folder / name)
        rows.append(
            _mig_row(number, names, box) if suite == "mig_bench" else _fake_row(number, names, box)
        )
    path = folder / ("MIG_data.json" if suite == "mig_bench" else "annotations.json")
    path.write_text(json.dumps(rows), encoding="utf-8")
    return path


def _fake_row(number: int, names: Sequence[str], box: Sequence[int]) -> dict[str, Any]:
    if number % 2:
        return {"image": names[0], "label": "real"}
    regions = [{"box": list(box), "caption": "the hand has six fingers"}]
    return {
        "image": names[0],
        "label": "fake",
        "generator": ("flux", "sdxl")[number % 4 // 2],
        "regions": regions,
        "tags": ["anatomy"],
    }


def _mig_row(number: int, names: Sequence[str], box: Sequence[int]) -> dict[str, Any]:
    x0, y0, x1, y1 = box
    return {
        "task": MIG_TASKS[number % len(MIG_TASKS)],
        "question": "What Image-1 shows: find it in Image-2.",
        "images": list(names),
        "answer": [x0 / SIZE.width, y0 / SIZE.height, x1 / SIZE.width, y1 / SIZE.height],
        "need_format": True,
        "additional_info": "Image-2",
    }


def write_replies(suite: str, data: Path, path: Path) -> None:
    """A recording: the gold replies, some of another sample, some no answer."""
    with path.open("w", encoding="utf-8") as file:
        head = {"dialect": {"frame": DIALECT.frame}, "engine": "gold"}
        file.write(json.dumps({"recording": head}) + "\n")
        last = NONSENSE
        for number, sample in enumerate(_samples(suite, data)):
            gold = TASKS[sample.task].gold_reply(sample, DIALECT)
            text = NONSENSE if number % 20 == 19 else last if number % 8 == 7 else gold
            file.write(json.dumps({"id": sample.id, "text": text}) + "\n")
            last = gold


def _samples(suite: str, data: Path) -> Iterator[Sample]:
    for sample in SUITES[suite].samples(data):
        yield with_sizes(sample, [SIZE] * len(sample.images))


def run_once(suite: str, data: Path, replies: Path, out: Path, *, report: bool) -> Measured:
    """The command in a process of its own."""
    command = [sys.executable, __file__, "--child", "--"]
    command += ["bench", "run", suite, "--data", str(data), "--engine", f"replay:{replies}"]
    command += ["--out", str(out), "--format", "json", "--report" if report else "--no-report"]
    start, cpu_start = time.perf_counter(), _cpu_of_children()
    done = subprocess.run(command, capture_output=True, text=True)
    seconds, cpu_s = time.perf_counter() - start, _cpu_of_children() - cpu_start
    if done.returncode != 0:
        raise RuntimeError(f"the run ended with {done.returncode}: {done.stderr[-2000:]}")
    record = json.loads(done.stdout)
    peak = float(done.stderr.strip().splitlines()[-1].removeprefix("peak_mb "))
    headline = record["figures"]["none"][0]["value"]
    return Measured(
        suite=suite,
        num=sum(record["num_scored"].values()),
        seconds=round(seconds, 2),
        cpu_s=round(cpu_s, 2),
        peak_mb=round(peak, 1),
        headline=round(headline, 4),
    )


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(suites: Sequence[str], nums: Sequence[int], *, report: bool) -> list[Measured]:
    """Every suite at every size.

    Raises:
        RuntimeError: a run did not score all of its samples.
    """
    found = []
    for suite in suites:
        for num in nums:
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                data = write_data(suite, num, folder)
                replies = folder / "replies.jsonl"
                write_replies(suite, data, replies)
                one = run_once(suite, data, replies, folder / "out", report=report)
            if one.num != num:
                raise RuntimeError(f"{suite}: {one.num} of {num} samples were scored")
            found.append(one)
    return found


def run_child(arguments: Sequence[str]) -> None:
    """Run the command in this process, then say how much memory it took."""
    from benchmarks.samples import peak_mb

    from groundsight.cli.app import main as groundsight

    try:
        groundsight(list(arguments))
    finally:
        print(f"peak_mb {peak_mb():.1f}", file=sys.stderr)


def main() -> None:
    sys.path.insert(0, str(Path(__file__).parents[1]))
    if "--child" in sys.argv:
        run_child(sys.argv[sys.argv.index("--") + 1 :])
        return
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--num", type=int, action="append", help="samples (2000 and 10000)")
    parser.add_argument("--suite", action="append", choices=SUITES_RUN, help="default: both")
    parser.add_argument("--report", action="store_true", help="write the report, too")
    parser.add_argument("--json", action="store_true", help="one line of JSON")
    options = parser.parse_args()
    found = measure(
        options.suite or SUITES_RUN, options.num or [2000, 10_000], report=options.report
    )
    if options.json:
        print(json.dumps({"runs": [asdict(one) for one in found]}))
        return
    for one in found:
        print(
            f"{one.suite:<14}{one.num:>8,} replies{one.seconds:>8.1f} s"
            f"{one.cpu_s:>8.1f} s CPU{one.peak_mb:>8.0f} MB peak"
            f"   headline {one.headline:.4f}"
        )


if __name__ == "__main__":
    main()
