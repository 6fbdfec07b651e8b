"""The pipeline as a picture: a node a stage, with what it came to and how long it took."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from groundsight.demo.stage import StageRecord, Tree

WIDTH, HEIGHT = 1040, 300
_NODE_WIDTH, _NODE_HEIGHT = 172, 72
_COLUMNS = tuple(4 + 215 * column for column in range(5))
_ROWS = (4, 114, 224)


class Arrow(NamedTuple):
    """A straight line from one node to the next."""

    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True, kw_only=True)
class Node:
    """A box of the picture.

    Args:
        name: of the stage; "photos" is where all begins.
        title: one or two words.
        words: what it came to.
        column: from 0.
        row: from 0.
        seconds: of work; None: no stage.
    """

    name: str
    title: str
    words: str
    column: int
    row: int
    seconds: float | None = None
    width: int = field(default=_NODE_WIDTH, init=False)
    height: int = field(default=_NODE_HEIGHT, init=False)

    @property
    def x(self) -> int:
        """Left side."""
        return _COLUMNS[self.column]

    @property
    def y(self) -> int:
        """Top."""
        return _ROWS[self.row]


# Place of each stage: column and row. Made pictures go right, then back along the lower row.
_PLACES = {
    "photos": (0, 1),
    "detect": (0, 0),
    "synth": (1, 1),
    "base": (3, 0),
    "cold-start": (2, 1),
    "sft": (3, 1),
    "merge": (4, 1),
    "curate": (4, 2),
    "grpo": (3, 2),
    "bench": (2, 2),
}
_EDGES = (
    *(("photos", "detect"), ("photos", "synth"), ("synth", "cold-start"), ("cold-start", "sft")),
    *(("base", "sft"), ("sft", "merge"), ("merge", "curate"), ("curate", "grpo")),
    ("grpo", "bench"),
)


def nodes(done: Mapping[str, StageRecord]) -> list[Node]:
    """All boxes.

    Args:
        done: record of every stage.
    """
    found = {"photos": ("Photographs", f"{done['detect'].result['num_photos']} real ones")}
    found |= {name: (_TITLES[name], _words(name, done[name].result)) for name in done}
    return [
        Node(
            name=name,
            title=title,
            words=words,
            column=_PLACES[name][0],
            row=_PLACES[name][1],
            seconds=done[name].seconds if name in done else None,
        )
        for name, (title, words) in found.items()
    ]


def arrows() -> list[Arrow]:
    """All lines, from side to side."""
    return [_arrow(_PLACES[first], _PLACES[second]) for first, second in _EDGES]


_TITLES = {
    "detect": "Detect",
    "synth": "Synth",
    "base": "Base",
    "cold-start": "Cold start",
    "sft": "SFT",
    "merge": "Merge",
    "curate": "Curate",
    "grpo": "GRPO",
    "bench": "Bench",
}


def _words(name: str, result: Tree) -> str:
    """What a stage came to, in a few words."""
    match name:
        case "detect":
            return "builtin, no model"
        case "synth":
            return f"{sum(result['num'].values()):,} with known truth"
        case "base":
            return str(result["origin"]).removeprefix("the ")[-26:]
        case "cold-start":
            return f"{result['kept']:,} replies by {result['teacher'].partition(':')[0]}"
        case "sft" | "grpo":
            return f"{result['steps']:,} steps"
        case "merge":
            return "adapter into base" if result["was_adapter"] else "nothing to merge"
        case "curate":
            return f"keeps {result['num_kept']:,} of {result['num_answered']:,}"
        case _:
            return f"{result['stages']['grpo']['num']:,} held-out questions"


def _arrow(first: tuple[int, int], second: tuple[int, int]) -> Arrow:
    (column, row), (to_column, to_row) = first, second
    x, y = _COLUMNS[column], _ROWS[row]
    to_x, to_y = _COLUMNS[to_column], _ROWS[to_row]
    half_width, half_height = _NODE_WIDTH / 2, _NODE_HEIGHT / 2
    if row == to_row:
        right = to_column > column
        start = x + _NODE_WIDTH if right else x
        end = to_x if right else to_x + _NODE_WIDTH
        return Arrow(start, y + half_height, end, y + half_height)
    down = to_row > row
    start_y = y + _NODE_HEIGHT if down else y
    end_y = to_y if down else to_y + _NODE_HEIGHT
    return Arrow(x + half_width, start_y, x + half_width, end_y)
