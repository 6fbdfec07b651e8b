"""`report.html`: one page that a person reads, opens offline and can send on.

    write_page(folder)      # from folder/reports.jsonl and folder/thumbnails

Everything is in the file (thumbnails as data URIs); its Content-Security-Policy allows no other
source, and script and style only by their hash. Reports are hostile text: the template escapes
all of it. Cards are written as they are read, so ten thousand need no more memory than ten.
"""

import base64
import contextlib
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple
from urllib.parse import quote

import numpy as np
from PIL import Image

from groundsight.core.report import Evidence, Report
from groundsight.core.types import Verdict
from groundsight.detect.artefacts import OVERLAYS, TONES, overlay_path, thumbnail_path
from groundsight.detect.examiner import OutputError
from groundsight.detect.ledger import LEDGER, read_reports
from groundsight.detect.one import is_failed
from groundsight.vision.drawing import MARK_COLOURS, MOST_MARKS, draw_thumbnail, plain_text

if TYPE_CHECKING:
    from jinja2 import Environment

PAGE = "report.html"
_PACKAGE = "groundsight.detect"
# Side and JPEG quality of a thumbnail by how many there are: a page of 10,000 stays near 60 MB.
_FULL_SIZE = 600
_SMALL_SIDE_PX, _SMALL_QUALITY = 160, 60
_MOST_DETAIL = 4000
KIND_WORDS = {
    "provenance": "Provenance",
    "metadata": "Metadata",
    "watermark": "Watermark",
    "expert": "Signal expert",
    "reasoner": "Reasoner",
    "stability": "Stability",
}


class Box(NamedTuple):
    """A region over the thumbnail, in per cent of its sides."""

    number: int
    colour: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, kw_only=True)
class Card:
    """What the template shows of one report."""

    index: int
    report: Report
    path: str
    tone: str
    status: str
    percent: int | None
    thumbnail: str | None
    overlay: str | None
    boxes: list[Box]
    num_more: int
    kind_words: ClassVar[dict[str, str]] = KIND_WORDS


def write_page(folder: Path, *, title: str = "groundsight report") -> Path:
    """Write `report.html` from the finished reports of a folder.

    Args:
        folder: holds reports.jsonl, and thumbnails/ and overlays/ where pictures were read.
        title: heading of the page.

    Returns:
        Path of the page.

    Raises:
        OutputError: it cannot be written; an earlier page is left as it was.
        UsageError: reports.jsonl holds something else.
    """
    counts = Counter(_status(report) for report in read_reports(folder / LEDGER))
    environment = page_environment(_PACKAGE, detail=_detail)
    script, style = page_asset("report.js"), page_asset("report.css")
    chunks = environment.get_template("report.html.j2").generate(
        title=title,
        counts=counts,
        num_reports=counts.total(),
        cards=_cards(folder, small=counts.total() > _FULL_SIZE),
        script=script,
        style=style,
        script_hash=csp_hash(script),
        style_hash=csp_hash(style),
    )
    unfinished = folder / f"{PAGE}.new"
    try:
        with unfinished.open("w", encoding="utf-8", errors="backslashreplace") as file:
            file.writelines(chunks)
        return unfinished.replace(folder / PAGE)
    except OSError as error:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise OutputError(f"cannot write {folder / PAGE}: {error.strerror or error}") from error


def _cards(folder: Path, *, small: bool) -> Iterator[Card]:
    for index, report in enumerate(read_reports(folder / LEDGER)):
        overlay = overlay_path(folder, report)
        yield Card(
            index=index,
            report=report,
            path=plain_text(report.image.path, most=2000),
            tone=TONES[report.verdict],
            status=_status(report),
            percent=None if report.p_fake is None else round(report.p_fake * 100),
            thumbnail=_thumbnail_uri(thumbnail_path(folder, report), small=small),
            overlay=quote(f"{OVERLAYS}/{overlay.name}") if overlay.exists() else None,
            boxes=_boxes(report),
            num_more=max(0, len(report.regions) - MOST_MARKS),
        )


def _status(report: Report) -> str:
    """The filter that a report falls under."""
    if is_failed(report):
        return "failed"
    return {
        Verdict.AI_GENERATED: "generated",
        Verdict.REAL: "real",
        Verdict.INCONCLUSIVE: "inconclusive",
    }[report.verdict]


def _boxes(report: Report) -> list[Box]:
    width, height = report.image.width, report.image.height
    if not width or not height:
        return []
    boxes = []
    for index, region in enumerate(report.regions[:MOST_MARKS]):
        x0, y0, x1, y1 = region.xyxy_px
        red, green, blue = MARK_COLOURS[index % len(MARK_COLOURS)]
        boxes.append(
            Box(
                number=index + 1,
                colour=f"#{red:02x}{green:02x}{blue:02x}",
                x=round(100 * x0 / width, 2),
                y=round(100 * y0 / height, 2),
                width=round(100 * (x1 - x0) / width, 2),
                height=round(100 * (y1 - y0) / height, 2),
            )
        )
    return boxes


def _thumbnail_uri(path: Path, *, small: bool) -> str | None:
    try:
        data = path.read_bytes()
        if small:
            data = _shrunk(data)
    except OSError:  # not drawn, or taken away by someone: the card stands without
        return None
    return data_uri(data)


def _shrunk(jpeg: bytes) -> bytes:
    with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as image:
        rgb = np.asarray(image.convert("RGB"))
    buffer = io.BytesIO()
    draw_thumbnail(rgb, _SMALL_SIDE_PX).save(buffer, "JPEG", quality=_SMALL_QUALITY)
    return buffer.getvalue()


def _detail(evidence: Evidence) -> str:
    """The facts of an evidence line as indented JSON, cut where endless."""
    text = json.dumps(evidence.detail, indent=2, ensure_ascii=False)
    return (
        text if len(text) <= _MOST_DETAIL else text[:_MOST_DETAIL] + "\n… (cut; see reports.jsonl)"
    )


def page_environment(package: str, **filters: Callable[..., Any]) -> "Environment":
    """Templates of a package; whatever they are given is escaped.

    Args:
        package: has a folder `templates`.
        filters: by the names that its templates call them.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(filters)
    return environment


def page_asset(name: str, package: str = _PACKAGE) -> str:
    """The text of a file among a package's templates; this one has the style of all pages."""
    return files(package).joinpath("templates", name).read_text(encoding="utf-8")


def data_uri(data: bytes, kind: str = "image/jpeg") -> str:
    """A picture inside a page."""
    return f"data:{kind};base64," + base64.b64encode(data).decode("ascii")


def csp_hash(text: str) -> str:
    """How a Content-Security-Policy names an inline script or style."""
    return "sha256-" + base64.b64encode(sha256(text.encode()).digest()).decode("ascii")
