"""What every worker runs: an engine, and the pictures that are drawn beside its reports."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from groundsight.core.errors import UsageError
from groundsight.core.report import EngineInfo, ImageInfo, Problem, Report
from groundsight.detect.artefacts import write_artefacts
from groundsight.detect.one import Opened, examine_opened, open_file, report_failure
from groundsight.engines import EngineOptions, batch_size_of, close_engine, load_engine
from groundsight.vision.images import Limits, Picture, printable_path


class OutputError(UsageError):
    """The output cannot be written, e.g. the disk is full; what was written is kept."""


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What a worker must know to start; travels between processes.

    Args:
        engine: a `--engine` value.
        options: how its model is loaded and asked.
        out: folder of overlays and thumbnails; None draws none.
        limits: what is refused before decoding.
    """

    engine: str = "builtin"
    options: EngineOptions = field(default_factory=EngineOptions)
    out: Path | None = None
    limits: Limits = field(default_factory=Limits)

    def start(self) -> "Examiner":
        """Make the engine.

        Raises:
            UsageError: it cannot be made.
        """
        return Examiner(self)

    def encode(self, report: Report) -> str:
        """A report as a worker sends it."""
        return report.to_json_line()

    def decode(self, text: str) -> Report:
        """The inverse of `encode`."""
        return Report.model_validate_json(text)

    def failure(self, path: str, info: EngineInfo, problem: Problem) -> Report:
        """The report on a file over which a worker died."""
        return report_failure(ImageInfo(path=printable_path(path)), info, problem)


class Examiner:
    """An engine that is ready, with what it draws.

    Args:
        setup: which engine, where to draw.

    Raises:
        UsageError: the engine cannot be made.
    """

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.engine = load_engine(setup.engine, setup.options)

    @property
    def info(self) -> EngineInfo:
        """Of the engine."""
        return self.engine.info

    @property
    def batch_size(self) -> int:
        """Files worth handing to one `examine_many`."""
        return batch_size_of(self.engine)

    def examine(self, path: str) -> Report:
        """Report on one file; what is drawn is on disk before this returns.

        Raises:
            OutputError: overlay or thumbnail cannot be written.
        """
        (report,) = self.examine_many([path])
        return report

    def examine_many(self, paths: Sequence[str]) -> list[Report]:
        """Report on a batch of files, in order.

        Raises:
            OutputError: as `examine`.
        """
        return self.report([self.open(path) for path in paths])

    def open(self, path: str) -> Opened:
        """Read and decode one file; may run beside `report`."""
        return open_file(path, self.setup.limits)

    def report(self, opened: Sequence[Opened]) -> list[Report]:
        """Report on a batch of files that are open.

        Raises:
            OutputError: as `examine`.
        """
        reports = examine_opened(opened, self.engine)
        folder = self.setup.out
        if folder is None:
            return reports
        return [
            report if one.picture is None else self._draw(folder, report, one.picture)
            for report, one in zip(reports, opened, strict=True)
        ]

    def close(self) -> None:
        """Let the engine go."""
        close_engine(self.engine)

    def _draw(self, folder: Path, report: Report, picture: Picture) -> Report:
        try:
            write_artefacts(folder, report, picture)
        except OSError as error:
            raise OutputError(f"cannot write to {folder}: {error.strerror or error}") from error
        except (ValueError, MemoryError) as error:  # the report itself is worth keeping
            problem = Problem(code="overlay_failed", message=f"not drawn: {error}")
            return report.model_copy(update={"problems": (*report.problems, problem)})
        return report
