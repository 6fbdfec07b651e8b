"""A progress bar on standard error, where that is a terminal."""

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


@contextmanager
def progress_bar(total: int, *, enabled: bool = True) -> Iterator[Callable[[int], None]]:
    """Show how many of `total` are done; yields a function that adds to them."""
    if not (enabled and sys.stderr.isatty()):
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    console = Console(stderr=True)
    bar = Progress(
        *(BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()),
        console=console,
        transient=True,
        redirect_stdout=False,  # it breaks long lines
    )
    shared = sys.stdout.isatty()  # bar and reports meet on one terminal
    with redirect_stdout(_AboveTheBar(console)) if shared else nullcontext(), bar:
        task = bar.add_task("pictures", total=total)
        yield lambda count: bar.advance(task, count)


class _AboveTheBar(io.TextIOBase):
    """Standard output while a bar is on the same terminal: whole lines land above it."""

    encoding = "utf-8"

    def __init__(self, console: "Console") -> None:
        self._console = console

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        from rich.text import Text

        self._console.print(Text.from_ansi(text), soft_wrap=True)
        return len(text)
