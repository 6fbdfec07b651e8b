"""The `groundsight` command: its subcommands, and how every ending is told.

Exit status: 0 all pictures reported, 2 a user's mistake (one line says what and how to fix it),
3 some pictures could not be read (they are in the output, the rest is done), 130 Ctrl-C.
Modules of subcommands import what they need inside their functions, so that `--help` is instant.
"""

import sys
from collections.abc import Sequence
from typing import Annotated, Any, NoReturn

import typer

from groundsight import __version__
from groundsight.cli import (
    audit,
    bench,
    curate,
    data,
    demo,
    detect,
    doctor,
    experts,
    export,
    ground,
    merge,
    rehearse,
    split,
    synth,
    synthesize,
    train,
    verify,
)
from groundsight.core.errors import UsageError

EXIT_OK = 0
EXIT_USAGE = 2
# Typer brings its own copy of click or uses the installed one, by version; this is either's base
# of all faults of a command line.
_CommandLineError: type[Exception] = typer.BadParameter.__mro__[2]

app = typer.Typer(
    name="groundsight",
    help="Is this picture AI-generated, where does it show, and why.",
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
EXAMINE, DATA, TRAIN, MEASURE = "Examine pictures", "Prepare data", "Train", "Measure"
for name, command, panel in (
    ("detect", detect.detect, EXAMINE),
    ("ground", ground.ground, EXAMINE),
    ("verify", verify.verify, EXAMINE),
    ("doctor", doctor.doctor, EXAMINE),
    ("demo", demo.demo, EXAMINE),
    ("audit", audit.audit, DATA),
    ("split", split.split, DATA),
    ("synthesize", synthesize.synthesize, DATA),
    ("curate", curate.curate, DATA),
    ("export", export.export, DATA),
    ("rehearse", rehearse.rehearse, TRAIN),
    ("merge", merge.merge, TRAIN),
):
    app.command(name, rich_help_panel=panel)(command)
app.add_typer(data.app, rich_help_panel=DATA)
app.add_typer(synth.app, rich_help_panel=DATA)
app.add_typer(train.app, rich_help_panel=TRAIN)
app.add_typer(experts.app, rich_help_panel=TRAIN)
app.add_typer(bench.app, rich_help_panel=MEASURE)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"groundsight {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command line and exit with its status.

    Args:
        arguments: without the program's name; None takes those of the process.
    """
    try:
        status = app(args=arguments, prog_name="groundsight", standalone_mode=False)
    except UsageError as error:
        _end(EXIT_USAGE, f"error: {' '.join(str(error).split())}")
    except _CommandLineError as error:
        _end(EXIT_USAGE, f"error: {_command_line_words(error)}")
    except (KeyboardInterrupt, typer.Abort):
        _end(detect.EXIT_INTERRUPTED, "stopped")
    sys.exit(status if isinstance(status, int) else EXIT_OK)


def _command_line_words(error: Any) -> str:
    place = error.ctx.command_path if getattr(error, "ctx", None) else "groundsight"
    return f"{error.format_message().rstrip('.')} (see {place} --help)"


def _end(status: int, line: str) -> NoReturn:
    # A terminal that cannot show a character must not turn a message into a traceback.
    encoding = sys.stderr.encoding or "utf-8"
    print(line.encode(encoding, "backslashreplace").decode(encoding), file=sys.stderr)
    sys.exit(status)
