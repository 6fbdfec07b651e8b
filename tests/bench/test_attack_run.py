"""Attacks on small experts, from pictures on disk to figures: codec, resume, plot, command."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from pydantic import ValidationError
from typer.testing import CliRunner

from groundsight.bench.attack.figures import figures_of
from groundsight.bench.attack.plot import save_accuracy
from groundsight.bench.attack.records import (
    AttackFile,
    AttackLine,
    AttackSettings,
    Outcome,
    read_codec,
)
from groundsight.bench.attack.run import read_attacks, start_attack
from groundsight.bench.attack.victim import ExpertVictim
from groundsight.cli.app import app
from groundsight.core.errors import UsageError
from groundsight.core.types import ImageRef, Label, Sample, Verdict
from groundsight.experts import build_expert, save_expert
from groundsight.experts.base import Expert
from groundsight.vision.images import open_picture


def small_expert() -> Expert:
    """A fresh network on 32 px: its logits lie around 0."""
    torch.manual_seed(0)
    return build_expert("npr", settings={"crop": 32}, device="cpu")


def write_pictures(folder: Path, num: int = 3) -> list[Sample]:
    samples = []
    for index in range(num):
        label: Label = 1 if index % 2 else 0
        path = folder / ("fake" if label else "real") / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(index).integers(0, 256, (40, 36, 3), np.uint8)
        Image.fromarray(pixels).save(path)
        images = (ImageRef(path=str(path)),)
        samples.append(Sample(id=f"p{index}", images=images, task="forgery_reasoning", label=label))
    return samples


QUICK = AttackSettings(levels=(0, 2, 4), steps=2)


def test_lines_hold_what_was_judged_within_epsilon(tmp_path: Path) -> None:
    samples, expert = write_pictures(tmp_path), small_expert()
    with start_attack(
        lambda: samples, ExpertVictim(expert), tmp_path / "out", QUICK, keep=True
    ) as run:
        lines = list(run)
        found = run.finish()
    assert [line.id for line in lines] == ["p0", "p1", "p2"]
    assert list(read_attacks(tmp_path / "out")) == lines
    for line, sample in zip(lines, samples, strict=True):
        picture = open_picture(sample.images[0].path)
        assert line.outcomes[0].loss == line.loss_clean
        losses = [outcome.loss for outcome in line.outcomes]
        assert losses == sorted(losses) and losses[0] < losses[-1]
        for outcome in line.outcomes:
            (kept,) = (tmp_path / "out/pictures").glob(f"{line.id}-*.eps{outcome.level}.png")
            again = open_picture(kept)
            change = np.abs(again.rgb.astype(int) - picture.rgb).max()
            assert change == outcome.linf <= outcome.level
            (p_fake,) = expert.score([Image.fromarray(again.rgb)])
            assert outcome.p_fake == pytest.approx(float(p_fake), abs=1e-6)
            fake = float(p_fake) > 0.5
            assert outcome.verdict is (Verdict.AI_GENERATED if fake else Verdict.REAL)
            assert outcome.correct == (fake == bool(line.label))
    assert found.num_attacked == 3 and [one.level for one in found.figures] == [0, 2, 4]
    saved = AttackFile.model_validate_json((tmp_path / "out/attack.json").read_bytes())
    assert saved == found


def test_the_attack_moves_p_fake_the_wrong_way(tmp_path: Path) -> None:
    samples = write_pictures(tmp_path, 2)
    with start_attack(lambda: samples, ExpertVictim(small_expert()), tmp_path / "o", QUICK) as run:
        real, fake = run
    assert [o.p_fake for o in real.outcomes] == sorted(o.p_fake or 0 for o in real.outcomes)
    assert [o.p_fake for o in fake.outcomes] == sorted(
        (o.p_fake or 0 for o in fake.outcomes), reverse=True
    )


def test_the_file_that_is_judged_went_through_the_codec(tmp_path: Path) -> None:
    samples = write_pictures(tmp_path, 1)
    settings = AttackSettings(levels=(0, 4), steps=2, codec="jpeg-50")
    run = start_attack(
        lambda: samples, ExpertVictim(small_expert()), tmp_path / "o", settings, keep=True
    )
    with run:
        (line,) = run
    files = sorted((tmp_path / "o/pictures").iterdir())
    assert [file.suffix for file in files] == [".jpg", ".jpg"]
    before, after = (open_picture(file).rgb.astype(int) for file in files)
    clean = open_picture(samples[0].images[0].path).rgb
    assert np.abs(before - clean).max() > 4  # ε = 0 is the picture after the codec
    assert line.outcomes[0].linf == 0 and np.abs(after - before).max() > 0


def test_an_attacker_who_knows_the_codec_is_told_by_the_file(tmp_path: Path) -> None:
    """The loss of the lines is the logit of the decoded file, away from the label."""
    samples, expert = write_pictures(tmp_path, 2), small_expert()
    settings = AttackSettings(levels=(0, 8), steps=3, codec="jpeg-60")
    with start_attack(lambda: samples, ExpertVictim(expert), tmp_path / "o", settings) as run:
        known = list(run)
    for line in known:
        sign = -1 if line.label else 1
        for outcome in line.outcomes:
            assert outcome.p_fake is not None
            logit = np.log(outcome.p_fake / (1 - outcome.p_fake))
            assert sign * logit == pytest.approx(outcome.loss, abs=1e-4)
        assert line.outcomes[1].loss >= line.outcomes[0].loss == line.loss_clean
    blind = settings.model_copy(update={"through_codec": False})
    with start_attack(lambda: samples, ExpertVictim(expert), tmp_path / "b", blind) as run:
        unknown = list(run)
    assert unknown[0].loss_clean != known[0].loss_clean  # it is that of the picture itself


def test_a_stopped_run_goes_on_where_it_was(tmp_path: Path) -> None:
    samples, out = write_pictures(tmp_path, 3), tmp_path / "out"
    with start_attack(lambda: samples, ExpertVictim(small_expert()), out, QUICK) as run:
        first = next(iter(run))
    with (out / "attacks.jsonl").open("ab") as file:
        file.write(b'{"id": "p1", "label": 1, "pa')  # the power went
    with pytest.raises(UsageError, match="--resume goes on"):
        start_attack(lambda: samples, ExpertVictim(small_expert()), out, QUICK)
    with start_attack(
        lambda: samples, ExpertVictim(small_expert()), out, QUICK, resume=True
    ) as again:
        assert again.num_done == 1
        assert [line.id for line in again] == ["p1", "p2"]
    lines = list(read_attacks(out))
    assert lines[0] == first and [line.id for line in lines] == ["p0", "p1", "p2"]
    other = QUICK.model_copy(update={"codec": "jpeg-75"})
    with pytest.raises(UsageError, match="begun with another attack"):
        start_attack(lambda: samples, ExpertVictim(small_expert()), out, other, resume=True)
    torch.manual_seed(9)
    stranger = ExpertVictim(build_expert("npr", settings={"crop": 32}, device="cpu"))
    with pytest.raises(UsageError, match="begun with another victim"):
        start_attack(lambda: samples, stranger, out, QUICK, resume=True)


def test_a_picture_that_cannot_be_opened_is_counted_not_scored(tmp_path: Path) -> None:
    samples = write_pictures(tmp_path, 2)
    Path(samples[0].images[0].path).write_bytes(b"no picture")
    with start_attack(lambda: samples, ExpertVictim(small_expert()), tmp_path / "o", QUICK) as run:
        bad, good = run
        found = run.finish()
    assert bad.problem and not bad.outcomes and good.outcomes
    assert (found.num_attacked, found.num_left) == (1, 1)
    assert all(one.num == 1 and one.accuracy_real is None for one in found.figures)


def test_samples_without_a_label_or_none_at_all_are_refused(tmp_path: Path) -> None:
    samples = [write_pictures(tmp_path, 1)[0].model_copy(update={"label": None})]
    victim = ExpertVictim(small_expert())
    with pytest.raises(UsageError, match="p0 has no label"):
        start_attack(lambda: samples, victim, tmp_path / "o", QUICK)
    with pytest.raises(UsageError, match="no samples"):
        start_attack(lambda: [], victim, tmp_path / "o", QUICK)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"levels": (4, 2)}, "levels must rise"),
        ({"levels": ()}, "levels must rise"),
        ({"levels": (0, 0)}, "levels must rise"),
        ({"levels": (65,)}, "less than or equal to 64"),
        ({"codec": "jpeg"}, "codec must be"),
        ({"codec": "png-9"}, "codec must be"),
        ({"codec": "jpeg-0"}, "lies in 1 to 100"),
        ({"codec": "jpeg-²"}, "codec must be"),
        ({"codec": "bmp"}, "codec must be"),
        ({"steps": 0}, "greater than or equal to 1"),
    ],
)
def test_settings_that_make_no_sense_are_refused(given: dict[str, object], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        AttackSettings.model_validate(given)


def test_codecs_by_name() -> None:
    assert read_codec("png").quality is None
    assert (read_codec("webp-80").format, read_codec("webp-80").quality) == ("webp", 80)


def outcome(level: int, correct: bool, iou: float | None = None) -> Outcome:
    return Outcome(level=level, linf=level, loss=0.0, correct=correct, region_iou=iou, timing_s=0.0)


def test_figures_by_hand() -> None:
    lines = [
        AttackLine(id="a", label=0, path="", outcomes=(outcome(0, True), outcome(4, False))),
        AttackLine(id="b", label=1, path="", outcomes=(outcome(0, True, 0.5), outcome(4, True, 0))),
        AttackLine(id="c", label=1, path="", outcomes=(outcome(0, False), outcome(4, False))),
        AttackLine(id="d", label=1, path="", problem="gone"),
    ]
    clean, attacked = figures_of(lines)
    assert clean.num == 3 and clean.accuracy == pytest.approx(2 / 3)
    assert (clean.accuracy_real, clean.accuracy_fake) == (1.0, 0.5)
    assert attacked.accuracy == pytest.approx(1 / 3)
    assert (attacked.accuracy_real, attacked.accuracy_fake) == (0.0, 0.5)
    assert clean.flipped == 0.0 and attacked.flipped == 0.5  # of a and b, a was flipped
    assert (clean.mean_region_iou, attacked.mean_region_iou) == (0.5, 0.0)
    assert attacked.interval[0] < 1 / 3 < attacked.interval[1]


def test_the_plot_is_drawn(tmp_path: Path) -> None:
    figures = figures_of(
        [AttackLine(id="a", label=0, path="", outcomes=(outcome(0, True), outcome(8, False)))]
    )
    found = AttackFile(
        victim={"name": "expert:npr"}, settings=QUICK, num_attacked=1, num_left=0, figures=figures
    )
    save_accuracy(found, tmp_path / "plot.png")
    with Image.open(tmp_path / "plot.png") as drawn:
        colours = np.unique(np.asarray(drawn.convert("RGB")).reshape(-1, 3), axis=0)
        assert drawn.width > 500 and len(colours) > 50
    with pytest.raises(UsageError, match="cannot write"):
        save_accuracy(found, tmp_path / "nowhere" / "plot.png")


def test_the_command(tmp_path: Path) -> None:
    write_pictures(tmp_path / "data", 4)
    folder = save_expert(small_expert(), tmp_path / "expert")
    flags = ["bench", "attack", str(tmp_path / "data"), "--engine", f"expert:{folder}"]
    flags += ["--out", str(tmp_path / "out"), "--levels", "0,4", "--steps", "2", "--device", "cpu"]
    done = CliRunner().invoke(app, [*flags, "--format", "json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert [one["level"] for one in told["figures"]] == [0, 4] and told["num_attacked"] == 4
    assert (tmp_path / "out/accuracy.png").is_file()
    again = CliRunner().invoke(app, [*flags, "--resume"])
    assert again.exit_code == 0 and "ε/255" in again.stdout


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--engine", "builtin"], "a gradient is needed"),
        (["--engine", "expert:"], "a gradient is needed"),
        (["--engine", "expert:npr", "--levels", "a"], "whole grey levels"),
        (["--engine", "expert:npr", "--method", "cw"], "method"),
    ],
)
def test_mistakes_of_the_command_are_told(tmp_path: Path, flags: list[str], told: str) -> None:
    write_pictures(tmp_path / "data", 2)
    done = CliRunner().invoke(
        app, ["bench", "attack", str(tmp_path / "data"), "--out", str(tmp_path / "o"), *flags]
    )
    assert isinstance(done.exception, UsageError)
    assert told in str(done.exception)
