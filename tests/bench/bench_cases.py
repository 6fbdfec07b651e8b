"""Small benchmarks to run: grey squares that the toy engine judges by brightness, and questions."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from groundsight.bench.records import RunFile, ScoreLine, read_scores
from groundsight.bench.run import Job, start_bench

TOY = "tests.detect.toy_engine:make_toy"
GREYS = {"real": (10, 50, 90, 140), "fake": (240, 200, 160, 100)}
RIGHT = 6  # of eight: the toy says generated from 128 on


def grey(path: Path, level: int, size: tuple[int, int] = (40, 30)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((size[1], size[0], 3), level, dtype=np.uint8)).save(path)
    return path


def grey_folder(folder: Path) -> Path:
    """real/ and fake/ with four squares each."""
    for label, levels in GREYS.items():
        for level in levels:
            grey(folder / label / f"{level:03d}.png", level)
    return folder


def job_of(data: Path, out: Path, **more: Any) -> Job:
    given: dict[str, Any] = {"suite": "folder", "engine": TOY, "num_workers": 1} | more
    return Job(data=data, out=out, **given)


def run_all(job: Job) -> RunFile:
    with start_bench(job) as run:
        for _ in run:
            pass
        return run.finish()


def run_some(job: Job, num: int) -> RunFile:
    """Stopped from outside after so many samples."""
    with start_bench(job) as run:
        for number, _ in enumerate(run, start=1):
            if number == num:
                break
        return run.finish(interrupted=True)


def keys_of(out: Path) -> list[tuple[str, str]]:
    return [line.key for line in read_scores(out)]


def by_id(out: Path, perturbation: str = "none") -> dict[str, ScoreLine]:
    return {line.score.id: line for line in read_scores(out, perturbation)}


def write_recording(path: Path, replies: Mapping[str, str], frame: str = "xyxy_px") -> Path:
    head = {"recording": {"dialect": {"frame": frame}, "engine": "test"}}
    lines = [head, *({"id": name, "text": text} for name, text in replies.items())]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def mig_folder(folder: Path, rows: Sequence[Mapping[str, Any]] = ()) -> Path:
    """Two questions over two pictures of 80×60; the box is in the second."""
    for name in ("a.png", "b.png"):
        grey(folder / name, 128, (80, 60))
    base = {
        "task": "common",
        "question": "What Image-1 shows: find it in Image-2.",
        "images": ["a.png", "b.png"],
        "answer": [0.25, 0.25, 0.75, 0.75],
        "need_format": True,
        "additional_info": "",
    }
    every = rows or [base, base | {"question": "The other one of Image-1: find it in Image-2."}]
    path = folder / "MIG_data.json"
    path.write_text(json.dumps([base | dict(row) for row in every]), encoding="utf-8")
    return path
