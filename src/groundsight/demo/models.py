"""Models of the demo: the base that it begins with, and what training leaves as a model folder."""

import shutil
from collections.abc import Callable
from pathlib import Path

from groundsight.core.errors import UsageError
from groundsight.models.shipped import FAMILY, shipped_base

_LEFT_OUT = ("__pycache__", "*.py", "training_args.bin")  # the last: a trainer's own, pickled


def put_base(folder: Path, *, base: Path | None, seed: int) -> str:
    """Put the model that all begins with into a folder.

    Args:
        folder: to make.
        base: a model folder; None: the shipped one, and without that random weights.
        seed: of random weights.

    Returns:
        Where it is from, for people.

    Raises:
        UsageError: `base` is no model folder.
    """
    source = base or shipped_base()
    if source is None:
        from groundsight.models.nano import save_nano
        from groundsight.models.nano_size import BASE

        save_nano(folder, FAMILY, seed=seed, size=BASE)
        return "random weights"
    if not (source / "config.json").is_file():
        raise UsageError(f"{source} is no model folder: it has no config.json")
    copy_folder(source, folder)
    return str(source) if base else "the shipped nano base"


def put_model(trained: Path, folder: Path, *, say: Callable[[str], None]) -> None:
    """Make a normal model folder of trained weights: an adapter is merged into its base.

    Args:
        trained: `final/` of a training run.
        folder: to make; what is there already is replaced.
        say: is told how well a merge agrees.

    Raises:
        UsageError: the merged model does not say what the adapter says.
    """
    if (trained / "config.json").exists():
        copy_folder(trained, folder)
        return
    from groundsight.models.merge import merge_adapter

    shutil.rmtree(folder, ignore_errors=True)
    merged = merge_adapter(str(trained), folder, device="cpu", say=lambda line: say(f"  {line}"))
    say(f"  {merged.line()}")
    warning = merged.warning()
    if warning is not None:
        say(f"  ! {warning}")


def copy_folder(source: Path, folder: Path) -> None:
    """Copy a folder of files; the target is whole or not there."""
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(source, partial, ignore=shutil.ignore_patterns(*_LEFT_OUT))
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)
