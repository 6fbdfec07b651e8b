"""How a run in epochs is told, on a terminal and elsewhere."""

import io

import pytest
from rich.console import Console
from rich.progress import Progress, TextColumn

from groundsight.cli.experts.epoch_progress import _Bar, watch_epochs

ROW = {
    "step": 2,
    "loss": 0.5,
    "valid_auc": 0.8125,
    "valid_balanced_accuracy": 0.75,
    "seconds": 60.0,
}


def test_elsewhere_a_line_an_epoch_with_the_time_left(capsys: pytest.CaptureFixture[str]) -> None:
    with watch_epochs(10) as watch:
        watch.begin(100, 20)
        watch.step(3, 0.4)
        watch.epoch(ROW)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "going on after step 20 of 100",
        "epoch 2 of 10: loss 0.5000, held-out AUC 0.812, balanced accuracy 0.750, 60 s, at most "
        "240 s left",
    ]


def test_on_a_terminal_a_bar_counts_steps() -> None:
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=150)
    with Progress(TextColumn("{task.description}"), console=console) as bar:
        watch = _Bar(bar, 10)
        watch.begin(100, 20)
        watch.epoch(ROW)
        watch.step(3, 0.4)
        (task,) = bar.tasks
        assert (task.completed, task.total) == (21, 100)
        assert task.description == "epoch 3 of 10, loss 0.400, held-out AUC 0.812"
    assert "held-out AUC 0.812, balanced accuracy 0.750" in file.getvalue()
