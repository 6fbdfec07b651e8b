"""What commands that ask a model many questions have in common: progress, cost, how they end."""

import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from groundsight.core.errors import MissingExtraError

if TYPE_CHECKING:
    from pydantic import BaseModel

    from groundsight.engines import EngineOptions

EXIT_SOME_LEFT = 3
EXIT_INTERRUPTED = 130


class Format(StrEnum):
    """How the counts are printed."""

    TABLE = "table"
    JSON = "json"


Formats = Annotated[Format, typer.Option(help="table for people, json for programs.")]


def options_in(panel: str) -> Callable[..., Any]:
    """Options that stand together in `--help`: `option(help, *flags, **more of typer.Option)`."""

    def option(help: str, *flags: str, **more: Any) -> Any:
        return typer.Option(*flags, help=help, rich_help_panel=panel, show_default=False, **more)

    return option


def print_found(found: "BaseModel", format: Format, lines: Callable[[], Iterable[str]]) -> None:
    """What a run found, on standard output.

    Args:
        found: is JSON for programs.
        format: which is wanted.
        lines: what people are told of it.
    """
    from groundsight.cli.printing import print_lines

    if format is Format.JSON:
        print_lines(found.model_dump_json(by_alias=True, indent=2))
    else:
        print_lines(*lines())


def work_through(run: Iterable[object], *, total: int, num_done: int, done: str) -> bool:
    """Go through what is pending; True when Ctrl-C ended it.

    Args:
        run: yields once for each question that is finished.
        total: how many questions there are.
        num_done: how many were finished before.
        done: what happened to those, one word.
    """
    from groundsight.cli.progress import progress_bar

    if num_done:
        tell(f"{num_done:,} of {total:,} were {done} already")
    try:
        with progress_bar(total) as advance:
            advance(num_done)
            for _ in run:
                advance(1)
    except KeyboardInterrupt:
        return True
    return False


def draw_if_possible(draw: Callable[[], object]) -> None:
    """Draw a plot, or say which extra that needs."""
    try:
        draw()
    except MissingExtraError as error:
        tell(str(error))


def tell_cost(usage: Mapping[str, int], options: "EngineOptions") -> None:
    """The cost line, where there is a price or a count."""
    from groundsight.detect.usage import UsageTotal

    total = UsageTotal(options.price_in, options.price_out)
    total.add_counts(usage)
    line = total.line()
    if line:
        tell(line)


def tell_end(left: Collection[object], *, done: str, interrupted: bool, stopped: str | None) -> int:
    """Say how to go on, where something is left; gives the exit status.

    Args:
        left: what could not be finished.
        done: what happened to the rest, one word.
        interrupted: Ctrl-C ended the run.
        stopped: why the engine ended it; None: it did not.
    """
    if interrupted:
        tell(f"stopped: what was {done} is kept; the same command with --resume goes on")
        return EXIT_INTERRUPTED
    if stopped:
        tell(f"stopped: {stopped}; the same command with --resume goes on")
    return EXIT_SOME_LEFT if left or stopped else 0


def tell(line: str) -> None:
    """One line on standard error."""
    print(" ".join(line.split()).encode("utf-8", "backslashreplace").decode(), file=sys.stderr)
