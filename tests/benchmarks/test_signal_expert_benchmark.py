import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from benchmarks.signal_expert import (
    Scored,
    abstention,
    by_name,
    chosen_views,
    figures,
    main,
    report,
    score_picture,
    timing,
)
from tests.benchmarks.picture_set import make_picture_set, needs_weights

from groundsight.core.errors import UnknownNameError
from groundsight.engines.builtin.verdict import Band
from groundsight.experts.signal.pictures import FitPicture, read_manifest
from groundsight.experts.signal.reshipped import PROTOCOL, VIEWS
from groundsight.forensics.signal.weights import HERE


def scored(label: int, p_fake: float | None, blurred: float = 0.5, group: str = "a") -> Scored:
    picture = FitPicture(path=Path("x"), key=f"{label}/{p_fake}", label=label, group=group)
    return Scored(
        picture=picture,
        p_fake={PROTOCOL: p_fake, "blur-1": blurred},
        seconds={PROTOCOL: 0.2},
        megapixels=0.5,
    )


SET = [
    scored(0, 0.1),
    scored(0, 0.2, group="b"),
    scored(0, 0.6),
    scored(0, None),
    scored(1, 0.9),
    scored(1, 0.4),
]


def test_figures_worked_by_hand() -> None:
    table = figures(SET, PROTOCOL, 20)
    # Eight pairs; 0.4 loses to the real 0.6 and to the unmeasured 0.5.
    assert table["auc"]["value"] == 0.75
    assert table["accuracy"]["value"] == pytest.approx(4 / 6, abs=1e-4)
    assert table["balanced_accuracy"]["value"] == pytest.approx((3 / 4 + 1 / 2) / 2)
    assert table["false_alarm_rate"]["value"] == 0.25  # the unmeasured one is decided as real
    assert table["hit_rate"]["value"] == 0.5
    assert table["tpr_at_5_percent_fpr"]["value"] == 0.5
    assert table["num_unmeasurable"] == 1
    assert "auc_lost" not in table
    for name in ("auc", "ece_equal_width_10", "ece_equal_mass_10", "average_precision"):
        assert 0 <= table[name]["low"] <= table[name]["high"] <= 1


def test_a_view_is_held_against_the_protocol() -> None:
    lost = figures(SET, "blur-1", 20)["auc_lost"]
    assert lost["value"] == 0.25  # 0.75 less the 0.5 of a constant
    assert lost["low"] <= 0.25 <= lost["high"]


def test_kinds_are_told_apart() -> None:
    table = by_name(SET, PROTOCOL, lambda one: f"{one.picture.label}{one.picture.group}")
    assert list(table) == ["0a", "1a", "0b"]
    assert table["0a"] == {
        "num": 3,
        "decided_generated_rate": pytest.approx(1 / 3, abs=1e-4),
        "mean_p_fake": 0.4,
        "num_unmeasurable": 1,
    }


def test_abstention_worked_by_hand() -> None:
    table = abstention(SET, PROTOCOL, Band(0.15, 0.65))
    assert table["inconclusive_rate"] == pytest.approx(4 / 6, abs=1e-4)  # .2 .6 None .4
    assert table["inconclusive_rate_of_real"] == 0.75
    assert table["accuracy_of_the_rest"] == 1.0
    # Inside: .2 right, .6 wrong, the unmeasured one right, .4 wrong.
    assert table["accuracy_inside_the_band_at_0.5"] == 0.5


def test_no_band_can_decide_an_unmeasured_picture() -> None:
    table = abstention([scored(0, None), scored(1, 0.9)], PROTOCOL, Band(0.5, 0.5))
    assert table["inconclusive_rate"] == 0.5
    assert table["false_alarm_rate_of_the_rest"] is None  # no photograph was decided


def test_time_is_of_scoring_and_by_size() -> None:
    assert timing(SET, PROTOCOL) == {
        "mean_s": 0.2,
        "median_s": 0.2,
        "p95_s": 0.2,
        "s_per_megapixel": 0.4,
    }


def test_unreadable_pictures_are_counted_and_left_out() -> None:
    broken = Scored(picture=SET[0].picture, problem="the file is empty (0 bytes)")
    made = report([broken, *SET], [PROTOCOL], {"1/0.9": "v5"}, Band(), 20)
    assert (made["num_pictures"], made["num_unreadable"]) == (6, 1)
    assert list(made["by_generator"]) == ["a", "v5"]  # no name told: the family
    assert sum(one["num"] for one in made["reliability"]) == 6
    assert made["size_alone_auc"] == 0.5  # all of one size


def test_choosing_views() -> None:
    assert chosen_views("none") == [PROTOCOL]
    assert chosen_views("blur-1, webp-80,blur-1") == [PROTOCOL, "blur-1", "webp-80"]
    assert set(chosen_views("all")) == set(VIEWS)
    with pytest.raises(UnknownNameError, match="Did you mean 'noise-3'"):
        chosen_views("noise-33")


@needs_weights
def test_it_runs_and_workers_change_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = make_picture_set(tmp_path)
    options = ["--perturbations", "resize-0.5", "--resamples", "20", "--workers", "2", "--json"]
    assert main([str(manifest), *options]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["num_generated"], told["num_real"], told["num_unreadable"]) == (4, 4, 1)
    assert set(told["by_generator"]) == {"v0", "v1", "v2", "v3"}
    assert set(told["by_source"]) == {
        *("generated: kind0", "generated: kind1", "real: kind0", "real: kind1")
    }
    views = [PROTOCOL, "resize-0.5"]
    score = partial(score_picture, views=views, weights=HERE)
    here = report([score(p) for p in read_manifest(manifest, "unseen")], views, {}, Band(), 20)
    assert without(told, "time_a_picture") == without(here, "time_a_picture") | {
        name: told[name] for name in ("split", "weights_sha256", "by_generator")
    }


def without(table: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in table.items() if key != name}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--perturbations", "bluur-1"], "Did you mean 'blur-1'"),
        (["--low", "0.9", "--high", "0.1"], "low <= high"),
        (["--workers", "0"], "at least one worker"),
        (["--weights", "nowhere"], "no such file"),
    ],
)
def test_mistakes_are_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], said: str
) -> None:
    manifest = make_picture_set(tmp_path, per_class=1, side=16)
    assert main([str(manifest), *options]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1


@needs_weights
def test_a_split_of_one_class_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = make_picture_set(tmp_path, per_class=1, side=16)
    assert main([str(manifest), "--split", "fit"]) == 2
    assert "needs pictures of both labels" in capsys.readouterr().err
    assert main([str(tmp_path / "none.csv")]) == 2
