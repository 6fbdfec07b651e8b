"""What `make` installs is what the project declares, pinned, and names no host."""

import re
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
PINS = dict(
    line.split("==")
    for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
)
PINNED = {canonicalize_name(name): version for name, version in PINS.items()}


def declared(*extras: str) -> list[Requirement]:
    """The requirements of the base install and of some extras, through nested extras."""
    found = [Requirement(text) for text in PROJECT["dependencies"]]
    waiting = list(extras)
    while waiting:
        for requirement in map(Requirement, EXTRAS[waiting.pop()]):
            if requirement.name == PROJECT["name"]:
                waiting.extend(requirement.extras)
            else:
                found.append(requirement)
    # Sorted, because extras come as a set, and every worker must collect the same tests.
    return sorted({str(requirement): requirement for requirement in found}.values(), key=str)


@pytest.mark.parametrize("requirement", declared("dev", "demo"), ids=str)
def test_what_make_installs_is_pinned_within_what_is_declared(requirement: Requirement) -> None:
    version = PINNED[canonicalize_name(requirement.name)]
    assert requirement.specifier.contains(version), f"{requirement} but pinned to {version}"


def test_pins_are_exact_sorted_and_name_no_host() -> None:
    text = (ROOT / "constraints.txt").read_text("utf-8")
    assert not re.search(r"://|^-|@", text, re.MULTILINE)
    names = [name.lower() for name in PINS]
    assert len(names) == len(set(names)) == len(PINNED)
    assert names == sorted(names)


def test_the_base_install_brings_no_torch_and_no_test_tools() -> None:
    heavy = {"torch", "torchvision", "transformers", "scikit-learn", "matplotlib", "pytest"}
    assert not heavy & {requirement.name for requirement in declared()}


def test_all_holds_every_extra_for_users() -> None:
    everything = {str(requirement) for requirement in declared("all")}
    for extra in EXTRAS.keys() - {"dev"}:
        assert {str(requirement) for requirement in declared(extra)} <= everything, extra


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no executable bit")
def test_ci_can_be_started() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    assert "set -euo pipefail" in script.read_text("utf-8")


def test_the_demo_extra_installs_all_that_the_demo_asks_for() -> None:
    from groundsight.demo.outline import NEEDED

    installed = {requirement.name for requirement in declared("demo")}
    assert {module.replace("_", "-") for module in NEEDED} <= installed
