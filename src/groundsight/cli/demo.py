"""`groundsight demo`: reports for real photographs, with nothing to download."""

from pathlib import Path
from typing import Annotated

import typer


def demo(
    photos: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="A folder of your own instead of the sample photographs."),
    ] = None,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Where to write; an earlier demo is replaced.")
    ] = Path("demo-out"),
) -> None:
    """Examine sample photographs and write a page of reports.

    The photographs are real ones that ship inside scikit-image and scikit-learn.
    """
    from groundsight.cli.detect import run_job
    from groundsight.cli.printing import make_printer
    from groundsight.data.pictures import find_pictures
    from groundsight.demo.photos import find_photos
    from groundsight.detect.job import Job

    chosen = [photos] if photos else find_photos()
    found = find_pictures(chosen, leave_out=[out])
    printer = make_printer("table", single=False)
    raise typer.Exit(run_job(found.paths, Job(out=out, existing="replace"), printer))
