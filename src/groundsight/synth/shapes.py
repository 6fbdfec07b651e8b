"""Coloured shapes with known boxes: the simplest pictures on which grounding can be learnt.

    samples = write_shapes(Path("shapes/train"), 1000, seed=0)               # find the odd one out
    samples = write_shapes(Path("shapes/two"), 1000, kind="difference")      # across two pictures

`odd_one_out` is a grounded-detection question: a picture whose shapes are all alike is real, one
that holds odd ones is fake, and the odd ones are its regions. `difference` is a multi-image
question: one shape of the second picture is another in the first. They teach and test the training
loop; nothing that is learnt here says anything about AI-generated pictures.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from groundsight.core.errors import UsageError
from groundsight.core.seeds import make_rng, pick
from groundsight.core.types import XYXY, ImageRef, Label, Sample, SampleRegion

Kind = Literal["odd_one_out", "difference"]

OBJECTS = "objects"
"Key of `Sample.extra`: all shapes of the last picture, each with `name` and `xyxy_px`."

GREY = "grey"
COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (214, 40, 40),
    "green": (46, 140, 70),
    "blue": (40, 90, 200),
    "yellow": (240, 190, 20),
    "purple": (130, 60, 160),
    "orange": (240, 120, 20),
}
FORMS = ("circle", "square", "triangle", "diamond")
_PALETTE = {**COLOURS, GREY: (120, 120, 120)}
_OVERSAMPLING = 4  # drawn larger and scaled down, for smooth edges


class Shape(NamedTuple):
    """One shape: what it is and where."""

    form: str
    colour: str
    xyxy_px: XYXY
    "Whole pixels; the shape touches all four edges."


class _Look(NamedTuple):
    """How the pictures of a set look; see `write_shapes`."""

    side_px: int
    max_odd: int
    grey: bool
    grid: int


class Scene(NamedTuple):
    """The shapes of a picture, and which of them are unlike the rest."""

    shapes: tuple[Shape, ...]
    odd: tuple[int, ...]


def draw_scene(
    rng: np.random.Generator,
    *,
    side_px: int,
    num_odd: int,
    num_shapes: int | None = None,
    grey: bool = False,
    grid: int = 3,
) -> Scene:
    """Place shapes that are alike, `num_odd` of them unlike the rest in form or colour.

    Args:
        rng: draws everything.
        side_px: of the square picture.
        num_odd: how many are odd, below half of all.
        num_shapes: how many in all, at most grid²; None draws from grid + 1 to grid² - 1.
        grey: the shapes that are alike are grey circles, so that colour alone tells the odd ones.
        grid: shapes stand in the cells of a grid × grid board, so that they never touch.

    Raises:
        UsageError: no such scene.
    """
    count = int(rng.integers(grid + 1, grid**2)) if num_shapes is None else num_shapes
    if not 0 <= 2 * num_odd < count <= grid**2:
        raise UsageError(
            f"{num_odd} odd shapes of {count} on a board of {grid}×{grid}: fewer than half may be "
            f"odd, and at most {grid**2} fit"
        )
    cells = rng.permutation(grid**2)[:count]
    boxes = [_box(rng, int(cell), side_px, grid) for cell in cells]
    form, colour = ("circle", GREY) if grey else (pick(rng, FORMS), pick(rng, tuple(COLOURS)))
    shapes = [Shape(form, colour, box) for box in boxes]
    odd = tuple(range(num_odd))
    other = _unlike(rng, form, colour)
    if grey:
        other = pick(rng, FORMS), pick(rng, tuple(COLOURS))
    for index in odd:
        shapes[index] = Shape(*other, boxes[index])
    return Scene(tuple(shapes), odd)


def render_scene(scene: Scene, rng: np.random.Generator, *, side_px: int) -> Image.Image:
    """Draw a scene on a light ground of a random tint."""
    ground = tuple(int(value) for value in rng.integers(215, 250, size=3))
    image = Image.new("RGB", (side_px * _OVERSAMPLING,) * 2, ground)
    draw = ImageDraw.Draw(image)
    for shape in scene.shapes:
        x0, y0, x1, y1 = (value * _OVERSAMPLING for value in shape.xyxy_px)
        draw_form(draw, shape.form, (x0, y0, x1 - 1, y1 - 1), _PALETTE[shape.colour])
    return image.resize((side_px, side_px), Image.Resampling.LANCZOS)


def write_shapes(
    folder: Path,
    num: int,
    *,
    kind: Kind = "odd_one_out",
    seed: int = 0,
    side_px: int = 112,
    max_odd: int = 1,
    grey: bool = False,
    grid: int = 3,
    split: str | None = None,
) -> list[Sample]:
    """Write pictures and `samples.jsonl` with their truth; paths in it are relative to the folder.

    Args:
        folder: made where it is not there.
        num: how many questions; every second one of `odd_one_out` is real.
        kind: which question.
        seed: the same seed gives the same files, whatever `num` is.
        side_px: of each square picture.
        max_odd: most odd shapes of a fake picture (`odd_one_out`).
        grey: as in `draw_scene`.
        grid: as in `draw_scene`; 2 or 3.
        split: written into the samples.

    Returns:
        The samples, as written.

    Raises:
        UsageError: `num` or `max_odd` is no good.
        OSError: the folder cannot be written.
    """
    if num < 1 or grid not in (2, 3) or not 1 <= max_odd <= (grid**2 - 1) // 2 - (grid == 3):
        raise UsageError(
            "shapes need num >= 1 and max_odd of 1 to 3 on a board of 3×3, 1 on one of 2×2; got "
            f"num {num}, max_odd {max_odd}, grid {grid}"
        )
    folder.mkdir(parents=True, exist_ok=True)
    make = _odd_one_out if kind == "odd_one_out" else _difference
    samples = [
        make(
            folder,
            index,
            make_rng(seed, "shapes", kind, index),
            _Look(side_px, max_odd, grey, grid),
        )
        for index in range(num)
    ]
    samples = [sample.model_copy(update={"split": split}) for sample in samples]
    lines = "".join(sample.model_dump_json() + "\n" for sample in samples)
    (folder / "samples.jsonl").write_text(lines, encoding="utf-8")
    return samples


def _odd_one_out(folder: Path, index: int, rng: np.random.Generator, look: _Look) -> Sample:
    label: Label = 1 if index % 2 else 0
    side_px = look.side_px
    num_odd = int(rng.integers(1, look.max_odd + 1)) if label else 0
    num_shapes = int(rng.integers(max(look.grid + 1, 2 * num_odd + 1), look.grid**2))
    scene = draw_scene(
        rng,
        side_px=side_px,
        num_odd=num_odd,
        num_shapes=num_shapes,
        grey=look.grey,
        grid=look.grid,
    )
    name = f"{index:06d}.png"
    render_scene(scene, rng, side_px=side_px).save(folder / name)
    return Sample(
        id=f"odd-{index:06d}",
        images=(ImageRef(path=name, width=side_px, height=side_px),),
        task="grounded_detection",
        label=label,
        regions=tuple(_region(scene.shapes[place], 0) for place in scene.odd),
        tags=("odd shape",) if label else (),
        source="shapes",
        extra=_objects(scene),
    )


def _difference(folder: Path, index: int, rng: np.random.Generator, look: _Look) -> Sample:
    side_px = look.side_px
    scene = draw_scene(rng, side_px=side_px, num_odd=1, grey=look.grey, grid=look.grid)
    alike = scene.shapes[-1]
    first = Scene(
        tuple(Shape(alike.form, alike.colour, shape.xyxy_px) for shape in scene.shapes), ()
    )
    images = []
    for number, shown in enumerate((first, scene), start=1):
        name = f"{index:06d}-{number}.png"
        render_scene(shown, rng, side_px=side_px).save(folder / name)
        images.append(ImageRef(path=name, width=side_px, height=side_px))
    return Sample(
        id=f"difference-{index:06d}",
        images=tuple(images),
        task="multi_image_grounding",
        question="One shape of Image 2 is another in Image 1. Which one?",
        regions=(_region(scene.shapes[0], 1),),
        source="shapes",
        extra=_objects(scene),
    )


def _objects(scene: Scene) -> dict[str, list[dict[str, object]]]:
    """Every shape of the (last) picture, for a warm-up that labels more than what is asked."""
    return {
        OBJECTS: [
            {"name": f"{shape.colour} {shape.form}", "xyxy_px": list(shape.xyxy_px)}
            for shape in scene.shapes
        ]
    }


def _region(shape: Shape, image_index: int) -> SampleRegion:
    return SampleRegion(
        image_index=image_index,
        xyxy=shape.xyxy_px,
        description=f"odd {shape.colour} {shape.form}",
    )


def _box(rng: np.random.Generator, cell: int, side_px: int, grid: int) -> XYXY:
    """A square box inside a cell."""
    pitch = side_px / grid
    size = int(rng.integers(round(pitch * 0.55), round(pitch * 0.85) + 1))
    row, column = divmod(cell, grid)
    x0, y0 = (
        int(place * pitch + rng.uniform(0.05, 0.95) * (pitch - size)) for place in (column, row)
    )
    return float(x0), float(y0), float(x0 + size), float(y0 + size)


def _unlike(rng: np.random.Generator, form: str, colour: str) -> tuple[str, str]:
    """Another form of the same colour, or another colour of the same form."""
    if rng.random() < 0.5:
        return pick(rng, tuple(name for name in FORMS if name != form)), colour
    return form, pick(rng, tuple(name for name in COLOURS if name != colour))


_Corners = tuple[float, float, float, float]
_Ink = tuple[int, int, int] | int


def draw_form(draw: ImageDraw.ImageDraw, form: str, box: _Corners, ink: _Ink) -> None:
    """Draw one of `FORMS` so that it touches all four edges of a box, its last pixels included."""
    _DRAWERS[form](draw, box, ink)


def _draw_triangle(draw: ImageDraw.ImageDraw, box: _Corners, ink: _Ink) -> None:
    x0, y0, x1, y1 = box
    draw.polygon([((x0 + x1) / 2, y0), (x1, y1), (x0, y1)], fill=ink)


def _draw_diamond(draw: ImageDraw.ImageDraw, box: _Corners, ink: _Ink) -> None:
    x0, y0, x1, y1 = box
    middle_x, middle_y = (x0 + x1) / 2, (y0 + y1) / 2
    draw.polygon([(middle_x, y0), (x1, middle_y), (middle_x, y1), (x0, middle_y)], fill=ink)


_DRAWERS: dict[str, Callable[[ImageDraw.ImageDraw, _Corners, _Ink], None]] = {
    "circle": lambda draw, box, ink: draw.ellipse(box, fill=ink),
    "square": lambda draw, box, ink: draw.rectangle(box, fill=ink),
    "triangle": _draw_triangle,
    "diamond": _draw_diamond,
}
