"""The command itself: version, help, one line for a mistake."""

import pytest

from groundsight import __version__
from groundsight.cli.app import main


def status_of(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of("--version") == 0
    assert capsys.readouterr().out == f"groundsight {__version__}\n"


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",)])
def test_help_lists_the_commands(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    assert status_of(*arguments) == 0
    told = capsys.readouterr().out
    assert "detect" in told
    assert "demo" in told


def test_an_unknown_command_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of("detekt") == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "detekt" in told
