"""The whole fit, small: a score of pictures, a few steps, twice."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.experts.signal.fit_set import BRIGHT, DARK, make_manifest, make_picture

from groundsight.forensics.signal.expert import load_signal_expert
from groundsight.forensics.signal.weights import ARRAYS_FILE, GRAPH_FILE

torch = pytest.importorskip("torch", reason="torch is in the extra `fit`")
for package in ("lightgbm", "onnx", "sklearn"):
    pytest.importorskip(package, reason=f"{package} is in the extra `fit`")

from groundsight.experts.signal.fit import FitSettings, fit_signal_expert  # noqa: E402

FILES = (ARRAYS_FILE, GRAPH_FILE, "fit.json")


@pytest.fixture
def restored() -> Iterator[None]:
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.mark.slow
@pytest.mark.usefixtures("restored")
def test_two_fits_give_the_same_bytes_and_a_working_expert(tmp_path: Path) -> None:
    manifest = make_manifest(tmp_path)
    settings = FitSettings(described_views=10, crop_views=2, fold_steps=2, final_steps=2, threads=1)
    said: list[str] = []
    folders = [tmp_path / name for name in ("one", "again")]
    for folder in folders:
        summary = fit_signal_expert(manifest, folder, settings, said.append)
    one, again = ([(folder / name).read_bytes() for name in FILES] for folder in folders)
    assert one == again
    assert "describing 10 views of each of 20 pictures" in said

    assert json.loads(one[2]) == summary
    assert (summary["num_pictures"], summary["num_generated"]) == (20, 8)
    assert {row["fold"] for row in summary["out_of_fold"]} == {0, 1, 2, 3}
    assert set(summary["out_of_fold_auc"]) == {"linear", "neural", "trees", "network", "fused"}
    for part in ("linear", "trees"):  # one batch an epoch is too little for the neural part
        assert summary["out_of_fold_auc"][part] > 0.9  # bright is generated here

    expert = load_signal_expert(folders[0])
    bright, dark = (
        expert.score(np.asarray(make_picture(level, "new"))) for level in (BRIGHT, DARK)
    )
    assert bright.p_fake is not None
    assert dark.p_fake is not None
    assert bright.p_fake > dark.p_fake
