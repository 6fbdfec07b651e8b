"""One picture → one report.

    report = detect_picture("photo.jpg")
    print(report.verdict, report.p_fake)

A picture that cannot be read, or an engine that fails on it, is a report with `problems`.
"""

import os
from hashlib import sha256
from time import perf_counter

from groundsight.core.errors import PictureError
from groundsight.core.report import EngineInfo, ImageInfo, Problem, Report
from groundsight.core.types import Verdict
from groundsight.engines import Answer, Engine, load_engine
from groundsight.vision.images import (
    Limits,
    Picture,
    decode_picture,
    printable_path,
    read_picture_bytes,
)

DEFAULT_LIMITS = Limits()
# Problems of the run rather than of the picture; a later run may well get past them.
RUN_FAULTS = frozenset({"engine_failed", "out_of_memory", "timed_out", "worker_died"})


def detect_picture(
    picture: str | os.PathLike[str] | Picture,
    engine: str | Engine = "builtin",
    *,
    limits: Limits = DEFAULT_LIMITS,
) -> Report:
    """Say whether a picture is AI-generated, where that shows and why.

    Args:
        picture: a file, or a picture that is open already.
        engine: a `--engine` value, or an engine (make it once when there are many pictures).
        limits: what is refused before decoding.

    Returns:
        The report; INCONCLUSIVE with `problems` when the picture cannot be read.

    Raises:
        UsageError: no such engine.
    """
    ready = load_engine(engine) if isinstance(engine, str) else engine
    if isinstance(picture, Picture):
        return examine(picture, ready, perf_counter())
    report, _ = examine_file(picture, ready, limits)
    return report


def examine_file(
    path: str | os.PathLike[str], engine: Engine, limits: Limits = DEFAULT_LIMITS
) -> tuple[Report, Picture | None]:
    """Read, decode and examine one file.

    Returns:
        The report, and the open picture where it could be opened.
    """
    start = perf_counter()
    image = ImageInfo(path=printable_path(path))
    try:
        data = _read(path, limits)
        image = image.model_copy(update={"sha256": sha256(data).hexdigest()})
        picture = decode_picture(data, image.path, limits)
    except PictureError as error:
        problem = Problem(code=error.code, message=error.message)
        return report_failure(image, engine.info, problem, perf_counter() - start), None
    return examine(picture, engine, start), picture


def examine(picture: Picture, engine: Engine, start: float) -> Report:
    """Ask the engine about an open picture and put its answer into a report.

    Args:
        picture: open.
        engine: made already.
        start: `perf_counter` when work on this picture began.

    Returns:
        The report; an exception of the engine becomes the problem `engine_failed`.
    """
    image = describe_picture(picture)
    try:
        (answer,) = engine.examine([picture])
        return _report(image, answer, picture.problems, engine.info, perf_counter() - start)
    except MemoryError:
        problem = Problem(code="out_of_memory", message="too large for this machine's memory")
    except Exception as error:  # engines run readers over hostile bytes
        text = " ".join(str(error).split())[:300]
        problem = Problem(code="engine_failed", message=f"{type(error).__name__}: {text}")
    return report_failure(image, engine.info, problem, perf_counter() - start)


def describe_picture(picture: Picture) -> ImageInfo:
    """Which picture a report is about."""
    return ImageInfo(
        path=picture.path,
        sha256=picture.sha256,
        width=picture.width,
        height=picture.height,
        format=picture.format,
    )


def report_failure(
    image: ImageInfo, engine: EngineInfo, problem: Problem, timing_s: float = 0.0
) -> Report:
    """The report of a picture on which nothing could be measured."""
    return Report(
        image=image,
        verdict=Verdict.INCONCLUSIVE,
        engine=engine,
        problems=(problem,),
        timing_s=timing_s,
    )


def is_failed(report: Report) -> bool:
    """Whether the picture could not be read or examined (exit status 3), not just odd."""
    codes = {problem.code for problem in report.problems}
    return report.image.width is None or not RUN_FAULTS.isdisjoint(codes)


def _read(path: str | os.PathLike[str], limits: Limits) -> bytes:
    try:
        return read_picture_bytes(path, limits)
    except MemoryError:
        raise PictureError("out_of_memory", "too large for this machine's memory") from None


def _report(
    image: ImageInfo,
    answer: Answer,
    problems: tuple[Problem, ...],
    engine: EngineInfo,
    timing_s: float,
) -> Report:
    return Report(
        image=image,
        verdict=answer.verdict,
        p_fake=answer.p_fake,
        regions=answer.regions,
        tags=answer.tags,
        reasoning=answer.reasoning,
        raw=answer.raw,
        evidence=answer.evidence,
        engine=engine,
        problems=(*problems, *answer.problems),
        timing_s=timing_s,
    )
