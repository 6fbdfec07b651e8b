"""What `groundsight bench` prints: suites, figures with intervals, two runs side by side."""

import json
from dataclasses import asdict

from groundsight.bench.compare import Comparison, PerturbationComparison, Told
from groundsight.bench.pairs import ValueDifference
from groundsight.bench.records import NONE, RunFile
from groundsight.suites import SUITES
from groundsight.suites.base import Figure, Suite
from groundsight.vision.drawing import plain_text

MOST_FIGURES = 24
MOST_CHARS = 80
_COLUMN = 46


def suite_lines(suite: Suite) -> list[str]:
    """A suite for people."""
    lines = [
        f"{suite.name:<16}{suite.title}: {suite.about}",
        f"{'':<16}asks for {suite.asks}; {suite.rule}",
        f"{'':<16}data: {suite.hub or suite.pictures_from or 'your own'}"
        + (f"; {suite.layout}" if suite.layout else ""),
    ]
    for row in suite.published:
        value = row.values.get(suite.headline)
        if value is not None:
            lines.append(f"{'':<16}{suite.headline} {value:.3f} {row.model} ({row.where})")
    return lines


def suite_tree(suite: Suite) -> str:
    """A suite for programs, one line."""
    tree = {
        key: getattr(suite, key)
        for key in ("name", "title", "about", "source", "asks", "rule", "headline", "layout", "hub")
    }
    tree["published"] = [asdict(row) for row in suite.published]
    return json.dumps(tree, ensure_ascii=False)


def run_lines(record: RunFile) -> list[str]:
    """The figures of a run for people: those of plain pictures, then a line a perturbation."""
    done = sum(record.num_scored.values())
    lines = [
        f"{record.suite_title}, {plain_text(record.engine_spec, most=MOST_CHARS)}: {done:,} of "
        f"{record.num_samples * len(record.perturbations):,} scored"
        + ("" if record.complete else " (stopped; figures are of what was done)"),
        f"fingerprint {record.fingerprint_sha256[:16]}",
    ]
    # What is over everything comes first: groups may be many.
    plain = sorted(record.figures.get(NONE, ()), key=lambda figure: figure.group is not None)
    lines += [figure_line(figure) for figure in plain[:MOST_FIGURES]]
    if len(plain) > MOST_FIGURES:
        lines.append(
            f"  … and {len(plain) - MOST_FIGURES} more by group, in the report and run.json"
        )
    return [*lines, *_curve_lines(record)]


def _curve_lines(record: RunFile) -> list[str]:
    headline = SUITES[record.suite].headline
    names = [name for name in record.perturbations if name != NONE and record.figures.get(name)]
    lines = [f"{headline} under perturbations:"] if names else []
    for name in names:
        figure = record.figure(headline, name) or record.figures[name][0]
        lines.append(figure_line(figure, name=name))
    return lines


def figure_line(figure: Figure, *, name: str | None = None) -> str:
    """One figure with its interval and what it is over."""
    interval = ""
    if figure.interval is not None:
        interval = f"[{figure.interval.low:.3f}, {figure.interval.high:.3f}]"
    label = plain_text(name or figure.key, most=_COLUMN - 1)
    value = f"{figure.value:g}" if figure.name.startswith("num_") else f"{figure.value:.3f}"
    return f"  {label:<{_COLUMN}} {value:>7}  {interval:<16} of {figure.num:,}"


def comparison_lines(comparison: Comparison) -> list[str]:
    """What differs in the fingerprint, then what differs in the score."""
    lines = [f"A {comparison.first}", f"B {comparison.second}"]
    lines += [f"! {folder} was stopped before its end" for folder in comparison.incomplete]
    if not comparison.differences:
        lines.append("the fingerprints are the same: both measured the same thing")
    else:
        lines.append("what was measured otherwise:")
        for section, meaning in comparison.meanings.items():
            lines.append(f"  {section}: {meaning}")
            lines += [
                f"    {_told(one)}"
                for one in comparison.differences
                if one.place.partition(".")[0] == section
            ]
    for side, names in (("A", comparison.only_first), ("B", comparison.only_second)):
        if names:
            lines.append(f"only in {side}: {', '.join(names)}")
    for one in comparison.perturbations:
        lines += ["", *_perturbation_lines(one)]
    return lines


def _perturbation_lines(one: PerturbationComparison) -> list[str]:
    lines = [
        f"{'as they are' if one.perturbation == NONE else one.perturbation}: {one.num_shared:,} "
        f"samples in both, {one.num_only_first:,} only in A, {one.num_only_second:,} only in B"
        + (f", {one.num_changed:,} changed in between" if one.num_changed else "")
    ]
    if one.too_few:
        lines.append(f"! {one.too_few}")
    if one.values:
        lines.append(f"  {'mean over shared samples':<{_COLUMN}}      A       B   B - A")
        lines += [_value_line(value) for value in one.values]
    if one.figures:
        lines.append(f"  {'figures on shared samples':<{_COLUMN}}      A       B")
        lines += [
            f"  {plain_text(pair.key, most=60):<{_COLUMN}} {pair.first.value:>6.3f}  "
            f"{pair.second.value:>6.3f}"
            for pair in one.figures[:MOST_FIGURES]
        ]
    return lines


def _value_line(value: ValueDifference) -> str:
    words = [f"[{value.low:+.3f}, {value.high:+.3f}]"]
    if value.p_value is not None:
        words.append(
            f"only A right {value.num_only_first}, only B right {value.num_only_second}, "
            f"McNemar p = {value.p_value:.3g}"
        )
    if value.says:
        words.append(value.says)
    return (
        f"  {plain_text(value.name, most=60):<{_COLUMN}} {value.first:>6.3f}  "
        f"{value.second:>6.3f}  {value.difference:>+6.3f}  {'; '.join(words)}"
    )


def _told(one: Told) -> str:
    first, second = one.words
    return f"{one.place}: {first} → {second}"
