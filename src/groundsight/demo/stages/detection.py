"""Stage 1: what the builtin detector, with no model and no download, says of real photographs."""

import shlex
from collections import Counter

from groundsight.demo.photos import all_photos, photos_digest
from groundsight.demo.stage import Stage, Tree, Work
from groundsight.detect.job import Job, start_run
from groundsight.detect.ledger import LEDGER, read_reports

REPORTS = "reports"


def examine(work: Work) -> Tree:
    """Report on every photograph, and write the page of the reports."""
    out = work.folder / REPORTS
    with start_run(all_photos(work.settings.photos), Job(out=out, existing="resume")) as run:
        for _ in run:
            pass
        run.write_page()
    verdicts = Counter(report.verdict.value for report in read_reports(out / LEDGER))
    told = ", ".join(f"{number} {verdict}" for verdict, number in verdicts.most_common())
    work.say(f"  {verdicts.total()} photographs: {told}; {out / 'report.html'}")
    return {"num_photos": verdicts.total(), "verdicts": dict(verdicts)}


def command(work: Work) -> str:
    """The same by hand."""
    photos = all_photos(work.settings.photos)
    out = work.folder / REPORTS
    return shlex.join(["groundsight", "detect", *photos, "--out", str(out)])


STAGE = Stage(
    name="detect",
    title="Detect: the builtin engine on real photographs",
    folder="1-detect",
    depends=lambda settings: {"photos_sha256": photos_digest(settings.photos)},
    work=examine,
    command=command,
)
