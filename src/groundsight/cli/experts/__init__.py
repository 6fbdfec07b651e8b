"""`groundsight experts list|score|train|…`: published detectors, their weights, what they say."""

import typer

from groundsight.cli.experts.heat import heat
from groundsight.cli.experts.listing import list_experts
from groundsight.cli.experts.score import score
from groundsight.cli.experts.train import agree, calibrate, train

app = typer.Typer(
    name="experts",
    help="Published detectors: their weights, training, scores.",
    no_args_is_help=True,
)
app.command("list")(list_experts)
app.command("score")(score)
app.command("heat")(heat)
app.command("train")(train)
app.command("calibrate")(calibrate)
app.command("agree")(agree)
