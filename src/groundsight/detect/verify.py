"""Check a case bundle: are its files whole, and does a run say today what it said then?

    found = verify_bundle(Path("case.zip"), Verify(pictures=("photo.jpg",)))
    found.is_same, found.findings

In this order: the files against the manifest, the pictures against their hashes, the engine against
the one that answered, the answers against the reports. Everything that differs is told.

A bundle may come from anyone, so it decides nothing: a model is loaded, a server asked or a file
opened only where the caller names it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import islice
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Literal

from pydantic import JsonValue, ValidationError

from groundsight.core.config import validate_config
from groundsight.core.errors import ConfigError, PictureError, UsageError
from groundsight.core.report import EngineInfo, ImageInfo, Problem, Report
from groundsight.core.types import Value
from groundsight.data.pictures import find_pictures
from groundsight.detect.bundle import UNKEPT_OPTIONS, BundledFile, Case, settled
from groundsight.detect.bundle_reader import Bundle, open_bundle
from groundsight.detect.differences import find_differences
from groundsight.detect.one import Opened, describe_picture, examine_opened
from groundsight.engines import Engine, EngineOptions, batch_size_of, close_engine, load_engine
from groundsight.vision.drawing import plain_text
from groundsight.vision.images import Limits, decode_picture, printable_path, read_picture_bytes

Stage = Literal["files", "picture", "engine", "report"]
MOST_FINDINGS_A_CASE = 40
TOLERANCE = 1e-4
"Scores and corners that differ by less are the same: processors round differently."


class Finding(Value):
    """One thing that differs."""

    stage: Stage
    case: str | None
    "Path of the picture; None for the bundle as a whole."
    place: str
    was: JsonValue
    now: JsonValue


class Verification(Value):
    """What came of checking a bundle."""

    bundle: str
    manifest_sha256: str
    num_cases: int
    num_compared: int
    "Cases whose pictures were examined again."
    findings: tuple[Finding, ...]

    @property
    def is_same(self) -> bool:
        """Whether nothing differs."""
        return not self.findings


@dataclass(frozen=True, kw_only=True)
class Verify:
    """How to check.

    Args:
        pictures: files, folders, globs that hold the pictures; those in the bundle are known.
        engine: who is asked again; None: the builtin engine, where that is who answered.
        adapter: for the engine, where it had one.
        experts: who gave second opinions, where the run had such; names or folders.
        device: for the engine.
        tolerance: of scores and of corners in pixels.
        limits: of pictures.
    """

    pictures: tuple[str, ...] = ()
    engine: str | None = None
    adapter: str | None = None
    experts: tuple[str, ...] = ()
    device: str | None = None
    tolerance: float = TOLERANCE
    limits: Limits = field(default_factory=Limits)


def verify_bundle(place: Path, how: Verify | None = None) -> Verification:
    """Check a bundle and run it again.

    Raises:
        UsageError: no bundle, a hostile one, a picture or an engine that must be named.
    """
    how = how or Verify()
    with open_bundle(place) as bundle:
        findings = list(_check_files(bundle))
        options = _options(bundle, how)
        spec = _engine_spec(bundle, how)
        found = _find_pictures(bundle, how)
        findings += found.findings
        engine = load_engine(spec, options)
        try:
            findings += _check_engine(bundle, engine.info)
            for batch in _batches(found.cases, batch_size_of(engine)):
                findings += _check_cases(bundle, batch, engine, how)
        finally:
            close_engine(engine)
        return Verification(
            bundle=printable_path(place),
            manifest_sha256=bundle.manifest_sha256,
            num_cases=len(bundle.manifest.cases),
            num_compared=len(found.cases),
            findings=tuple(findings),
        )


def _check_files(bundle: Bundle) -> Iterator[Finding]:
    listed, there = bundle.manifest.files, set(bundle.names)
    for name in sorted(there | set(listed)):
        was = listed[name].sha256 if name in listed else None
        now = None
        if name in there:
            digest, length = bundle.sha256_of(name)
            now = digest
            if name in listed and listed[name] == BundledFile(sha256=digest, num_bytes=length):
                continue
        yield Finding(stage="files", case=None, place=name, was=was, now=now)


@dataclass(frozen=True)
class _Found:
    """Cases whose pictures are at hand, with the path of each (None: in the bundle)."""

    cases: list[tuple[Case, str | None]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def _find_pictures(bundle: Bundle, how: Verify) -> _Found:
    """Look for every case's picture, by its hash.

    Raises:
        UsageError: one is neither in the bundle nor among the pictures named.
    """
    paths = find_pictures(how.pictures).paths if how.pictures else ()
    hashes = {path: _hash(path, how.limits) for path in paths}
    by_hash = {digest: path for path, digest in hashes.items()}
    by_name = {_base_name(printable_path(path)): digest for path, digest in hashes.items()}
    found, there, missing = _Found(), frozenset(bundle.names), []
    for case in bundle.manifest.cases:
        if case.sha256 is None:
            continue  # it could not be read then: there is nothing to run again
        name = _base_name(case.path)
        if case.sha256 in by_hash:
            found.cases.append((case, by_hash[case.sha256]))
        elif case.picture in there:
            found.cases.append((case, None))
        elif name in by_name:
            found.findings.append(_other_picture(case, by_name[name]))
        else:
            missing.append(case)
    if missing:
        _refuse_missing(bundle, missing)
    return found


def _other_picture(case: Case, now: str | None) -> Finding:
    return Finding(stage="picture", case=case.path, place="sha256", was=case.sha256, now=now)


def _refuse_missing(bundle: Bundle, missing: Sequence[Case]) -> None:
    more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
    first = missing[0]
    raise UsageError(
        f"{bundle.place} does not hold {plain_text(first.path)} (SHA-256 {first.sha256}){more}: "
        "name the file or its folder with --picture PATH"
    )


def _hash(path: str, limits: Limits) -> str | None:
    try:
        return sha256(read_picture_bytes(path, limits)).hexdigest()
    except PictureError:
        return None


def _base_name(path: str) -> str:
    """Of a path of any system."""
    return PureWindowsPath(PurePosixPath(path).name).name


def _engine_spec(bundle: Bundle, how: Verify) -> str:
    """Who is asked again.

    Raises:
        UsageError: the bundle names an engine that reads a file, a folder or a server; only the
            caller may choose those.
    """
    recorded = bundle.manifest.engine
    if how.engine is not None:
        return how.engine
    if recorded != "builtin":
        raise UsageError(
            f"{bundle.place} was written by engine {recorded[:200]!r}: name the engine to ask "
            "with --engine (a bundle alone never decides what is loaded)"
        )
    return recorded


def _options(bundle: Bundle, how: Verify) -> EngineOptions:
    """The options of then; what names a file or this machine is the caller's.

    Raises:
        ConfigError: options that this version does not know.
        UsageError: the run had an adapter or experts that the caller does not name.
    """
    recorded = dict(bundle.manifest.options)
    adapter = recorded.pop("adapter", None)
    if adapter is not None and how.adapter is None:
        raise UsageError(
            f"{bundle.place} was written with the adapter {str(adapter)[:200]!r}: name it with "
            "--adapter"
        )
    experts = recorded.pop("experts", ())
    if experts and not how.experts:
        raise UsageError(
            f"{bundle.place} was written with second opinions of {str(experts)[:200]}: name them "
            "with --expert, in that order"
        )
    tree = {key: value for key, value in recorded.items() if key not in UNKEPT_OPTIONS}
    given = {"adapter": how.adapter, "device": how.device, "experts": how.experts or None}
    tree |= {key: value for key, value in given.items() if value is not None}
    try:
        return validate_config(EngineOptions, tree, where=f"{bundle.place}: options")
    except ConfigError as error:  # the names in it are the bundle's own
        raise ConfigError(plain_text(str(error), most=500)) from error


def _check_engine(bundle: Bundle, now: EngineInfo) -> Iterator[Finding]:
    was = bundle.manifest.engine_info
    if was is not None:
        for one in find_differences(was.model_dump(mode="json"), now.model_dump(mode="json")):
            yield Finding(stage="engine", case=None, place=one.place, was=one.was, now=one.now)


def _batches(
    cases: Sequence[tuple[Case, str | None]], size: int
) -> Iterator[Sequence[tuple[Case, str | None]]]:
    for start in range(0, len(cases), size):
        yield cases[start : start + size]


def _check_cases(
    bundle: Bundle, batch: Sequence[tuple[Case, str | None]], engine: Engine, how: Verify
) -> Iterator[Finding]:
    opened = [_open(bundle, case, path, how.limits) for case, path in batch]
    for (case, _), report in zip(batch, examine_opened(opened, engine), strict=True):
        if report.image.sha256 != case.sha256:
            yield _other_picture(case, report.image.sha256)
        else:
            yield from _check_report(bundle, case, report, how.tolerance)


def _check_report(
    bundle: Bundle, case: Case, report: Report, tolerance: float
) -> Iterator[Finding]:
    try:
        was = settled(Report.model_validate_json(bundle.read(case.report)))
    except (UsageError, ValidationError):
        yield Finding(stage="report", case=case.path, place=case.report, was=None, now=None)
        return
    if was.engine != bundle.manifest.engine_info:
        yield Finding(
            stage="report", case=case.path, place="engine", was="not the manifest's", now=None
        )
    found = find_differences(_tree(was), _tree(settled(report)), tolerance=tolerance)
    for one in islice(found, MOST_FINDINGS_A_CASE):
        yield Finding(stage="report", case=case.path, place=one.place, was=one.was, now=one.now)


def _open(bundle: Bundle, case: Case, path: str | None, limits: Limits) -> Opened:
    """A case's picture, from its file or from the bundle, under the name of then."""
    image = ImageInfo(path=case.path)
    try:
        if path is not None:
            data = read_picture_bytes(path, limits)
        else:
            assert case.picture is not None
            data = bundle.read(case.picture, limits.max_bytes)
        image = ImageInfo(path=case.path, sha256=sha256(data).hexdigest())
        picture = decode_picture(data, case.path, limits)
    except PictureError as error:
        return Opened(image=image, problem=Problem(code=error.code, message=error.message))
    return Opened(image=describe_picture(picture), picture=picture)


def _tree(report: Report) -> dict[str, JsonValue]:
    """Verdict first, as people look; the engine has its own stage."""
    tree = report.model_dump(mode="json", by_alias=True, exclude={"engine", "schema_"})
    first = ("verdict", "p_fake", "regions", "raw")
    return {key: tree[key] for key in (*first, *(key for key in tree if key not in first))}
