"""Rebuild the shipped signal expert: `python scripts/fit_signal_expert.py MANIFEST [--out DIR]`.

Needs `pip install 'groundsight[fit]'` (torch, lightgbm, scikit-learn, onnx). About an hour on four
cores. The same manifest, package versions, thread count and kind of processor give the same
bytes; another processor may round the last bits of the network differently.
"""

import argparse
import os
from pathlib import Path


def main() -> None:
    """Parse the arguments, fit, print the summary's figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("manifest", type=Path, help="CSV of pictures with a `split` column")
    parser.add_argument("--out", type=Path, default=None, help="default: the shipped weights")
    parser.add_argument("--fold-steps", type=int, default=None, help="network steps a fold")
    parser.add_argument("--final-steps", type=int, default=None, help="network steps of the last")
    parser.add_argument("--keep-folds", type=Path, default=None, help="keep the folds' networks")
    arguments = parser.parse_args()
    # One thread each for the workers' small matrices; torch and lightgbm are told theirs.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    from groundsight.experts.signal.fit import FitSettings, fit_signal_expert
    from groundsight.forensics.signal.weights import HERE

    steps = {"fold_steps": arguments.fold_steps, "final_steps": arguments.final_steps}
    chosen = {name: value for name, value in steps.items() if value}
    settings = FitSettings(**chosen, keep_folds=arguments.keep_folds)

    def say(line: str) -> None:
        print(line, flush=True)

    summary = fit_signal_expert(arguments.manifest, arguments.out or HERE, settings, say)
    print(summary["fusion"], summary["out_of_fold_auc"])


if __name__ == "__main__":
    main()
