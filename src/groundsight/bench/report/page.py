"""`report.html`: the run as one page that is read offline and sent on.

Plots and pictures are inside; the Content-Security-Policy allows no other source and no script.
Names, replies and paths are hostile text: the template escapes all of it.
"""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from groundsight.bench.report.contents import Contents
from groundsight.bench.report.mistakes import MistakeCard
from groundsight.core.json_values import to_json_value
from groundsight.detect.page import csp_hash, page_asset
from groundsight.vision.drawing import plain_text

if TYPE_CHECKING:
    from jinja2 import Environment

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
    environment = _environment()
    style = page_asset("report.css") + _own_style()
    run = contents.run
    return environment.get_template("bench.html.j2").generate(
        contents=contents,
        mistakes=mistakes,
        plots=[Plot(name, _uri(path.read_bytes(), "image/png")) for name, path in plots.items()],
        has_pair={"groups", "confusion"} <= plots.keys(),
        no_plots=no_plots,
        unanswered_counts=[
            (name, sorted(codes.items())) for name, codes in run.num_unanswered.items() if codes
        ],
        style=style,
        style_hash=csp_hash(style),
    )


def _uri(data: bytes, kind: str = "image/jpeg") -> str:
    return f"data:{kind};base64," + base64.b64encode(data).decode("ascii")


def _detail(part: object) -> str:
    text = json.dumps(to_json_value(part), indent=1, ensure_ascii=False)
    return text if len(text) <= _MOST_DETAIL else text[:_MOST_DETAIL] + "\n… (cut; see run.json)"


def _plain(text: str) -> str:
    return plain_text(text, most=2000)


def _own_style() -> str:
    from importlib.resources import files

    folder = files("groundsight.bench.report").joinpath("templates", "bench.css")
    return folder.read_text(encoding="utf-8")


def _environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("groundsight.bench.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(detail=_detail, plain=_plain, uri=_uri)
    return environment
