"""Packing a finished run as a case bundle: a folder, or a ZIP file.

write_bundle(Path("case.zip"), Path("out"), BundleSettings(engine="builtin"))
"""

import json
import platform
import re
import shutil
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Protocol

from groundsight import __version__
from groundsight.core.errors import PictureError, UsageError
from groundsight.core.report import EngineInfo, Report
from groundsight.detect.artefacts import overlay_path, safe_name
from groundsight.detect.bundle import (
    MANIFEST,
    PROMPT,
    UNKEPT_OPTIONS,
    BundledFile,
    Case,
    Manifest,
    prompt_sent,
    settings_sha256,
    settled,
)
from groundsight.detect.examiner import OutputError
from groundsight.detect.ledger import LEDGER, read_reports
from groundsight.engines import EngineOptions
from groundsight.vision.images import Limits, printable_path, read_picture_bytes

MOST_ZIP_FILES = 65_000
"A ZIP file of the plain kind counts its files with 16 bits."
_PACKAGES = (
    *("numpy", "scipy", "pillow", "onnxruntime", "c2pa-python"),
    *("torch", "transformers", "peft", "tokenizers"),
)
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, kw_only=True)
class BundleSettings:
    """What the manifest must know of the run.

    Args:
        engine: the `--engine` value.
        options: how its model was loaded and asked.
        with_pictures: put the pictures themselves in.
        paths: of the pictures that were asked for: a report names a path as text, which need not
            be the path of a file.
    """

    engine: str = "builtin"
    options: EngineOptions = field(default_factory=EngineOptions)
    with_pictures: bool = False
    paths: tuple[str, ...] = ()


def check_target(target: Path) -> None:
    """Refuse a place where something lies already, before any work is done.

    Raises:
        UsageError: a file or a folder that is not empty.
    """
    empty_folder = target.is_dir() and not any(target.iterdir())
    if target.exists() and not (empty_folder and not _is_zip(target)):
        raise UsageError(f"--bundle {target} is there already: name a new folder or .zip file")


def write_bundle(target: Path, folder: Path, settings: BundleSettings) -> str:
    """Pack the reports and overlays of a run's folder.

    Args:
        target: a new folder, or a new file whose name ends in `.zip`.
        folder: `--out` of a finished run.
        settings: of that run.

    Returns:
        SHA-256 of the manifest: whoever knows it can tell whether anything was changed.

    Raises:
        UsageError: the target is there already, the folder has no reports, or a picture that is to
            be put in has changed.
        OutputError: the bundle cannot be written.
    """
    check_target(target)
    if not (folder / LEDGER).is_file():
        raise UsageError(f"{folder} has no {LEDGER} to bundle")
    try:
        with _open_writer(target) as writer:
            return _write_all(writer, folder, settings)
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror or error}") from error


class Writer(Protocol):
    """Where a bundle's files go."""

    def __enter__(self) -> "Writer":
        """Begin."""
        ...

    def __exit__(self, kind: Any, *_: object) -> None:
        """End; on an exception what was begun is removed."""
        ...

    def write(self, name: str, data: bytes) -> None:
        """Write one file."""
        ...


class FolderWriter:
    """Files in a folder."""

    def __init__(self, target: Path) -> None:
        self._target = target

    def __enter__(self) -> "FolderWriter":
        self._target.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, kind: Any, *_: object) -> None:
        if kind is not None:
            shutil.rmtree(self._target, ignore_errors=True)

    def write(self, name: str, data: bytes) -> None:
        """Write one file."""
        path = self._target / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)


class ZipWriter:
    """Files in a ZIP that takes its name when it is whole; the same files give the same bytes."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._part = target.with_name(target.name + ".part")
        self._num = 0

    def __enter__(self) -> "ZipWriter":
        self._target.parent.mkdir(parents=True, exist_ok=True)
        self._zip = zipfile.ZipFile(self._part, "w", zipfile.ZIP_DEFLATED)
        return self

    def __exit__(self, kind: Any, *_: object) -> None:
        self._zip.close()
        if kind is not None:
            self._part.unlink(missing_ok=True)
        else:
            self._part.replace(self._target)

    def write(self, name: str, data: bytes) -> None:
        """Write one file.

        Raises:
            UsageError: more files than a ZIP of the plain kind counts.
        """
        self._num += 1
        if self._num > MOST_ZIP_FILES:
            raise UsageError(
                f"a bundle of more than {MOST_ZIP_FILES} files does not go into a .zip: name a "
                "folder"
            )
        self._zip.writestr(zipfile.ZipInfo(name, _ZIP_DATE), data, zipfile.ZIP_DEFLATED)


class _Hashing:
    """A writer that remembers what it wrote."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self.files: dict[str, BundledFile] = {}

    def write(self, name: str, data: bytes) -> str:
        self.files[name] = BundledFile(sha256=sha256(data).hexdigest(), num_bytes=len(data))
        self._writer.write(name, data)
        return name


def _open_writer(target: Path) -> Writer:
    return ZipWriter(target) if _is_zip(target) else FolderWriter(target)


def _is_zip(target: Path) -> bool:
    return target.suffix.lower() == ".zip"


def _write_all(writer: Writer, folder: Path, settings: BundleSettings) -> str:
    hashing = _Hashing(writer)
    real_paths = {printable_path(path): path for path in settings.paths}
    names: set[str] = set()
    cases, info = [], None
    for report in read_reports(folder / LEDGER):
        info = info or report.engine
        name = _free_name(safe_name(report), names)
        cases.append(_write_case(hashing, folder, report, name, settings, real_paths))
    prompt = None if info is None else prompt_sent(info, settings.options)
    if prompt is not None:
        hashing.write(PROMPT, prompt)
    manifest = _manifest(settings, info, tuple(cases), hashing.files)
    data = _json_bytes(manifest.model_dump(mode="json", by_alias=True))
    writer.write(MANIFEST, data)
    return sha256(data).hexdigest()


def _free_name(name: str, taken: set[str]) -> str:
    """The name, numbered where a picture was asked for twice."""
    free, number = name, 1
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    taken.add(free)
    return free


def _write_case(
    writer: _Hashing,
    folder: Path,
    report: Report,
    name: str,
    settings: BundleSettings,
    real_paths: Mapping[str, str],
) -> Case:
    kept = settled(report)
    overlay = overlay_path(folder, report)
    raw = kept.raw
    return Case(
        path=report.image.path,
        sha256=report.image.sha256,
        report=writer.write(
            f"reports/{name}.json", _json_bytes(kept.model_dump(mode="json", by_alias=True))
        ),
        raw=None
        if raw is None
        else writer.write(f"raw/{name}.txt", raw.encode("utf-8", "backslashreplace")),
        overlay=writer.write(f"overlays/{name}.png", overlay.read_bytes())
        if overlay.is_file()
        else None,
        picture=_write_picture(writer, report, name, real_paths)
        if settings.with_pictures
        else None,
    )


def _write_picture(
    writer: _Hashing, report: Report, name: str, real_paths: Mapping[str, str]
) -> str | None:
    """Put the picture in as it was examined; None for one that could not be read then.

    Raises:
        UsageError: it cannot be read any more, or has changed.
    """
    image = report.image
    if image.sha256 is None:
        return None
    try:
        data = read_picture_bytes(real_paths.get(image.path, image.path), Limits())
    except PictureError as error:
        raise UsageError(f"{image.path} cannot be put into the bundle: {error}") from error
    if sha256(data).hexdigest() != image.sha256:
        raise UsageError(f"{image.path} has changed since it was examined: run again")
    return writer.write(f"pictures/{name}{_suffix(image.format)}", data)


def _suffix(image_format: str | None) -> str:
    return f".{image_format}" if image_format and re.fullmatch("[a-z0-9]+", image_format) else ""


def _manifest(
    settings: BundleSettings,
    info: EngineInfo | None,
    cases: tuple[Case, ...],
    files: Mapping[str, BundledFile],
) -> Manifest:
    given = settings.options.model_dump(mode="json", exclude_unset=True)
    prompt = None if info is None else info.settings.get("prompt_sha256")
    return Manifest(
        groundsight=__version__,
        python=platform.python_version(),
        packages=dict(_versions(_PACKAGES)),
        engine=settings.engine,
        options={key: value for key, value in given.items() if key not in UNKEPT_OPTIONS},
        engine_info=info,
        settings_sha256=None if info is None else settings_sha256(info),
        prompt_sha256=prompt if isinstance(prompt, str) else None,
        cases=cases,
        files=dict(files),
    )


def _versions(packages: Iterable[str]) -> Iterator[tuple[str, str]]:
    for package in packages:
        try:
            yield package, version(package)
        except PackageNotFoundError:
            continue


def _json_bytes(tree: Any) -> bytes:
    text = json.dumps(tree, indent=2, ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace") + b"\n"
