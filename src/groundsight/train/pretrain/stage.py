"""One stage of pretraining: blocks of steps, learning rates, checkpoints that a killed run resumes.

What a stage does at a step is its `Lesson`; everything here is the same for all.
"""

import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn

from groundsight.core.seeds import make_rng
from groundsight.train.pretrain.scenes import Scene, SceneMaker, turned
from groundsight.train.pretrain.settings import PretrainSettings
from groundsight.train.pretrain.together import average_gradients

Groups = Sequence[tuple[Sequence[nn.Parameter], float]]


class Lesson(Protocol):
    """What is learnt at a step."""

    name: str
    modules: dict[str, nn.Module]
    "By name, all that is kept in a checkpoint."

    def groups(self) -> Groups:
        """Trained parameters with their peak learning rates."""
        ...

    def losses(self, scenes: Sequence[Scene], rng: Any) -> dict[str, torch.Tensor]:
        """Parts of the loss of one process's share of a batch."""
        ...


@dataclass(frozen=True, kw_only=True)
class Place:
    """Which process this is, and where it writes.

    Args:
        rank: 0 to `num` - 1; the first one writes.
        num: processes.
        folder: of checkpoints and `log.jsonl`.
        say: prints a line.
    """

    rank: int
    num: int
    folder: Path
    say: Callable[[str], None] = print


def train_stage(
    lesson: Lesson, maker: SceneMaker, settings: PretrainSettings, place: Place, *, steps: int
) -> None:
    """Train to the last step; go on from the stage's checkpoint where there is one."""
    groups = lesson.groups()
    trained = [parameter for parameters, _ in groups for parameter in parameters]
    optimizer = torch.optim.AdamW(
        [{"params": list(parameters), "peak": rate} for parameters, rate in groups],
        lr=0.0,
        betas=(0.9, 0.98),
        weight_decay=0.01,
        fused=True,
    )
    done = _resume(lesson, optimizer, place)
    share = settings.batch_size // place.num
    while done < steps:
        started, told = time.monotonic(), []
        shown = _shown(maker, settings, lesson.name, done // settings.block_steps, place)
        making_s = time.monotonic() - started
        rng = make_rng(settings.seed, lesson.name, "steps", done, place.rank)
        for _ in range(min(settings.block_steps, steps - done)):
            for group in optimizer.param_groups:
                group["lr"] = group["peak"] * pace(done, steps, settings)
            parts = lesson.losses([turned(next(shown), rng) for _ in range(share)], rng)
            optimizer.zero_grad()
            torch.stack(list(parts.values())).sum().backward()
            average_gradients(trained)
            nn.utils.clip_grad_norm_(trained, 1.0)
            optimizer.step()
            done += 1
            told.append({name: float(part.detach()) for name, part in parts.items()})
        if place.rank == 0:
            _save(lesson, optimizer, place, done)
            _tell(lesson, place, done, told, time.monotonic() - started, making_s)


def pace(step: int, steps: int, settings: PretrainSettings) -> float:
    """Share of the peak learning rate: up in a line, level, down in a line at the end."""
    rising = (step + 1) / settings.warm_up
    falling = (steps - step) / max(1.0, settings.cool_down * steps)
    return min(1.0, rising, falling)


def _shown(  # type: ignore[no-untyped-def]
    maker: SceneMaker, settings: PretrainSettings, name: str, block: int, place: Place
):
    """Scenes of a block in the order in which this process sees them."""
    share = settings.batch_size // place.num
    slots = settings.block_steps * share
    count = -(-slots // settings.views)
    number = (block * place.num + place.rank) * 2 + (name == "text")
    scenes = maker.block(number, count)
    rng = make_rng(settings.seed, name, "order", block, place.rank)
    for _ in range(settings.views):
        for index in rng.permutation(count):
            yield scenes[int(index)]
    yield from scenes


def checkpoint(folder: Path, lesson: str) -> Path:
    """The checkpoint of a stage, by its lesson's name."""
    return folder / f"{lesson}.pt"


def _resume(lesson: Lesson, optimizer: torch.optim.Optimizer, place: Place) -> int:
    file = checkpoint(place.folder, lesson.name)
    if not file.exists():
        return 0
    held = torch.load(file, weights_only=True)
    for name, module in lesson.modules.items():
        module.load_state_dict(held[name])
    peaks = [group["peak"] for group in optimizer.param_groups]
    optimizer.load_state_dict(held["optimizer"])
    for group, peak in zip(optimizer.param_groups, peaks, strict=True):
        group["peak"] = peak
    return int(held["step"])


def _save(lesson: Lesson, optimizer: torch.optim.Optimizer, place: Place, step: int) -> None:
    held: dict[str, Any] = {name: part.state_dict() for name, part in lesson.modules.items()}
    held |= {"optimizer": optimizer.state_dict(), "step": step}
    file = checkpoint(place.folder, lesson.name)
    partial = file.with_suffix(".partial")
    torch.save(held, partial)
    os.replace(partial, file)


def _tell(
    lesson: Lesson,
    place: Place,
    step: int,
    told: Sequence[dict[str, float]],
    took_s: float,
    making_s: float,
) -> None:
    names = sorted({name for parts in told for name in parts})
    means = {
        name: round(sum(parts.get(name, 0.0) for parts in told) / len(told), 4) for name in names
    }
    line = {"stage": lesson.name, "step": step, "seconds": round(took_s, 1), **means}
    line["making_s"] = round(making_s, 1)
    with (place.folder / "log.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    losses = "  ".join(f"{name} {value:.3f}" for name, value in means.items())
    place.say(f"{lesson.name} step {step} ({took_s:.0f} s): {losses}")
