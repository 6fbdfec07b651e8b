import json
from pathlib import Path

import numpy as np
import pytest
from benchmarks.composites import (
    CAPTION_PX,
    GREEN,
    RED,
    SHEET_COLUMNS,
    THUMB_PX,
    Judged,
    contact_sheet,
    judge,
    main,
    report,
    side_class,
)
from PIL import Image
from tests.benchmarks.picture_set import make_picture_set, needs_weights

from groundsight.experts.signal.composites import (
    HARD_EDGE,
    REAL_DONOR,
    UNTOUCHED,
    Recipe,
    plan_composites,
)
from groundsight.experts.signal.pictures import FitPicture, read_manifest
from groundsight.forensics.signal.weights import HERE
from groundsight.vision.boxes import Boxes

Rows = list[list[float]]
PHOTO = FitPicture(path=Path("photo.png"), key="photo.png", label=0, group="photos")


def donor(group: str) -> FitPicture:
    return FitPicture(path=Path("donor.png"), key="donor.png", label=1, group=group)


def judged(
    kind: str, true: Rows, found: Rows, *, group: str = "A", p: float | None = 0.2
) -> Judged:
    recipe = Recipe(kind=kind, index=0, seed=0, photo=PHOTO, donor=donor(group) if true else None)
    return Judged(
        recipe=recipe, area_px=10_000, true=Boxes.px(true), found=Boxes.px(found), p_fake=p
    )


BOX: Rows = [[10, 10, 50, 50]]
SET = [
    judged(HARD_EDGE, BOX, [[10, 10, 50, 30]]),  # points at (30, 20), IoU 1/2
    judged(HARD_EDGE, BOX, [[60, 60, 90, 90], [10, 10, 50, 50]], group="B", p=0.9),
    judged(HARD_EDGE, BOX, []),
    judged(HARD_EDGE, BOX, BOX, p=None),
    judged(REAL_DONOR, BOX, []),
    judged(UNTOUCHED, [], [[0, 0, 50, 50], [50, 50, 100, 100]]),
    judged(UNTOUCHED, [], []),
]


def test_figures_worked_by_hand() -> None:
    told = report(SET, 20)
    hard = told["composites"][HARD_EDGE]
    assert hard["num"] == 4
    assert hard["pointing_accuracy"]["value"] == 0.5  # the second points at the wrong place
    second = 1600 / (1600 + 900)
    assert hard["union_iou"]["value"] == pytest.approx((0.5 + second + 0 + 1) / 4, abs=1e-4)
    assert hard["some_region_rate"]["value"] == 0.75
    assert hard["regions_a_picture"] == 1.0
    assert hard["pointing_accuracy_where_found"] == pytest.approx(2 / 3, abs=1e-4)
    assert hard["union_iou_where_found"] == pytest.approx((0.5 + second + 1) / 3, abs=1e-4)
    assert hard["box_area_rate"] == 0.16
    assert (hard["decided_generated_rate"], hard["num_unmeasurable"]) == (0.25, 1)
    assert hard["mean_p_fake"] == pytest.approx((0.2 + 0.9 + 0.2 + 0.5) / 4)


def test_untouched_photographs_count_every_region() -> None:
    told = report(SET, 20)["untouched"]
    assert (told["num"], told["false_regions_a_picture"]["value"]) == (2, 1.0)
    assert told["some_region_rate"]["value"] == 0.5
    assert told["area_rate"] == 0.25


def test_slices_are_of_generated_regions_only() -> None:
    told = report(SET, 20)
    assert told["by_donor"]["A"]["num"] == 3
    assert told["by_donor"]["B"] == {"num": 1, "pointing_accuracy": 0.0, "union_iou": 0.64}
    assert told["by_box_side"] == {
        "under 96 px": {"num": 4, "pointing_accuracy": 0.5, "union_iou": 0.535}
    }
    assert side_class(judged(HARD_EDGE, [[0, 0, 100, 92]], [])) == "96-160 px"
    assert side_class(judged(HARD_EDGE, [[0, 0, 300, 300]], [])) == "160 px and over"


def test_where_nothing_was_found_no_figure_is_made_up() -> None:
    told = report([judged(HARD_EDGE, BOX, [])], 20)
    assert told["composites"][HARD_EDGE]["union_iou_where_found"] is None
    assert told["composites"][HARD_EDGE]["union_iou"]["value"] == 0.0
    assert told["untouched"] is None


def test_unreadable_pictures_are_counted_and_left_out() -> None:
    lost = judge(Recipe(kind=UNTOUCHED, index=0, seed=0, photo=PHOTO, donor=None), HERE)
    assert lost.problem
    told = report([*SET, lost], 20)
    assert (told["num_unreadable"], told["untouched"]["num"]) == (1, 2)


def test_the_sheet_shows_the_true_box_green_and_the_found_one_red(tmp_path: Path) -> None:
    manifest = make_picture_set(tmp_path, side=THUMB_PX - 4)
    recipe = plan_composites(read_manifest(manifest, "unseen"), 1, 0)[0]
    true, found = [[20, 30, 120, 130]], [[150, 160, 250, 260]]
    one = Judged(recipe=recipe, true=Boxes.px(true), found=Boxes.px(found))
    sheet = contact_sheet([one])
    assert sheet.size == (SHEET_COLUMNS * THUMB_PX, THUMB_PX + CAPTION_PX)
    assert sheet.getpixel((21, 80 + CAPTION_PX)) == GREEN
    assert sheet.getpixel((152, 200 + CAPTION_PX)) == RED


@needs_weights
def test_it_runs_and_workers_change_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest, sheet = make_picture_set(tmp_path), tmp_path / "sheet.png"
    options = ["--num", "2", "--resamples", "20", "--workers", "2", "--sheet", str(sheet), "--json"]
    assert main([str(manifest), *options]) == 0
    told = json.loads(capsys.readouterr().out)
    recipes = plan_composites(read_manifest(manifest, "unseen"), 2, 0)
    here = report([judge(recipe, HERE) for recipe in recipes], 20)
    assert {name: told[name] for name in here} == json.loads(json.dumps(here))
    made = sum(kind["num"] for kind in told["composites"].values()) + told["untouched"]["num"]
    assert made + told["num_unreadable"] == 3 * 2 + 5
    assert told["num_unreadable"] >= 1  # the broken file, alone or as a part
    assert np.asarray(Image.open(sheet)).std() > 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--weights", "nowhere"], "no such file"),
        pytest.param(["--workers", "0"], "at least one worker", marks=needs_weights),
        pytest.param(["--sheet", "no/where.png"], "a folder that exists", marks=needs_weights),
        pytest.param(["--sheet", "sheet.txt"], "needs a .png", marks=needs_weights),
        pytest.param(["--num", "0"], "got 0", marks=needs_weights),
        pytest.param(["--split", "fit"], "it has 0 and", marks=needs_weights),
    ],
)
def test_mistakes_are_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], said: str
) -> None:
    manifest = make_picture_set(tmp_path, per_class=1, side=16)
    assert main([str(manifest), *options]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
