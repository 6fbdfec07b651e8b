"""Published files: wrappers and prefixes come off, strangers are told in one line, no code runs."""

import pickle
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from groundsight.core.errors import UsageError
from groundsight.experts.weights import fill, read_state, state_sha256


def small_state() -> dict[str, Tensor]:
    network = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    return dict(network.state_dict())


def same(left: dict[str, Tensor], right: dict[str, Tensor]) -> bool:
    return left.keys() == right.keys() and all(torch.equal(left[k], right[k]) for k in left)


State = dict[str, Tensor]
WRAPPERS: dict[str, Callable[[State], dict[str, Any]]] = {
    "bare": lambda state: state,
    "model": lambda state: {"model": state, "optimizer": {"lr": 0.1}, "total_steps": 5},
    "state_dict": lambda state: {"state_dict": state, "epoch": 3},
    "module": lambda state: {f"module.{name}": value for name, value in state.items()},
    "both": lambda state: {"state_dict": {f"module.{k}": v for k, v in state.items()}},
    "nested": lambda state: {"net": {"model": state}},
    "arguments": lambda state: {"model": state, "args": Namespace(lr=0.1)},
}


@pytest.mark.parametrize("name", WRAPPERS)
def test_wrappers_and_prefixes_come_off(name: str, tmp_path: Path) -> None:
    state = small_state()
    torch.save(WRAPPERS[name](state), tmp_path / "file.pth")
    assert same(read_state(tmp_path / "file.pth"), state)


def test_safetensors_are_known_by_their_content_not_by_their_name(tmp_path: Path) -> None:
    state = small_state()
    save_file(state, tmp_path / "file.pth")
    assert same(read_state(tmp_path / "file.pth"), state)


def test_old_files_without_counters_load(tmp_path: Path) -> None:
    network = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    state = {k: v + 1 for k, v in network.state_dict().items() if "num_batches" not in k}
    fill(network, state, "old.pth")
    assert torch.equal(network.state_dict()["1.running_var"], state["1.running_var"])


class _Harm:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("this must never be printed",)


def hostile(tmp_path: Path) -> dict[str, Path]:
    """Files that are no weights, by kind."""
    torch.save({"model": small_state(), "hook": _Harm()}, tmp_path / "code.pth")
    (tmp_path / "pickle.pth").write_bytes(pickle.dumps(_Harm()))
    (tmp_path / "empty.pth").write_bytes(b"")
    (tmp_path / "text.pth").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    torch.save([1, 2], tmp_path / "list.pth")
    torch.save({"epoch": 3}, tmp_path / "no_state.pth")
    torch.save({"model": {}}, tmp_path / "empty_state.pth")
    save_file(small_state(), tmp_path / "whole.safetensors")
    cut = (tmp_path / "whole.safetensors").read_bytes()[:-10]
    (tmp_path / "cut.safetensors").write_bytes(cut)
    return {path.stem: path for path in tmp_path.iterdir() if path.stem != "whole"}


KINDS = ["code", "pickle", "empty", "text", "list", "no_state", "empty_state", "cut", "missing"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_weights_is_told_in_one_line(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = hostile(tmp_path).get(kind, tmp_path / "missing.pth")
    with pytest.raises(UsageError) as told:
        read_state(path)
    assert "\n" not in str(told.value) and str(path) in str(told.value)
    assert "never be printed" not in capsys.readouterr().out


FAULTS: dict[str, tuple[Callable[[State], object], str]] = {
    "missing": (lambda s: s.pop("0.bias"), r"missing: 0\.bias"),
    "unexpected": (lambda s: s.update({"9.x": torch.zeros(1)}), r"unexpected: 9\.x"),
    "shape": (
        lambda s: s.update({"0.bias": torch.zeros(4)}),
        r"of another shape: 0\.bias is \(4,\), expected \(3,\)",
    ),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_what_does_not_fit_is_named_and_nothing_is_loaded(kind: str) -> None:
    network = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    before = state_sha256(network)
    state = {name: value + 1 for name, value in small_state().items()}
    spoil, words = FAULTS[kind]
    spoil(state)
    with pytest.raises(UsageError, match=words) as told:
        fill(network, state, "file.pth")
    assert "\n" not in str(told.value) and str(told.value).startswith("file.pth")
    assert state_sha256(network) == before


def test_many_wrong_names_are_counted() -> None:
    network = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    with pytest.raises(UsageError, match="and 3 more"):
        fill(network, {"other": torch.zeros(1)}, "file.pth")


def test_the_hash_hangs_on_values_and_names() -> None:
    left, right = nn.Linear(2, 2), nn.Linear(2, 2)
    right.load_state_dict(left.state_dict())
    assert state_sha256(left) == state_sha256(right)
    with torch.no_grad():
        right.bias[0] += 1
    assert state_sha256(left) != state_sha256(right)
