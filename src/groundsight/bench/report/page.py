"""`report.html` and `comparison.html`: one page each, read offline and sent on.

Plots and pictures are inside; the Content-Security-Policy allows no other source and no script.
Names, replies and paths are hostile text: the template escapes all of it.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from groundsight.bench.report.comparison import ComparisonContents
from groundsight.bench.report.contents import Contents
from groundsight.bench.report.mistakes import MistakeCard
from groundsight.core.json_values import to_json_value
from groundsight.detect.page import csp_hash, data_uri, page_asset, page_environment
from groundsight.vision.drawing import plain_text

_PACKAGE = "groundsight.bench.report"
_MOST_DETAIL = 20_000


@dataclass(frozen=True)
class Plot:
    """A plot inside the page."""

    name: str
    uri: str


def html_report(
    contents: Contents,
    mistakes: list[MistakeCard],
    plots: Mapping[str, Path],
    *,
    no_plots: str = "",
) -> Iterator[str]:
    """The page, in pieces.

    Args:
        contents: what it says.
        mistakes: the worst, worst first.
        plots: PNGs by name.
        no_plots: why there are none; "" where there are.
    """
    run = contents.run
    return _page(
        "bench.html.j2",
        contents=contents,
        mistakes=mistakes,
        plots=[
            Plot(name, data_uri(path.read_bytes(), "image/png")) for name, path in plots.items()
        ],
        has_pair={"groups", "confusion"} <= plots.keys(),
        no_plots=no_plots,
        unanswered_counts=[
            (name, sorted(codes.items())) for name, codes in run.num_unanswered.items() if codes
        ],
    )


def comparison_page(contents: ComparisonContents) -> Iterator[str]:
    """The page of two runs side by side, in pieces."""
    return _page("comparison.html.j2", contents=contents)


def _page(template: str, **values: object) -> Iterator[str]:
    style = page_asset("report.css") + page_asset("bench.css", _PACKAGE)
    environment = page_environment(_PACKAGE, detail=_detail, plain=_plain, uri=data_uri)
    return environment.get_template(template).generate(
        **values, style=style, style_hash=csp_hash(style)
    )


def _detail(part: object) -> str:
    text = json.dumps(to_json_value(part), indent=1, ensure_ascii=False)
    return text if len(text) <= _MOST_DETAIL else text[:_MOST_DETAIL] + "\n… (cut; see run.json)"


def _plain(text: str) -> str:
    return plain_text(text, most=2000)
