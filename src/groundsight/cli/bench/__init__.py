"""`groundsight bench list|run|compare|…`: the papers' tables, reproducible, with intervals."""

import typer

from groundsight.cli.bench.attack import attack
from groundsight.cli.bench.compare import compare
from groundsight.cli.bench.run import run
from groundsight.cli.bench.tables import list_perturbations, list_suites

app = typer.Typer(
    name="bench", help="Benchmarks: list, run, compare two runs, attack.", no_args_is_help=True
)
app.command("list")(list_suites)
app.command("perturbations")(list_perturbations)
app.command("run")(run)
app.command("compare")(compare)
app.command("attack")(attack)
