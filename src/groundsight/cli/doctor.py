"""`groundsight doctor`: the machine, and with `--engine` whether a model's boxes can be trusted."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from groundsight.cli import engine_options as given
from groundsight.core.errors import UsageError

if TYPE_CHECKING:
    from groundsight.doctor.checkup import Checkup, EngineCheckup
    from groundsight.doctor.extras import ExtraState
    from groundsight.doctor.machine import Machine
    from groundsight.engines import EngineOptions

EXIT_CANNOT_TELL = 3


@given.takes_options(*given.LOADING, "max_new_tokens", *given.CALLING)
def doctor(
    engine: Annotated[
        str | None,
        typer.Option(
            help="Prove this model's coordinates: hf:MODEL_OR_DIR, openai:BASE_URL#MODEL, …"
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Draw each test card with its answer here, and a sheet."),
    ] = None,
    *,
    options: "EngineOptions",
) -> None:
    """Look at this machine; with --engine, prove what the numbers of a model's boxes mean.

    Exit status: 0 all is well; 2 a mistake in the command, or boxes that mean something else than
    what they are taken for; 3 the model's answers do not tell.
    """
    from groundsight.doctor.checkup import check_up

    if engine is None and (out is not None or options.model_fields_set):
        raise UsageError("--out and the options of a model need --engine, the model to examine")
    checkup = check_up()
    if engine is not None:
        checkup = checkup.model_copy(update={"engine": _examine(engine, options, out)})
    _print(checkup, json)
    raise typer.Exit(_end(checkup.engine))


def _examine(engine: str, options: "EngineOptions", out: Path | None) -> "EngineCheckup":
    from groundsight.doctor.checkup import check_engine
    from groundsight.doctor.sheet import write_cards

    found, proof = check_engine(engine, options)
    if out is not None:
        sheet = write_cards(out, proof, title=engine)[-1]
        print(f"open {sheet}", file=sys.stderr)
    return found


def _end(engine: "EngineCheckup | None") -> int:
    """The exit status.

    Raises:
        UsageError: the coordinates are not what they are taken for.
    """
    if engine is None:
        return 0
    if engine.fault is not None:
        raise UsageError(engine.fault)
    return EXIT_CANNOT_TELL if engine.coordinates.outcome == "cannot_tell" else 0


def _print(checkup: "Checkup", json: bool) -> None:
    from groundsight.cli.printing import print_lines

    if json:
        print_lines(checkup.model_dump_json(indent=2))
        return
    lines = _machine_lines(checkup.machine)
    if checkup.engine is not None:
        lines += ["", *_frame_lines(checkup), "", *_engine_lines(checkup.engine)]
    print_lines(*lines)


def _machine_lines(machine: "Machine") -> list[str]:
    memory = f", {machine.memory_bytes / 2**30:.0f} GiB" if machine.memory_bytes else ""
    lines = [
        f"groundsight {machine.groundsight}, Python {machine.python} ({machine.executable})",
        f"{machine.system}, {machine.processor}, {machine.num_cores} cores{memory}",
    ]
    if machine.torch is None:
        lines.append(f"torch: {machine.torch_problem}")
    else:
        devices = [
            f"{one.name} {one.model}" + _gib(one.memory_bytes) for one in machine.torch.devices
        ]
        found = "; ".join(devices) or "no accelerator, models run on the CPU"
        lines.append(f"torch {machine.torch.version}, {machine.torch.num_threads} threads: {found}")
    lines += ["", *(_part_line(part) for part in machine.parts)]
    if machine.memory.hint:
        lines += ["", f"hint: {machine.memory.hint}"]
    return lines


def _gib(memory_bytes: int | None) -> str:
    return f" {memory_bytes / 2**30:.0f} GiB" if memory_bytes else ""


def _part_line(part: "ExtraState") -> str:
    name = part.name or "(base)"
    if part.is_installed:
        versions = ", ".join(f"{package.name} {package.version}" for package in part.packages)
        return f"  ok       {name:<8}{versions}"
    lacking = ", ".join(
        f"{package.needs} (here: {package.version})" if package.version else package.name
        for package in part.packages
        if not package.is_enough
    )
    return f"  missing  {name:<8}{lacking}: {part.pip}"


def _frame_lines(checkup: "Checkup") -> list[str]:
    lines = ["how known families write boxes"]
    lines += [
        f"  {row.family:<12}{row.writes:<30}sides in steps of {row.factor}, "
        f"{row.min_pixels} to {row.max_pixels} pixels"
        for row in checkup.frames
    ]
    return lines


def _engine_lines(engine: "EngineCheckup") -> list[str]:
    proof = engine.coordinates
    lines = [f"{engine.spec}: boxes are read as {proof.expected} ({engine.frame})"]
    if engine.processor is not None:
        check = engine.processor
        agree = sum(one.agrees for one in check.checks)
        said = check.note or f"{agree} of {len(check.checks)} sizes are resized as reckoned"
        limits = f"{check.min_pixels} to {check.max_pixels} pixels"
        lines.append(f"  processor {check.processor}, {limits}: {said}")
    for card in proof.cards:
        written = "no box" if card.numbers is None else f"wrote {_box(card.numbers)}"
        target = _box(card.target_xyxy_px)
        faults = "".join(f"  {fault.message}" for fault in card.problems)
        lines.append(
            f"  {card.name:<7}{f'{card.width}x{card.height}':<11}target {target:<26}"
            f"{written:<34}IoU {card.iou:.2f}{faults}"
        )
    lines += [f"  {fit.mean_iou:.2f}  {fit.convention}" for fit in proof.fits]
    return [*lines, proof.sentence]


def _box(xyxy: tuple[float, float, float, float]) -> str:
    return "[" + ", ".join(f"{number:.6g}" for number in xyxy) + "]"
