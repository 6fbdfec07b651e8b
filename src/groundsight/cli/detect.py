"""`groundsight detect PATH…`: parse, run the job, print."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from groundsight.cli import engine_options as given
from groundsight.core.errors import UsageError

if TYPE_CHECKING:
    from groundsight.cli.printing import Printer
    from groundsight.data.pictures import Found
    from groundsight.detect.job import Job
    from groundsight.engines.options import EngineOptions

EXIT_SOME_UNREAD = 3
EXIT_INTERRUPTED = 130


class Format(StrEnum):
    """How reports are printed."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"


@given.takes_options(
    "experts",
    "task",
    *given.LOADING,
    "batch_size",
    "max_new_tokens",
    "samples",
    "temperature",
    "seed",
    "with_evidence",
    "structured",
    *given.CALLING,
    *given.PRICES,
)
def detect(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PATH...",
            help="Pictures, folders (searched recursively), globs such as 'scans/**/*.tif'.",
        ),
    ] = None,
    lists: Annotated[
        list[str] | None,
        typer.Option(
            "--list", metavar="FILE", help="Pictures named in a .jsonl, .parquet or .txt file."
        ),
    ] = None,
    engine: Annotated[
        str,
        typer.Option(
            help="Who examines: builtin, hf:MODEL_OR_DIR, openai:BASE_URL#MODEL, replay:FILE, or a "
            "factory of your own as package.module:function."
        ),
    ] = "builtin",
    format: Annotated[
        Format,
        typer.Option(
            help="table for people; jsonl: a JSON object a line; json: an object for one file, "
            "else an array."
        ),
    ] = Format.TABLE,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Also write reports.jsonl, report.html and overlays/ here."
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Skip what --out holds already and is unchanged.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Begin anew where --out holds reports already.")
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(
            help="Processes; by default one a core where there are pictures enough, and none "
            "beside this one for an engine that asks a model."
        ),
    ] = None,
    time_limit: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help="Give up a picture that takes longer than this."),
    ] = None,
    drawings: Annotated[
        bool,
        typer.Option(
            "--drawings/--no-drawings",
            help="Overlays, thumbnails and report.html in --out, or reports.jsonl alone.",
        ),
    ] = True,
    ray: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Work on this Ray cluster; local starts one here. --workers are its actors.",
        ),
    ] = None,
    bundle: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR|ZIP", help="Also pack reports, hashes and overlays here, for verify."
        ),
    ] = None,
    bundle_pictures: Annotated[
        bool, typer.Option("--bundle-pictures", help="Put the pictures into --bundle, too.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Evidence lines in the table of many pictures.")
    ] = False,
    *,
    options: "EngineOptions",
) -> None:
    """Say whether pictures are AI-generated, where that shows and why.

    Exit status: 0 all pictures reported; 2 a mistake in the command; 3 some pictures could not be
    read (they are in the output with what is wrong, the rest is done).
    """
    from groundsight.cli.printing import make_printer

    if (resume or overwrite) and out is None:
        raise UsageError("--resume and --overwrite need --out DIR, the folder that holds reports")
    if resume and overwrite:
        raise UsageError("--resume goes on and --overwrite begins anew: choose one")
    if bundle_pictures and bundle is None:
        raise UsageError("--bundle-pictures needs --bundle, where to put them")
    given_paths = paths or []
    found = _find(given_paths, lists or [], out)
    single_file = len(given_paths) == 1 and found.paths == (given_paths[0],)
    job = _make_job(
        engine=engine,
        options=options,
        out=out,
        existing="resume" if resume else "replace" if overwrite else "refuse",
        draws=drawings,
        num_workers=workers,
        ray=ray,
        time_limit_s=time_limit,
    )
    printer = make_printer(format.value, single=single_file, verbose=verbose)
    if found.num_passed_over:
        printer.tell(f"files passed over because of their names: {found.num_passed_over}")
    if bundle is None:
        raise typer.Exit(run_job(found.paths, job, printer))
    raise typer.Exit(_run_into_bundle(found.paths, job, printer, bundle, bundle_pictures))


def _find(paths: list[str], lists: list[str], out: Path | None) -> "Found":
    """The pictures of the arguments, then those of the lists, each once.

    Raises:
        UsageError: neither is given, or they name no picture.
    """
    from groundsight.data.lists import read_list
    from groundsight.data.pictures import Found, find_pictures

    if not paths and not lists:
        raise UsageError("no pictures named: give files, folders or globs, or --list FILE")
    leave_out = [out] if out else []
    found = (
        find_pictures(paths, leave_out=leave_out) if paths else Found(paths=(), num_passed_over=0)
    )
    listed = [path for file in lists for path in read_list(file)]
    every = tuple(dict.fromkeys([*found.paths, *listed]))
    return Found(paths=every, num_passed_over=found.num_passed_over)


def _make_job(*, num_workers: int | None, ray: str | None, **settings: Any) -> "Job":
    from groundsight.detect.job import Job
    from groundsight.detect.ray_pool import RaySettings

    if num_workers is not None and num_workers < 1:
        raise UsageError(f"--workers must be at least 1, got {num_workers}")
    cluster = None if ray is None else RaySettings(address=ray, num_workers=num_workers)
    return Job(num_workers=num_workers, ray=cluster, **settings)


def _run_into_bundle(
    paths: tuple[str, ...], job: "Job", printer: "Printer", bundle: Path, with_pictures: bool
) -> int:
    """Run, then pack the run's folder; without `--out` that folder is a passing one."""
    from dataclasses import replace
    from tempfile import TemporaryDirectory

    from groundsight.detect.bundle_writer import BundleSettings, check_target, write_bundle
    from groundsight.engines import EngineOptions

    check_target(bundle)
    with TemporaryDirectory(prefix="groundsight-") as passing:
        folder = job.out or Path(passing)
        kept = job.out is not None
        status = run_job(paths, replace(job, out=folder), printer, keeps_folder=kept)
        if status == EXIT_INTERRUPTED:
            return status
        settings = BundleSettings(
            engine=job.engine,
            options=job.options or EngineOptions(),
            with_pictures=with_pictures,
            paths=paths,
        )
        digest = write_bundle(bundle, folder, settings)
    printer.tell(f"bundle {bundle}, manifest SHA-256 {digest}")
    return status


def run_job(
    paths: tuple[str, ...], job: "Job", printer: "Printer", *, keeps_folder: bool = True
) -> int:
    """Run, print each report as it comes, tell the end.

    Args:
        paths: pictures.
        job: how.
        printer: of the reports.
        keeps_folder: whether `job.out` is there for the user afterwards.

    Returns:
        Exit status: 0, 3 when some pictures could not be read or the engine gave up, 130 after
        Ctrl-C.

    Raises:
        UsageError: what the user can mend, a full disk included.
        KeyboardInterrupt: before the first picture.
    """
    from groundsight.cli.progress import progress_bar
    from groundsight.detect.examiner import OutputError
    from groundsight.detect.job import start_run
    from groundsight.detect.usage import UsageTotal

    run = None
    prices = (job.options.price_in, job.options.price_out) if job.options else (None, None)
    usage = UsageTotal(*prices)
    try:
        with (
            progress_bar(len(paths), enabled=printer.wants_bar) as advance,
            start_run(paths, job) as run,
        ):
            advance(run.num_held)
            with printer:
                for report in run:
                    printer.print(report)
                    usage.add(report)
                    advance(1)
            page = run.write_page()
    except KeyboardInterrupt:
        if run is None:
            raise
        printer.tell(_stopped_words(run.count_done(), len(paths), keeps_folder and job.out))
        return EXIT_INTERRUPTED
    except OutputError as error:
        if job.out is None or run is None or not keeps_folder:
            raise
        kept = f"{run.count_done()} of {len(paths)} reports are kept"
        raise UsageError(f"{error}; {kept}: make room, then run again with --resume") from error
    if run.num_held:
        printer.tell(f"{run.num_held} were done already")
    if page and keeps_folder:
        printer.tell(f"open {page}")
    used = usage.line()
    if used:
        printer.tell(used)
    if run.num_failed:
        printer.tell(f"{run.num_failed} of {len(paths)} pictures could not be examined")
    if run.stopped:
        # What failed has a report too, and is tried again with the rest.
        num_done = run.count_done() - run.num_failed
        printer.tell(
            f"{_stopped_words(num_done, len(paths), keeps_folder and job.out)}. Why: {run.stopped}"
        )
    return EXIT_SOME_UNREAD if run.num_failed else 0


def _stopped_words(num_done: int, num_paths: int, out: Path | bool | None) -> str:
    if not out:
        return f"stopped after {num_done} of {num_paths} pictures; with --out DIR a run can resume"
    return (
        f"stopped: {num_done} of {num_paths} pictures are done and kept; "
        f"the same command with --resume goes on"
    )
