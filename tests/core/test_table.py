import sys
from pathlib import Path

import pytest

from groundsight.core.errors import UnknownNameError, UsageError
from groundsight.core.table import Table, load_object

NUMBERS: Table[float] = Table("number", {"tau": 6.28, "pi": "math:pi"})


def test_rows_are_given_or_imported_on_first_use() -> None:
    assert NUMBERS["tau"] == 6.28
    assert NUMBERS["pi"] == pytest.approx(3.14159265)


def test_it_is_a_mapping_in_the_order_of_its_rows() -> None:
    assert list(NUMBERS) == ["tau", "pi"]
    assert len(NUMBERS) == 2
    assert "pi" in NUMBERS
    assert "math:pi" not in NUMBERS
    assert NUMBERS.get("phi", 1.6) == 1.6
    assert repr(NUMBERS) == "Table('number': tau, pi)"


def test_a_miss_says_what_is_known_and_what_is_close() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown number 'tao'. Did you mean 'tau'\?"):
        NUMBERS["tao"]


def test_a_plug_in_comes_by_import_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "outside_plugin.py").write_text("E = 2.71\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert NUMBERS["outside_plugin:E"] == 2.71
    monkeypatch.delitem(sys.modules, "outside_plugin")


def test_a_plug_in_whose_own_import_fails_tells_its_own_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_plugin.py").write_text("import no_such_module_anywhere\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="no_such_module_anywhere"):
        NUMBERS["broken_plugin:E"]


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("math:no_such", "math has no 'no_such'"),
        ("no_such_package.mod:thing", "no module named 'no_such_package'"),
        ("math.no_such:thing", "no module named 'math.no_such'"),
        (":attribute", "an import path reads package.module:attribute"),
        ("math:", "an import path reads package.module:attribute"),
        (".relative:thing", "an import path reads package.module:attribute"),
        ("a..b:thing", "no module named"),
    ],
)
def test_a_bad_import_path_is_one_line_for_the_user(path: str, says: str) -> None:
    with pytest.raises(UsageError, match="number") as caught:
        load_object(path, "number")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
