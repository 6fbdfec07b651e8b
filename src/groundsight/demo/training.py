"""Whether a training run goes on or begins."""

import shutil
from pathlib import Path


def goes_on(run: Path) -> bool:
    """Whether a run's folder holds a run to resume; what is less than that is taken away.

    A run that was killed before it wrote what it is has learned nothing yet.
    """
    if (run / "versions.json").exists():
        return True
    shutil.rmtree(run, ignore_errors=True)
    return False
