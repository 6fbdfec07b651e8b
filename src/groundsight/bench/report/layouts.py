"""Which figures stand side by side: the papers' tables, and a plain one for every other suite.

A layout names columns; a table of it has a row for the run and one for each published model.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from groundsight.suites.base import Figure


@dataclass(frozen=True)
class Groups:
    """A column for each group that a figure is measured over.

    Args:
        name: of the figure.
        group: e.g. "generator".
        order: groups in the paper's order; others stand behind them, sorted.
    """

    name: str
    group: str
    order: tuple[str, ...] = ()


@dataclass(frozen=True)
class Layout:
    """One table.

    Args:
        title: above it.
        columns: names of figures over everything, or groups of one.
    """

    title: str
    columns: tuple[str | Groups, ...]


GENERATORS = ("Midjourney", "SD v1.4", "SD v1.5", "ADM", "GLIDE", "Wukong", "VQDM", "BigGAN")
LOKI_CATEGORIES = ("scene", "animals", "person", "object", "medicine", "doc", "satellite")
MIG_TASKS = (
    *("diff", "common_object", "correspondence", "refer_grounding", "view_diff"),
    *("multi_view", "region", "group_grounding", "reasoning", "object_tracking"),
)
LAYOUTS: dict[str, tuple[Layout, ...]] = {
    "genimage": (
        Layout(
            "Accuracy by generator, as in ThinkFake's table",
            (Groups("accuracy", "generator", GENERATORS), "mean_accuracy"),
        ),
    ),
    "loki": (
        Layout(
            "Accuracy by category, LOKI's own rule",
            (Groups("loki_accuracy", "category", LOKI_CATEGORIES), "loki_accuracy"),
        ),
        Layout("Both phrasings", (Groups("accuracy", "asks"), "accuracy_both_ways")),
    ),
    "fakexplained": (
        Layout(
            "As in FakeXplained's tables",
            ("accuracy", "iou", "bleu_2", "rouge_l", "parse_rate"),
        ),
    ),
    "explained": (
        Layout(
            "Verdict, regions, captions",
            ("accuracy", "iou", "pointing", "bleu_2", "rouge_l", "false_regions", "parse_rate"),
        ),
    ),
    "mig_bench": tuple(
        Layout(title, (Groups(name, "task", MIG_TASKS), f"mean_{name}"))
        for name, title in (
            ("acc@0.5", "Acc@0.5 by task, as in MIG-Bench's table"),
            ("acc@0.7", "Acc@0.7 by task"),
            ("acc@0.3", "Acc@0.3 by task"),
            ("iou", "IoU by task"),
        )
    ),
}


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Args:
        key: of the figure.
        name: of the figure.
        group: what it is measured over, e.g. "ADM"; None: everything.
    """

    key: str
    name: str
    group: str | None = None

    @property
    def group_words(self) -> str:
        """The group as a table prints it; names that the suites give themselves in words."""
        group = self.group or ""
        return group.replace("_", " ") if group in MIG_TASKS else group


def layouts_of(suite: str, figures: Sequence[Figure]) -> list[Layout]:
    """The suite's own tables, then plain ones for the figures that these leave out."""
    own = [one for one in LAYOUTS.get(suite, ()) if columns_of(one, figures)]
    placed = {column.key for layout in own for column in columns_of(layout, figures)}
    left = [one for one in figures if one.key not in placed and one.name != "num_unscored"]
    plain = tuple(dict.fromkeys(one.name for one in left if one.group is None))
    grouped = dict.fromkeys((one.name, _split(one)[0]) for one in left if one.group is not None)
    rest = [Layout("More figures" if own else "Figures", plain)] if plain else []
    return [*own, *rest, *(Layout("", (Groups(name, group),)) for name, group in grouped)]


def columns_of(layout: Layout, figures: Iterable[Figure]) -> list[Column]:
    """The columns that some figure fills, in order."""
    figures = list(figures)
    columns: list[Column] = []
    for part in layout.columns:
        if isinstance(part, str):
            columns += [Column(f.key, f.name) for f in figures if f.key == part]
        else:
            columns += _of_groups(part, figures)
    return columns


def _of_groups(part: Groups, figures: Sequence[Figure]) -> list[Column]:
    found = {
        _split(one)[1]: one.key
        for one in figures
        if one.name == part.name and _split(one)[0] == part.group
    }
    known = [name for name in part.order if name in found]
    others = sorted(name for name in found if name not in part.order)
    return [Column(found[name], part.name, name) for name in (*known, *others)]


def _split(figure: Figure) -> tuple[str, str]:
    """What a figure is grouped by, and the group: ("generator", "ADM")."""
    by, _, group = (figure.group or "").partition("=")
    return by, group
