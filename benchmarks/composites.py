"""Where: a region of an AI picture pasted into a photograph, with a known box. Is it found?

    python benchmarks/composites.py ../shared/images/manifest.csv --json
    python benchmarks/composites.py MANIFEST --split fit --num 400 --sheet sheet.png

Both pictures come from the split, at most 1024 px; the box is 20-50% of each side; one JPEG 80-95
goes over the whole (`experts.signal.composites`). Three kinds, `--num` of each:

- hard-edge: a generated region, no blending.
- feathered: a generated region whose edge fades over 8 px.
- real-donor: a region of another photograph. Nothing in it is generated: what is found there says
  how much of the other two is the seam, or the different past of the two pictures.

`untouched` are all photographs of the split through the same codec: every region there is false.
The shipped weights have seen `fit`; choose nothing on `unseen`.
"""

import argparse
import json
import os
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from groundsight.core.errors import PictureError, UsageError
from groundsight.detect.worker import ONE_THREAD
from groundsight.experts.signal.composites import (
    REAL_DONOR,
    UNTOUCHED,
    Recipe,
    make_picture,
    plan_composites,
)
from groundsight.experts.signal.pictures import over_pictures, read_manifest
from groundsight.forensics.signal.expert import load_signal_expert
from groundsight.forensics.signal.weights import HERE, load_weights
from groundsight.forensics.where import find_where
from groundsight.metrics.classification import DECIDED_AT
from groundsight.metrics.intervals import COVERAGE, NUM_RESAMPLES, bootstrap_mean
from groundsight.metrics.localisation import num_regions, pointing_hits, union_ious
from groundsight.vision.boxes import Boxes, union_area

# By the mean side of the true box.
SIDES_PX = (("under 96 px", 96.0), ("96-160 px", 160.0), ("160 px and over", np.inf))
SHEET_COLUMNS, SHEET_PER_KIND, THUMB_PX, CAPTION_PX = 6, 18, 300, 22
GREEN, RED, PAPER, INK = (0, 220, 90), (255, 40, 40), (24, 26, 30), (236, 238, 241)


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What was found in one picture.

    Args:
        recipe: how it was made.
        area_px: of the picture.
        true: where something was pasted, in pixels; nothing for an untouched photograph.
        found: best first, in pixels.
        p_fake: of the whole picture; None where it was not measurable.
        problem: why it could not be made, else "".
    """

    recipe: Recipe
    area_px: int = 1
    true: Boxes
    found: Boxes
    p_fake: float | None = None
    problem: str = ""


def judge(recipe: Recipe, weights: Path) -> Judged:
    """Make one picture and look for regions; what a worker process does."""
    try:
        rgb, box = make_picture(recipe)
    except PictureError as error:
        nothing = Boxes.px([])
        return Judged(recipe=recipe, true=nothing, found=nothing, problem=str(error))
    score = load_signal_expert(weights).score(rgb)
    regions = find_where(rgb, score)
    return Judged(
        recipe=recipe,
        area_px=rgb.shape[0] * rgb.shape[1],
        true=Boxes.px([box] if recipe.donor else []),
        found=Boxes.px([region.xyxy_px for region in regions]),
        p_fake=score.p_fake,
    )


def judge_all(recipes: Sequence[Recipe], weights: Path, workers: int) -> list[Judged]:
    """In the order of the recipes, whatever the number of workers; one thread each."""
    for name, value in ONE_THREAD.items():
        os.environ.setdefault(name, value)
    return list(over_pictures(partial(judge, weights=weights), recipes, workers))


def report(judged: Sequence[Judged], num_resamples: int) -> dict[str, Any]:
    """Everything that is said of one set of judged pictures."""
    made = [one for one in judged if not one.problem]
    kinds = by_kind(made)
    untouched = kinds.pop(UNTOUCHED, [])
    generated = [one for kind, members in kinds.items() if kind != REAL_DONOR for one in members]
    return {
        "intervals": {"coverage": COVERAGE, "num_resamples": num_resamples},
        "num_unreadable": len(judged) - len(made),
        "composites": {kind: figures(members, num_resamples) for kind, members in kinds.items()},
        "untouched": false_alarms(untouched, num_resamples) if untouched else None,
        "by_donor": by_name(generated, donor_group),
        "by_box_side": by_name(generated, side_class),
    }


def by_kind(judged: Sequence[Judged]) -> dict[str, list[Judged]]:
    kinds: dict[str, list[Judged]] = {}
    for one in judged:
        kinds.setdefault(one.recipe.kind, []).append(one)
    return kinds


def figures(judged: Sequence[Judged], num_resamples: int) -> dict[str, Any]:
    """Of composites of one kind; a picture without regions misses and has IoU 0."""
    found, true = [one.found for one in judged], [one.true for one in judged]
    hits, overlaps = pointing_hits(found, true), union_ious(found, true)
    some = num_regions(found) > 0
    return {
        "num": len(judged),
        "pointing_accuracy": interval(hits, num_resamples),
        "union_iou": interval(overlaps, num_resamples),
        "some_region_rate": interval(some, num_resamples),
        "regions_a_picture": mean(num_regions(found)),
        # How well a region lies once one is shown.
        "pointing_accuracy_where_found": mean(hits[some]),
        "union_iou_where_found": mean(overlaps[some]),
        # A finger on a random pixel would hit this often.
        "box_area_rate": mean(np.array([union_area(one.true) / one.area_px for one in judged])),
        **decided(judged),
    }


def false_alarms(judged: Sequence[Judged], num_resamples: int) -> dict[str, Any]:
    """Of untouched photographs, where every region is false."""
    counts = num_regions([one.found for one in judged])
    return {
        "num": len(judged),
        "false_regions_a_picture": interval(counts, num_resamples),
        "some_region_rate": interval(counts > 0, num_resamples),
        "area_rate": mean(np.array([union_area(one.found) / one.area_px for one in judged])),
        **decided(judged),
    }


def decided(judged: Sequence[Judged]) -> dict[str, Any]:
    """What the whole picture was taken for; one that was not measurable is taken as real."""
    p_fake = np.array([DECIDED_AT if one.p_fake is None else one.p_fake for one in judged])
    return {
        "decided_generated_rate": mean(p_fake > DECIDED_AT),
        "mean_p_fake": mean(p_fake),
        "num_unmeasurable": sum(one.p_fake is None for one in judged),
    }


def by_name(judged: Sequence[Judged], name_of: Callable[[Judged], str]) -> dict[str, Any]:
    """Composites sliced, largest slice first."""
    groups: dict[str, list[Judged]] = defaultdict(list)
    for one in judged:
        groups[name_of(one)].append(one)
    table = {}
    for name, members in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])):
        found, true = [one.found for one in members], [one.true for one in members]
        table[name] = {
            "num": len(members),
            "pointing_accuracy": mean(pointing_hits(found, true)),
            "union_iou": mean(union_ious(found, true)),
        }
    return table


def donor_group(one: Judged) -> str:
    return one.recipe.donor.group if one.recipe.donor else ""


def side_class(one: Judged) -> str:
    x0, y0, x1, y1 = one.true.xyxy[0]
    side = (x1 - x0 + y1 - y0) / 2
    return next(name for name, limit in SIDES_PX if side < limit)


def interval(values: Any, num_resamples: int) -> dict[str, float]:
    found = bootstrap_mean(values, num_resamples=num_resamples)
    return {name: round(value, 4) for name, value in found._asdict().items()}


def mean(values: Any) -> float | None:
    """None of no pictures: a mean of nothing is no figure."""
    return round(float(values.mean()), 4) if len(values) else None


def contact_sheet(judged: Sequence[Judged]) -> Image.Image:
    """The first pictures of each kind: true box green, found red, the best one thick."""
    shown = [
        one
        for members in by_kind([one for one in judged if not one.problem]).values()
        for one in members[:SHEET_PER_KIND]
    ]
    rows = max(1, -(-len(shown) // SHEET_COLUMNS))
    cell = THUMB_PX + CAPTION_PX
    sheet = Image.new("RGB", (SHEET_COLUMNS * THUMB_PX, rows * cell), PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for index, one in enumerate(shown):
        x, y = index % SHEET_COLUMNS * THUMB_PX, index // SHEET_COLUMNS * cell
        sheet.paste(_thumbnail(one), (x, y + CAPTION_PX))
        chance = "not measured" if one.p_fake is None else f"p_fake {one.p_fake:.2f}"
        text = f"{one.recipe.kind} {one.recipe.index}  {donor_group(one)}  {chance}"
        draw.text((x + 4, y + 3), text, fill=INK, font=font)
    return sheet


def _thumbnail(one: Judged) -> Image.Image:
    image = Image.fromarray(make_picture(one.recipe).rgb)
    factor = (THUMB_PX - 4) / max(image.size)
    small = image.resize((round(image.width * factor), round(image.height * factor)))
    draw = ImageDraw.Draw(small)
    boxes = [(row, GREEN, 3) for row in one.true.xyxy.tolist()]
    boxes += [(row, RED, 2 if i else 4) for i, row in enumerate(one.found.xyxy.tolist())]
    for row, colour, width in boxes:
        corners = [round(side * factor) for side in row]
        draw.rectangle(corners, outline=(0, 0, 0), width=width + 2)
        draw.rectangle(corners, outline=colour, width=width)
    return small


def measure(options: argparse.Namespace) -> dict[str, Any]:
    try:
        digest = load_weights(options.weights).sha256
        pictures = read_manifest(options.manifest, options.split)
    except FileNotFoundError as error:
        raise UsageError(f"{error.filename}: no such file; give a manifest and weights") from None
    if options.sheet is not None and not _can_hold_a_png(options.sheet):
        raise UsageError(f"--sheet needs a .png in a folder that exists, got {options.sheet}")
    if options.workers < 1:
        raise UsageError(f"at least one worker is needed, got {options.workers}")
    recipes = plan_composites(pictures, options.num, options.seed)
    judged = judge_all(recipes, options.weights, options.workers)
    if options.sheet is not None:
        contact_sheet(judged).save(options.sheet)
    head = {"split": options.split, "seed": options.seed, "weights_sha256": digest}
    return head | report(judged, options.resamples)


def _can_hold_a_png(path: Path) -> bool:
    return path.suffix.lower() == ".png" and path.parent.is_dir()


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("manifest", type=Path, help="CSV of pictures")
    parser.add_argument("--split", default="unseen", help="which split (default unseen)")
    parser.add_argument("--num", type=int, default=200, help="composites of a kind (default 200)")
    parser.add_argument("--seed", type=int, default=0, help="of pairs, boxes and qualities")
    parser.add_argument("--weights", type=Path, default=HERE, help="default: the shipped ones")
    parser.add_argument("--resamples", type=int, default=NUM_RESAMPLES, help="of the bootstrap")
    parser.add_argument("--workers", type=int, default=1, help="processes (default 1)")
    parser.add_argument("--sheet", type=Path, default=None, help="PNG to draw a contact sheet in")
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    options = arguments(argv)
    try:
        result = measure(options)
    except UsageError as error:
        print(f"composites.py: {error}", file=sys.stderr)
        return 2
    json.dump(result, sys.stdout, indent=None if options.json else 1, ensure_ascii=False)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
