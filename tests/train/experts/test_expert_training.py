"""The steps of a training run: it learns, stops, goes on after a kill as if nothing happened."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.experts.toy_bright_expert import PATH
from tests.train.experts.bright_set import make_bright_set, toy_settings

from groundsight.core.errors import ConfigError, UsageError
from groundsight.experts import build_expert
from groundsight.experts.signal.pictures import FitPicture
from groundsight.train.experts.batches import (
    Views,
    epoch_places,
    iter_batches,
    num_steps,
)
from groundsight.train.experts.data import DataChoice, ExpertPicture, read_data
from groundsight.train.experts.loop import Machine, Outcome, Training
from groundsight.train.experts.run import split_off
from groundsight.train.experts.settings import ExpertTraining, training_settings
from groundsight.train.experts.state import CHECKPOINT_FILE
from groundsight.train.experts.watch import Silent
from groundsight.train.metrics_file import Row, read_metrics

Parts = tuple[list[ExpertPicture], list[ExpertPicture]]
SAVES_ALWAYS = Machine(save_every_s=0.0)


class Killed(Exception):
    """Stands for a kill."""


class KilledAt(Silent):
    def __init__(self, step: int) -> None:
        self.left = step

    def step(self, epoch: int, loss: float) -> None:
        self.left -= 1
        if self.left < 0:
            raise Killed


class Counting(Silent):
    def __init__(self) -> None:
        self.begun: list[tuple[int, int]] = []
        self.steps = 0
        self.rows: list[Row] = []

    def begin(self, num_steps: int, done: int) -> None:
        self.begun.append((num_steps, done))

    def step(self, epoch: int, loss: float) -> None:
        self.steps += 1

    def epoch(self, row: Row) -> None:
        self.rows.append(row)


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Parts:
    data = read_data(DataChoice(path=make_bright_set(tmp_path_factory.mktemp("bright"))))
    return split_off(data.fit, toy_settings())


def training(
    parts: Parts, folder: Path, settings: ExpertTraining | None = None, **more: object
) -> Training:
    torch.manual_seed(0)
    settings = settings or toy_settings()
    expert = build_expert(PATH, settings=settings.expert, device="cpu")
    return Training(expert, settings, *parts, folder, **more)  # type: ignore[arg-type]


def weights(run: Training) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in run.expert.network.state_dict().items()}


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


def test_it_learns_and_keeps_the_best_epoch(parts: Parts, tmp_path: Path) -> None:
    watch = Counting()
    run = training(parts, tmp_path, watch=watch)
    outcome = run.run()
    assert outcome.valid_auc == 1.0
    assert outcome.valid_auc == max(row["valid_auc"] for row in watch.rows)
    assert read_metrics(tmp_path / "training.jsonl") == watch.rows
    assert watch.begun == [(4 * num_steps(len(parts[0]), run.settings), 0)]
    assert watch.rows[-1]["loss"] < watch.rows[0]["loss"]
    assert not run.expert.network.training


@pytest.mark.parametrize("kill_at", [1, 6, 7, 8, 15])
@pytest.mark.parametrize("average", [0.0, 0.9])
def test_a_killed_run_ends_in_the_same_bits(
    parts: Parts, tmp_path: Path, kill_at: int, average: float
) -> None:
    settings = toy_settings(average=average, epochs=3)
    whole = training(parts, tmp_path / "whole", settings)
    (tmp_path / "whole").mkdir()
    (tmp_path / "killed").mkdir()
    at_once = whole.run()
    killed = training(
        parts, tmp_path / "killed", settings, machine=SAVES_ALWAYS, watch=KilledAt(kill_at)
    )
    with pytest.raises(Killed):
        killed.run()
    torch.manual_seed(99)  # whatever another process starts with
    again = training(parts, tmp_path / "killed", settings, machine=SAVES_ALWAYS)
    in_two = again.run(resume=True)
    assert same(weights(whole), weights(again))
    assert at_once.best_epoch == in_two.best_epoch
    assert np.array_equal(at_once.valid.logits, in_two.valid.logits)
    rows = [read_metrics(tmp_path / name / "training.jsonl") for name in ("whole", "killed")]
    for row in (*rows[0], *rows[1]):
        row.pop("seconds")
    assert rows[0] == rows[1]


def test_resuming_without_a_checkpoint_begins_at_the_start(parts: Parts, tmp_path: Path) -> None:
    watch = Counting()
    training(parts, tmp_path, toy_settings(epochs=1), watch=watch).run(resume=True)
    assert watch.begun[0][1] == 0


def test_a_finished_run_takes_no_further_step(parts: Parts, tmp_path: Path) -> None:
    first = training(parts, tmp_path).run()
    watch = Counting()
    again: Outcome = training(parts, tmp_path, watch=watch).run(resume=True)
    assert watch.steps == 0
    assert np.array_equal(first.valid.logits, again.valid.logits)


def test_a_damaged_checkpoint_is_told(parts: Parts, tmp_path: Path) -> None:
    (tmp_path / CHECKPOINT_FILE).write_bytes(b"PK\x03\x04 no checkpoint")
    with pytest.raises(UsageError, match="damaged"):
        training(parts, tmp_path).run(resume=True)


def test_it_stops_when_the_held_out_pictures_gain_nothing(parts: Parts, tmp_path: Path) -> None:
    settings = toy_settings(epochs=50, patience=2, learning_rate=1e-9)
    watch = Counting()
    outcome = training(parts, tmp_path, settings, watch=watch).run()
    gained = max(row["valid_auc"] for row in watch.rows)
    first = next(row["step"] for row in watch.rows if row["valid_auc"] == gained)
    assert outcome.epochs == first + 2 < 50


def test_of_epochs_with_one_auc_the_one_with_the_lower_loss_is_kept(
    parts: Parts, tmp_path: Path
) -> None:
    watch = Counting()
    outcome = training(parts, tmp_path, toy_settings(epochs=6, patience=6), watch=watch).run()
    best = min(watch.rows, key=lambda row: (-row["valid_auc"], row["valid_loss"]))
    assert outcome.best_epoch == best["step"] > 1


def test_workers_change_nothing(parts: Parts, tmp_path: Path) -> None:
    settings = toy_settings()
    views = Views(parts[0], build_expert(PATH, device="cpu"), settings)
    places = epoch_places(parts[0], settings, 1)
    alone, together = (
        list(iter_batches(views, places, settings, done=4, workers=workers)) for workers in (0, 1)
    )
    assert len(alone) == len(together) == num_steps(len(parts[0]), settings) - 4
    for one, other in zip(alone, together, strict=True):
        assert np.array_equal(one.views, other.views)
        assert np.array_equal(one.labels, other.labels)


def test_an_epoch_shows_classes_evenly_and_each_picture_about_as_often_as_it_weighs() -> None:
    def one(key: str, label: int) -> FitPicture:
        return FitPicture(path=Path(key), key=key, label=label, group=str(label))

    some = [one(f"r{i}", 0) for i in range(90)] + [one(f"f{i}", 1) for i in range(10)]
    settings = toy_settings(pictures_an_epoch=200)
    counts = np.bincount([place.picture for place in epoch_places(some, settings, 0)])
    assert counts.sum() == 200
    assert 99 <= counts[90:].sum() <= 101
    assert set(counts[:90].tolist()) <= {1, 2}
    other = epoch_places(some, settings, 1)
    assert [place.picture for place in other] != [
        place.picture for place in epoch_places(some, settings, 0)
    ]


def test_pictures_that_cannot_be_read_are_replaced_by_others_of_their_class(
    parts: Parts, tmp_path: Path
) -> None:
    broken = [
        ExpertPicture(path=tmp_path / "gone.png", key="gone", label=1, group="f0", row="", stamp="")
    ]
    run = training((parts[0] + broken, parts[1]), tmp_path, toy_settings(epochs=1))
    assert run.run().num_unreadable >= 1


def test_a_set_that_cannot_be_read_at_all_is_a_users_mistake(parts: Parts, tmp_path: Path) -> None:
    gone = [
        ExpertPicture(path=tmp_path / f"{i}", key=f"{i}", label=i % 2, group="", row="", stamp="")
        for i in range(8)
    ]
    with pytest.raises(UsageError, match="cannot be read"):
        training((gone, parts[1]), tmp_path).run()


def test_the_learning_rate_rises_and_falls_to_nothing(parts: Parts, tmp_path: Path) -> None:
    run = training(parts, tmp_path, toy_settings(epochs=10, warm_up_rate=0.1))
    total = 10 * num_steps(len(parts[0]), run.settings)
    rates = [run.learning_rate(step) for step in range(total)]
    top = rates.index(max(rates))
    assert max(rates) == pytest.approx(0.05)
    assert top <= total // 10
    assert rates[0] < rates[top]
    assert all(a >= b for a, b in zip(rates[top:], rates[top + 1 :], strict=False))
    assert rates[-1] < 1e-4


def test_statistics_of_the_input_are_learnt_before_the_first_step(
    parts: Parts, tmp_path: Path
) -> None:
    settings = training_settings(
        "fredect",
        {"epochs": 1, "batch": 16, "crop_px": 32, "expert": {"crop": 32, "resize": "none"}},
    )
    assert settings.expert["resize"] is None
    expert = build_expert("fredect", settings=settings.expert, device="cpu")
    before = expert.network.get_buffer("dct_mean").clone()
    Training(expert, settings, *parts, tmp_path).run()
    assert not torch.equal(before, expert.network.get_buffer("dct_mean"))


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ({"epochs": 0}, "epochs"),
        ({"augmentation": {"blur": 1}}, "augmentation.blur: no such setting"),
        ({"precision": "float16"}, "precision"),
    ],
)
def test_settings_that_do_not_fit_are_told(tree: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        training_settings("npr", tree)


def test_changes_are_laid_over_an_experts_defaults() -> None:
    changed = training_settings("npr", {"augmentation": {"blur_rate": 0.9}})
    plain = training_settings("npr")
    assert changed.augmentation.blur_rate == 0.9
    assert changed.augmentation.jpeg_quality == plain.augmentation.jpeg_quality
    assert training_settings("my.module:Expert") == ExpertTraining()
