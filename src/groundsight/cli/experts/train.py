"""`groundsight experts train|calibrate|agree`: fit a detector, mend its p_fake, compare experts."""

from pathlib import Path
from typing import Annotated, Any

import typer

from groundsight.core.errors import UsageError

_MEGABYTE = 1 << 20

Data = Annotated[
    Path,
    typer.Option(
        metavar="PATH",
        help="Labelled pictures: a .csv or .tsv with path, label, split; a folder with real/ and "
        "fake/ in it; a file of samples.",
    ),
]
Source = Annotated[
    str | None,
    typer.Option(help="Layout of --data, e.g. genimage; by default guessed.", show_default=False),
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one line of JSON.")]
Backbone = Annotated[
    str | None,
    typer.Option(help="Folder or hub name of the frozen tower, for experts that have one."),
]


def train(
    name: Annotated[str, typer.Argument(metavar="NAME", help="An expert, see experts list.")],
    data: Data,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the run and the expert.")],
    source: Source = None,
    split: Annotated[
        str | None, typer.Option(help="Split to fit; by default fit or train, else everything.")
    ] = None,
    unseen: Annotated[
        str | None,
        typer.Option(help="Split to score at the end; by default unseen, test or val."),
    ] = None,
    fit_generator: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN",
            help="Fit these generators only and score the others, e.g. 'SD v1.4'; repeatable.",
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="A.B=C",
            help="Change a setting: epochs=10, augmentation.blur_rate=0.5, expert.grid=1, …",
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of everything that is drawn.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run that --out holds.")
    ] = False,
    backbone: Backbone = None,
    device: Device = "auto",
    threads: Annotated[int | None, typer.Option(min=1, help="Of torch on a CPU.")] = None,
    workers: Annotated[
        int, typer.Option(min=0, help="Processes that open and cut pictures; 0: this one.")
    ] = 0,
    cache_mb: Annotated[
        int, typer.Option(min=0, help="Decoded pictures kept in memory, of each process.")
    ] = 1024,
    as_json: AsJson = False,
) -> None:
    """Train an expert on labelled pictures and score generators that it has not seen.

    Both classes pass one codec, whole families of generators are held out to stop early and to set
    the temperature. Writes a folder for `--expert`, with a card that says what was measured.
    """
    _check_torch("groundsight experts train")
    from groundsight.core.config import read_settings
    from groundsight.train.experts.data import DataChoice
    from groundsight.train.experts.settings import training_settings

    tree = read_settings(settings or ()) | ({} if seed is None else {"seed": seed})
    choice = DataChoice(
        path=data,
        source=source,
        fit_split=split,
        unseen_split=unseen,
        fit_generators=tuple(fit_generator or ()),
    )
    training = training_settings(name, tree)
    import torch

    from groundsight.cli.experts.epoch_progress import watch_epochs
    from groundsight.train.experts.loop import Machine
    from groundsight.train.experts.run import train_expert

    if threads is not None:
        torch.set_num_threads(threads)
    with watch_epochs(training.epochs) as watch:
        trained = train_expert(
            name,
            choice,
            out,
            training,
            resume=resume,
            backbone=backbone,
            device=device,
            machine=Machine(workers=workers, cache_bytes=cache_mb * _MEGABYTE),
            watch=watch,
        )
    _print_card(trained.card, trained.folder, as_json=as_json)


def calibrate(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a trained expert.")],
    data: Data,
    source: Source = None,
    split: Annotated[
        str | None, typer.Option(help="Pictures of this split; by default fit or train, else all.")
    ] = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Set an expert's temperature by labelled pictures of yours, so that p_fake comes true.

    No decision at 0.5 changes. Take pictures that the expert was not trained on.
    """
    _check_torch("groundsight experts calibrate")
    from groundsight.train.experts.data import DataChoice
    from groundsight.train.experts.recalibrate import recalibrate

    choice = DataChoice(path=data, source=source, fit_split=split)
    fitted = recalibrate(folder, choice, device=device)
    if as_json:
        _print_json(fitted)
        return
    typer.echo(
        f"temperature {fitted['temperature']:.3f} by {fitted['num']} pictures; calibration error "
        f"{fitted['calibration_error_before']:.3f} at 1, now "
        f"{fitted['calibration_error_after']:.3f}; stored in {folder}"
    )


def agree(
    samples: Annotated[
        Path, typer.Argument(metavar="SAMPLES", help="Samples with scores of experts in them.")
    ],
    as_json: AsJson = False,
) -> None:
    """How far experts agree, and who is right when they do not.

    Reads the p_fake that `experts score` wrote into samples; every pair of experts is one row.
    """
    from dataclasses import asdict

    from groundsight.experts.agreement import agreement_markdown
    from groundsight.experts.sample_scores import agreement_of_samples

    if not samples.is_file():
        raise UsageError(f"no such file: {samples}")
    table = agreement_of_samples(samples)
    if as_json:
        _print_json([asdict(row) | {"second_right": row.second_right} for row in table])
    else:
        typer.echo(agreement_markdown(table))


def _check_torch(what: str) -> None:
    from importlib.util import find_spec

    from groundsight.core.errors import MissingExtraError

    if find_spec("torch") is None:
        raise MissingExtraError(what, "local")


def _print_json(value: Any) -> None:
    import json

    typer.echo(json.dumps(value))


def _print_card(card: Any, folder: Path, *, as_json: bool) -> None:
    if as_json:
        _print_json(card)
        return
    for part, figures in card.get("figures", {}).items():
        value, low, high = figures["auc"]
        found = figures["balanced_accuracy"]
        typer.echo(
            f"{part.replace('_', ' ')}: AUC {value:.3f} [{low:.3f}, {high:.3f}], balanced accuracy "
            f"{found[0]:.3f} [{found[1]:.3f}, {found[2]:.3f}] of {figures['num_generated']} "
            f"generated, {figures['num_real']} real"
        )
    typer.echo(f"{folder}: use it with --expert {folder}")
