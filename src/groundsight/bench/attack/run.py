"""Attacking many pictures: a line a picture, on the disk as it is found; a killed run goes on."""

import re
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from time import perf_counter
from types import TracebackType

import numpy as np
import torch
from PIL import Image

from groundsight.bench.attack.figures import figures_of
from groundsight.bench.attack.linf import Attacked, Loss, attack
from groundsight.bench.attack.records import (
    FIGURES_FILE,
    LINES_FILE,
    PICTURES,
    AttackFile,
    AttackLine,
    AttackSettings,
    Outcome,
    check_label,
    read_codec,
)
from groundsight.bench.attack.victim import Victim, to_image
from groundsight.core.errors import FrameError, PictureError, UsageError
from groundsight.core.seeds import derive_seed
from groundsight.core.types import Sample, Verdict
from groundsight.data.line_file import LineFile
from groundsight.data.packed import open_image
from groundsight.data.record_lines import read_record_lines
from groundsight.data.run_folder import check_settings, lock, told, write_whole
from groundsight.data.samples.writer import mend_tail
from groundsight.experts.tracing import to_pixels
from groundsight.tasks import with_sizes
from groundsight.vision.codecs import USUAL_WEBP, encode, recode
from groundsight.vision.frames import PictureSize
from groundsight.vision.images import Picture, decode_picture

Samples = Callable[[], Iterable[Sample]]
"Gives the samples, as often as it is called."


class AttackRun:
    """A folder in which pictures are being attacked; iterate to do it, then `finish`.

    Args:
        samples: labelled, of one picture each.
        victim: whom is attacked.
        folder: made where it is not there.
        settings: how.
        resume: whether it may hold lines already.
        keep: write the attacked pictures as they were judged.

    Raises:
        UsageError: the folder holds a run and `resume` is not set, or one of another victim or of
            other settings; a sample has no label; no sample at all.
    """

    def __init__(
        self,
        samples: Samples,
        victim: Victim,
        folder: Path,
        settings: AttackSettings,
        *,
        resume: bool = False,
        keep: bool = False,
    ) -> None:
        self._samples, self._victim, self._settings = samples, victim, settings
        self.folder, self._keep = folder, keep
        self.num_total = _count(samples())
        with told(folder):
            (folder / PICTURES if keep else folder).mkdir(parents=True, exist_ok=True)
            self._file = LineFile(folder / LINES_FILE, sync_s=1.0)
        try:
            lock(self._file, folder)
            self._begin(resume=resume)
        except BaseException:
            self._file.close()
            raise

    def _begin(self, *, resume: bool) -> None:
        path = self.folder / LINES_FILE
        with told(self.folder):
            held = mend_tail(path)
            if held and not resume:
                raise UsageError(
                    f"{self.folder} holds an attack already: --resume goes on with it, or name "
                    "another --out"
                )
            told_apart = {
                "victim": dict(self._victim.describe()),
                "attack": self._settings.model_dump(mode="json"),
            }
            check_settings(self.folder, told_apart, holds=held > 0)
        self._done = {line.id for line in read_attacks(self.folder)}
        self.num_done = len(self._done)

    def __iter__(self) -> Iterator[AttackLine]:
        """Attack what is pending, one picture after the other."""
        for sample in self._samples():
            if sample.id in self._done:
                continue
            line = self._attacked(sample)
            with told(self.folder):
                self._file.write(line.model_dump_json(exclude_none=True).encode())
            self._done.add(sample.id)
            yield line

    def finish(self) -> AttackFile:
        """Write the figures of what was done.

        Raises:
            UsageError: no picture could be attacked.
        """
        self.close()
        lines = list(read_attacks(self.folder))
        attacked = [line for line in lines if line.outcomes]
        if not attacked:
            reason = lines[0].problem if lines else "nothing was done"
            raise UsageError(f"no picture could be attacked: {reason}")
        found = AttackFile(
            victim=dict(self._victim.describe()),
            settings=self._settings,
            num_attacked=len(attacked),
            num_left=len(lines) - len(attacked),
            figures=figures_of(attacked),
        )
        with told(self.folder):
            write_whole(self.folder / FIGURES_FILE, found.model_dump_json(indent=2) + "\n")
        return found

    def close(self) -> None:
        """Have every line on the disk."""
        with told(self.folder):
            self._file.close()

    def __enter__(self) -> "AttackRun":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def _attacked(self, sample: Sample) -> AttackLine:
        """All ε of one picture."""
        label = check_label(sample.label, sample.id)
        path = sample.images[0].path if sample.images else ""
        try:
            if len(sample.images) != 1:
                raise UsageError(f"an attack is on one picture, it has {len(sample.images)}")
            picture = open_image(path)
            sized = with_sizes(sample, [PictureSize(picture.width, picture.height)])
            clean, outcomes = self._levels(sized, picture)
        except (PictureError, FrameError, UsageError) as error:
            return AttackLine(id=sample.id, label=label, path=path, problem=str(error)[:300])
        return AttackLine(
            id=sample.id, label=label, path=path, loss_clean=clean, outcomes=tuple(outcomes)
        )

    def _levels(self, sample: Sample, picture: Picture) -> tuple[float, list[Outcome]]:
        loss = through_codec(self._victim.loss(sample, picture), self._settings)
        pixels = to_pixels(_image(picture), self._victim.device)
        with torch.no_grad():
            clean = float(loss(pixels))
        outcomes: list[Outcome] = []
        found: Attacked | None = None
        for level in self._settings.levels:
            started = perf_counter()
            found = self._attack(loss, pixels, level, found, sample.id)
            outcomes.append(self._judged(sample, picture, level, found, started))
        return clean, outcomes

    def _attack(
        self, loss: Loss, pixels: torch.Tensor, level: int, before: Attacked | None, name: str
    ) -> Attacked:
        return attack(
            loss,
            pixels,
            level=level,
            settings=self._settings,
            start=None if before is None else before.pixels,
            seed=derive_seed(self._settings.seed, name, level),
        )

    def _judged(
        self, sample: Sample, picture: Picture, level: int, found: Attacked, started: float
    ) -> Outcome:
        """Round, write to a file, read again, and ask."""
        image = to_image(found.pixels)
        codec = read_codec(self._settings.codec)
        data = encode(image, codec, webp_effort=USUAL_WEBP)
        if self._keep:
            name = picture_name(sample.id, level, codec.suffix)
            with told(self.folder):
                (self.folder / PICTURES / name).write_bytes(data)
        said = self._victim.judge(sample, decode_picture(data, picture.path))
        change = np.asarray(image).astype(int) - picture.rgb
        right = Verdict.AI_GENERATED if sample.label == 1 else Verdict.REAL
        return Outcome(
            level=level,
            linf=int(np.abs(change).max()),
            loss=found.loss,
            verdict=said.verdict,
            p_fake=said.p_fake,
            region_iou=said.region_iou,
            correct=said.verdict is right,
            timing_s=round(perf_counter() - started, 4),
        )


def start_attack(
    samples: Samples,
    victim: Victim,
    folder: Path,
    settings: AttackSettings | None = None,
    *,
    resume: bool = False,
    keep: bool = False,
) -> AttackRun:
    """See `AttackRun`."""
    return AttackRun(
        samples, victim, folder, settings or AttackSettings(), resume=resume, keep=keep
    )


def read_attacks(folder: Path) -> Iterator[AttackLine]:
    """The lines of a run.

    Raises:
        UsageError: a line that is none of an attack.
    """
    path = folder / LINES_FILE
    with told(path):
        yield from read_record_lines(path, AttackLine, otherwise="is no line of an attack")


def through_codec(loss: Loss, settings: AttackSettings) -> Loss:
    """The loss of the file that pixels become, where the codec loses something.

    The value is that of the decoded file; the gradient passes as if there were no codec (Athalye et
    al., 2018, arXiv 1802.00420: backward pass differentiable approximation by the identity).
    """
    codec = read_codec(settings.codec)
    if codec.format == "png" or not settings.through_codec:
        return loss

    def of(pixels: torch.Tensor) -> torch.Tensor:
        seen = to_pixels(recode(to_image(pixels), codec), pixels.device)
        return loss(pixels + (seen - pixels).detach())

    return of


def picture_name(sample_id: str, level: int, suffix: str) -> str:
    """A file name for an attacked picture: ASCII, no path in it, another for another sample."""
    stem = re.sub(r"[^A-Za-z0-9_-]+", "_", sample_id)[-60:].strip("_") or "picture"
    key = sha256(sample_id.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{stem}-{key}.eps{level}{suffix}"


def _image(picture: Picture) -> Image.Image:
    return Image.fromarray(picture.rgb)


def _count(samples: Iterable[Sample]) -> int:
    """How many there are; every one must have a label."""
    number = 0
    for sample in samples:
        check_label(sample.label, sample.id)
        number += 1
    if number == 0:
        raise UsageError("no samples to attack")
    return number
