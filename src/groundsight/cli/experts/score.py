"""`groundsight experts score`: what experts say of pictures, written into samples."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from groundsight.cli.sample_options import Pictures, Source
from groundsight.core.errors import UsageError

if TYPE_CHECKING:
    from groundsight.core.types import Sample
    from groundsight.experts import Expert
    from groundsight.experts.scoring import ScoreRun

EXIT_SOME_LEFT = 3
EXIT_INTERRUPTED = 130
TASK = "forgery_reasoning"


def score(
    data: Annotated[
        Path,
        typer.Argument(metavar="DATA", help="A file of samples, a table, or a folder of pictures."),
    ],
    expert: Annotated[
        list[str],
        typer.Option(
            metavar="NAME_OR_DIR",
            help="Row of experts list, or folder of a trained one; KEY=… names it otherwise in the "
            "samples. Repeatable.",
        ),
    ],
    out: Annotated[
        Path, typer.Option(metavar="FILE", help=".jsonl or .parquet of samples with p_fake.")
    ],
    source: Source = None,
    pictures: Pictures = None,
    weights: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=FILE", help="Published weights of an expert; repeatable."),
    ] = None,
    backbone: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=DIR", help="Tower of an expert that has one; repeatable."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY.A=B", help="A setting of an expert: npr.grid=2."),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = "auto",
    workers: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Threads; default: one a core.")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Pictures a batch; default: by device.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with what FILE holds.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="FILE may be there already.")] = False,
) -> None:
    """Write what experts say of each picture into sample records, for rewards and for evidence.

    Exit status: 0 every picture was scored; 2 a mistake in the command; 3 some pictures could not
    be read: their samples are in FILE, with the problem in `extra`.
    """
    samples = _samples(data, source, pictures)
    experts = _load(expert, weights or [], backbone or [], settings or [], device)
    from groundsight.experts.scoring import start_scoring

    run = start_scoring(
        samples,
        experts,
        out=out,
        resume=resume,
        replace=replace,
        workers=workers,
        batch_size=batch_size,
    )
    raise typer.Exit(_work_through(run, out))


def _work_through(run: "ScoreRun", out: Path) -> int:
    """Go through the run with a bar, say how it ended; gives the exit status."""
    from time import perf_counter

    from groundsight.cli.asking import tell, work_through

    started, already = perf_counter(), run.num_done
    with run:
        stopped = work_through(run, total=run.num_total, num_done=already, done="scored")
    passed = perf_counter() - started
    tell(f"{run.num_scored:,} pictures scored, {run.num_scored / passed:.3g} a second: {out}")
    if run.problems:
        told = ", ".join(f"{number} {code}" for code, number in sorted(run.problems.items()))
        tell(f"! {run.problems.total()} could not be scored ({told}): see expert_problems in extra")
    if stopped:
        tell("stopped: what was scored is kept; the same command with --resume goes on")
        return EXIT_INTERRUPTED
    return EXIT_SOME_LEFT if run.problems else 0


def _samples(
    data: Path, source: str | None, pictures: Path | None
) -> Callable[[], Iterable["Sample"]]:
    """Gives the samples of the data, as often as it is called."""
    from groundsight.data.sources import load_source
    from groundsight.train.experts.data import guess_source

    if source is None and data.is_dir() and not _says_real_or_fake(data):
        return partial(_unlabelled, data)
    loaded = load_source(source or guess_source(data), data, pictures=pictures)
    return loaded.samples


def _says_real_or_fake(folder: Path) -> bool:
    from groundsight.data.sources import load_source

    rows = load_source("folder", folder).rows()
    return next((row.sample is not None for row in rows if not row.left_out), False)


def _unlabelled(folder: Path) -> Iterator["Sample"]:
    from groundsight.core.types import ImageRef, Sample
    from groundsight.data.pictures import find_pictures

    for path in find_pictures([folder]).paths:
        name = Path(path).relative_to(folder).as_posix()
        try:
            path.encode()
        except UnicodeEncodeError:
            raise UsageError(f"{name!r}: the name is no UTF-8: rename the file") from None
        yield Sample(id=name, images=(ImageRef(path=path),), task=TASK)


def _load(
    specs: list[str], weights: list[str], backbones: list[str], settings: list[str], device: str
) -> "dict[str, Expert]":
    """The experts by key."""
    from groundsight.core.config import read_settings
    from groundsight.experts import load_expert

    by_key = _keyed(specs)
    files, towers = (_by_key(given, by_key, "--weights") for given in (weights, backbones))
    changed = read_settings(settings)
    _refuse_unknown(changed, by_key, "--set")
    return {
        key: load_expert(
            spec,
            weights=Path(files[key]) if key in files else None,
            backbone=towers.get(key),
            device=device,
            settings=_section(changed, key),
        )
        for key, spec in by_key.items()
    }


def _keyed(specs: list[str]) -> dict[str, str]:
    """Key in the samples → expert. A folder's key is the name of what was trained in it."""
    from groundsight.experts.folder import is_folder, read_expert_file

    by_key: dict[str, str] = {}
    for spec in specs:
        key, sign, rest = spec.partition("=")
        if not sign:
            rest = spec
            key = read_expert_file(Path(spec)).name if is_folder(spec) else spec
        if not key or key in by_key:
            raise UsageError(f"two experts are {key!r}: name them apart, e.g. --expert {key}_2=DIR")
        by_key[key] = rest
    return by_key


def _by_key(given: list[str], known: dict[str, str], flag: str) -> dict[str, str]:
    found = dict(part.partition("=")[::2] for part in given)
    bad = next((key for key, value in found.items() if not value), None)
    if bad is not None:
        raise UsageError(f"{flag} reads KEY=PATH, got {bad!r}")
    _refuse_unknown(found, known, flag)
    return found


def _refuse_unknown(given: Iterable[str], known: dict[str, str], flag: str) -> None:
    for key in given:
        if key not in known:
            raise UsageError(f"{flag} {key}: no such --expert; there is {', '.join(known)}")


def _section(tree: dict[str, Any], key: str) -> dict[str, Any]:
    section = tree.get(key, {})
    if not isinstance(section, dict):
        raise UsageError(f"--set reads KEY.SETTING=VALUE, e.g. {key}.grid=2")
    return section
