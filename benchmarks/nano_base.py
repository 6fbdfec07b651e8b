"""What the nano base is worth: the demo from it, for several seeds, and what the tower sees.

    python benchmarks/nano_base.py --out nano-base --seeds 0,1,2 --json
    python benchmarks/nano_base.py --out two --base BASE --task multi_image_grounding

Each seed splits the demo's photographs anew; nothing was pretrained on any of them. Tells accuracy,
IoU, parse rate and reward of base, SFT and GRPO on held-out photographs, and whether each stage
beats the one before. A seed that is finished is not run again; one that was cut short goes on.
Writes `nano_base.json`; `--json` prints it.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

STAGES = ("base", "sft", "grpo")
METRICS = ("accuracy", "iou", "parse_rate", "reward")
AIMS = {"accuracy": 0.85, "iou": 0.35}


def run_seed(out: Path, seed: int, *, task: str, base: Path | None, size: str) -> dict[str, Any]:
    """The demo's `metrics.json` of one seed."""
    from groundsight.demo.finish import METRICS_FILE
    from groundsight.demo.outline import run_demo
    from groundsight.demo.settings import DemoSettings

    settings = DemoSettings.model_validate({"task": task, "seed": seed, "base": base, "size": size})
    folder = out / f"{task}-{seed}"
    run_demo(settings, folder, say=lambda line: print(line, file=sys.stderr, flush=True))
    found: dict[str, Any] = json.loads((folder / METRICS_FILE).read_text(encoding="utf-8"))
    return found


def summary(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Every metric by stage, seed by seed; which aims are met; where a stage did not help."""
    table = {
        stage: {
            metric: [round(one["stages"][stage][metric], 4) for one in found]
            for metric in METRICS
            if all(metric in one["stages"][stage] for one in found)
        }
        for stage in STAGES
    }
    met = {name: min(table["grpo"].get(name, [0.0])) >= aim for name, aim in AIMS.items()}
    rises = {
        f"{earlier} < {later}": {
            metric: [a < b for a, b in zip(table[earlier][metric], values, strict=True)]
            for metric, values in table[later].items()
            if metric in table[earlier]
        }
        for earlier, later in pairwise(STAGES)
    }
    seconds = [round(sum(one["seconds"].values()), 1) for one in found]
    return {"table": table, "met": met, "rises": rises, "seconds": seconds}


def main(argv: Sequence[str] | None = None) -> int:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--task", default="grounded_detection")
    parser.add_argument("--base", type=Path, help="model folder; default: the shipped one")
    parser.add_argument("--size", default="full", help="tenth: to see that it runs")
    parser.add_argument("--threads", type=int, help="of torch; default: every core")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args(argv)
    os.environ.update({"HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error"})
    if arguments.threads:
        import torch

        torch.set_num_threads(arguments.threads)
    found = [
        run_seed(
            arguments.out, int(seed), task=arguments.task, base=arguments.base, size=arguments.size
        )
        for seed in arguments.seeds.split(",")
    ]
    told = summary(found)
    (arguments.out / "nano_base.json").write_text(json.dumps(told, indent=1) + "\n", "utf-8")
    if arguments.json:
        print(json.dumps(told))
    return 0


if __name__ == "__main__":
    sys.exit(main())
