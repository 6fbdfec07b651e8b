"""Options of commands that read samples in any layout."""

from pathlib import Path
from typing import Annotated

import typer

Source = Annotated[
    str | None,
    typer.Option(metavar="SOURCE", help="Layout of DATA, see data list; default: guessed."),
]
Pictures = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Where relative picture paths start.")
]
