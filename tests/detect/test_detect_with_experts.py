"""`detect --expert`: second opinions in reports, resumed runs and case bundles."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.experts.toy_bright_expert import make_trained, plain_picture
from typer.testing import CliRunner

from groundsight.cli.app import app
from groundsight.core.errors import UsageError
from groundsight.detect.bundle_writer import BundleSettings, write_bundle
from groundsight.detect.job import Job, detect_pictures
from groundsight.detect.verify import Verify, verify_bundle
from groundsight.engines import EngineOptions
from groundsight.engines.second_opinions import DISAGREEMENT, TAG
from groundsight.experts import save_expert


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    plain_picture(255, 64).save(path)
    return path


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    return (
        save_expert(make_trained(4.0), tmp_path / "bright"),
        save_expert(make_trained(-4.0), tmp_path / "dark"),
    )


def options(*folders: Path) -> EngineOptions:
    return EngineOptions(experts=tuple(str(folder) for folder in folders))


def test_the_command_states_opinions_and_disagreement(
    photo: Path, folders: tuple[Path, Path]
) -> None:
    flags = [part for folder in folders for part in ("--expert", str(folder))]
    said = CliRunner().invoke(app, ["detect", str(photo), "--format", "json", *flags])
    assert said.exit_code == 0
    report = json.loads(said.stdout)
    lines = {line["name"]: line for line in report["evidence"]}
    assert lines["bright-1"]["p_fake"] > 0.9 > 0.1 > lines["bright-2"]["p_fake"]
    assert "Nothing is averaged" in lines[DISAGREEMENT]["finding"]
    assert TAG in report["tags"]
    assert len(report["engine"]["settings"]["second_opinions"]) == 2


def test_an_unknown_expert_is_told_in_one_line(photo: Path) -> None:
    said = CliRunner().invoke(app, ["detect", str(photo), "--expert", "nprr"])
    assert isinstance(said.exception, UsageError)
    assert "Did you mean 'npr'" in str(said.exception)


def test_a_run_does_not_go_on_with_other_experts(
    photo: Path, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    first = Job(out=out, options=options(folders[0]), num_workers=1)
    assert len(list(detect_pictures([str(photo)], first))) == 1
    other = Job(out=out, existing="resume", options=options(folders[1]), num_workers=1)
    with pytest.raises(UsageError):
        list(detect_pictures([str(photo)], other))


def test_a_bundle_never_decides_which_expert_is_loaded(
    photo: Path, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    out, bundle = tmp_path / "out", tmp_path / "bundle"
    job = Job(out=out, options=options(folders[0]), num_workers=1)
    list(detect_pictures([str(photo)], job))
    settings = BundleSettings(options=options(folders[0]), with_pictures=True, paths=(str(photo),))
    write_bundle(bundle, out, settings)
    with pytest.raises(UsageError, match="name them with --expert"):
        verify_bundle(bundle)
    assert verify_bundle(bundle, Verify(experts=(str(folders[0]),))).is_same
    assert not verify_bundle(bundle, Verify(experts=(str(folders[1]),))).is_same


def test_without_experts_no_torch_is_loaded(photo: Path) -> None:
    program = (
        "import sys; from groundsight.cli.app import app\n"
        f"app(['detect', {str(photo)!r}, '--format', 'jsonl'], standalone_mode=False)\n"
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "evidence" in done.stdout
