from pathlib import Path

import pytest
from tests.bench.report.report_run import GENERATORS, verdict_lines, write_run

from groundsight.bench.records import NONE, RunFile
from groundsight.bench.report.latex import escape_latex, latex_table
from groundsight.bench.report.layouts import Groups, Layout, columns_of, layouts_of
from groundsight.bench.report.markdown import escape_markdown, markdown_table
from groundsight.bench.report.tables import Cell, Row, Table, robustness_table, tables_of
from groundsight.suites import SUITES
from groundsight.suites.base import Figure, Interval

TABLE = Table(
    title="Accuracy by generator",
    corner="Model",
    headings=("ADM", "Mean"),
    rows=(
        Row("ours_1", (Cell("90.0", "80.0 to 100.0", 30), Cell("75.4", "70.0 to 80.8", 60))),
        Row("theirs", (Cell(), Cell("84.0")), note=1),
    ),
    notes=("Table 5 & more",),
)


def test_markdown_worked_by_hand() -> None:
    assert markdown_table(TABLE).splitlines() == [
        "| Model | ADM | Mean |",
        "| --- | ---: | ---: |",
        r"| ours\_1 | 90.0 [80.0, 100.0] | 75.4 [70.0, 80.8] |",
        "| theirs (1) |  | 84.0 |",
        "",
        r"(1) Table 5 \& more",
    ]


def test_latex_worked_by_hand() -> None:
    lines = latex_table(TABLE).splitlines()
    assert r"\caption{Accuracy by generator $^{1}$Table 5 \& more.}" in lines
    assert r"\begin{tabular}{lcc}" in lines
    assert r"Model & ADM & Mean \\" in lines
    assert r"ours\_1 & 90.0 {\scriptsize[80.0, 100.0]} & 75.4 {\scriptsize[70.0, 80.8]} \\" in lines
    assert r"theirs$^{1}$ & -- & 84.0 \\" in lines


def test_a_turned_table_has_the_same_cells() -> None:
    turned = TABLE.turned()
    assert turned.headings == ("ours_1", "theirs")
    assert turned.heading_notes == (None, 1)
    assert [row.label for row in turned.rows] == ["ADM", "Mean"]
    assert turned.rows[1].cells == (TABLE.rows[0].cells[1], TABLE.rows[1].cells[1])
    assert markdown_table(turned).splitlines()[0] == r"|  | ours\_1 | theirs (1) |"
    assert r" & ours\_1 & theirs$^{1}$ \\" in latex_table(turned).splitlines()


@pytest.mark.parametrize(
    "text", ["a|b", "<img src=x>", "`x`", "[a](b)", "100 % & 3_4 ^ ~ # $ {}\\"]
)
def test_names_cannot_break_out_of_a_table(text: str) -> None:
    hostile = Table(title=text, corner="", headings=(text,), rows=(Row(text, (Cell("1"),)),))
    unescaped = markdown_table(hostile).replace("\\\\", "")
    for special in "|<[":
        before = [unescaped[at - 1] for at, seen in enumerate(unescaped) if seen == special and at]
        if special in text:
            assert before.count("\\") == 2 * text.count(special)
    assert "\n" not in escape_markdown("a\nb")
    inside = escape_latex(text).replace(r"\textbackslash{}", "").replace(r"\textasciitilde{}", "")
    inside = inside.replace(r"\textasciicircum{}", "")
    for special in "&%#_$~^":
        for at, seen in enumerate(inside):
            assert seen != special or inside[at - 1] == "\\"
    table = latex_table(hostile).replace(r"\{", "").replace(r"\}", "")
    assert table.count("{") == table.count("}")


def genimage_run(tmp_path: Path) -> RunFile:
    lines = [
        *verdict_lines(tmp_path, num=12),
        *verdict_lines(tmp_path, num=12, perturbation="jpeg-50", gain=0.2),
    ]
    return write_run(tmp_path / "run", "genimage", lines, perturbations=(NONE, "jpeg-50"))


def test_genimage_has_thinkfakes_table(tmp_path: Path) -> None:
    run = genimage_run(tmp_path)
    table = tables_of(run, SUITES["genimage"].published)[0]
    assert table.headings == (*GENERATORS, "Mean")
    ours, thinkfake = table.rows[:2]
    mean = run.figure("mean_accuracy")
    assert mean is not None
    assert ours.cells[-1].text == f"{100 * mean.value:.1f}"
    assert ours.cells[3].num == 12
    assert (thinkfake.label, thinkfake.cells[-1].text) == ("ThinkFake", "84.0")
    assert thinkfake.cells[0] == Cell()
    assert thinkfake.note == 1
    assert "2509.19841" in table.notes[0]


def test_every_figure_stands_in_one_table(tmp_path: Path) -> None:
    run = genimage_run(tmp_path)
    figures = run.figures[NONE]
    placed = [
        column.key
        for layout in layouts_of(run.suite, figures)
        for column in columns_of(layout, figures)
    ]
    assert sorted(placed) == sorted(one.key for one in figures if one.name != "num_unscored")


def test_perturbations_stand_below_each_other(tmp_path: Path) -> None:
    run = genimage_run(tmp_path)
    table = robustness_table(run, ["mean_accuracy", "auc"])
    assert table is not None
    assert [row.label for row in table.rows] == ["as they are", "jpeg 50"]
    assert table.headings == ("Mean accuracy", "AUC")
    values = [float(row.cells[0].text) for row in table.rows]
    assert values[0] > values[1]
    plain = run.model_copy(update={"figures": {NONE: run.figures[NONE]}})
    assert robustness_table(plain, ["mean_accuracy"]) is None


def test_groups_come_in_the_papers_order_and_strangers_behind() -> None:
    figures = [
        Figure(name="accuracy", group=f"generator={name}", value=0.5, num=4)
        for name in ("zebra", "ADM", "Midjourney", "aaa")
    ]
    layout = Layout("t", (Groups("accuracy", "generator", GENERATORS),))
    assert [c.group for c in columns_of(layout, figures)] == ["Midjourney", "ADM", "aaa", "zebra"]


def test_a_table_of_many_groups_is_turned(tmp_path: Path) -> None:
    figures = tuple(
        Figure(name="accuracy", group=f"task={k:02}", value=k / 20, num=9, interval=Interval(0, 1))
        for k in range(20)
    )
    run = genimage_run(tmp_path).model_copy(update={"suite": "blink", "figures": {NONE: figures}})
    (table,) = tables_of(run, ())
    assert table.title == "Accuracy by task"
    assert table.headings == ("builtin",)
    assert [row.label for row in table.rows] == [f"{k:02}" for k in range(20)]
    assert table.rows[10].cells[0] == Cell("50.0", "0.0 to 100.0", 9)
