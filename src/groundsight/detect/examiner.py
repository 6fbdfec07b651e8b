"""What every worker runs: an engine, and the pictures that are drawn beside its reports."""

from dataclasses import dataclass, field
from pathlib import Path

from groundsight.core.errors import UsageError
from groundsight.core.report import EngineInfo, Problem, Report
from groundsight.detect.artefacts import write_artefacts
from groundsight.detect.one import examine_file
from groundsight.engines import load_engine
from groundsight.vision.images import Limits, Picture


class OutputError(UsageError):
    """The output cannot be written, e.g. the disk is full; what was written is kept."""


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What a worker must know to start; travels between processes.

    Args:
        engine: a `--engine` value.
        out: folder of overlays and thumbnails; None draws none.
        limits: what is refused before decoding.
    """

    engine: str = "builtin"
    out: Path | None = None
    limits: Limits = field(default_factory=Limits)


class Examiner:
    """An engine that is ready, with what it draws.

    Args:
        setup: which engine, where to draw.

    Raises:
        UsageError: the engine cannot be made.
    """

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.engine = load_engine(setup.engine)

    @property
    def info(self) -> EngineInfo:
        """Of the engine."""
        return self.engine.info

    def examine(self, path: str) -> Report:
        """Report on one file; what is drawn is on disk before this returns.

        Raises:
            OutputError: overlay or thumbnail cannot be written.
        """
        report, picture = examine_file(path, self.engine, self.setup.limits)
        if picture is None or self.setup.out is None:
            return report
        return self._draw(self.setup.out, report, picture)

    def _draw(self, folder: Path, report: Report, picture: Picture) -> Report:
        try:
            write_artefacts(folder, report, picture)
        except OSError as error:
            raise OutputError(f"cannot write to {folder}: {error.strerror or error}") from error
        except (ValueError, MemoryError) as error:  # the report itself is worth keeping
            problem = Problem(code="overlay_failed", message=f"not drawn: {error}")
            return report.model_copy(update={"problems": (*report.problems, problem)})
        return report
