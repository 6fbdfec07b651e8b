"""`groundsight bench` as people use it: what is printed, how it ends, Ctrl-C."""

import json
from pathlib import Path

import pytest
from tests.bench.bench_cases import TOY, grey_folder, mig_folder, write_recording
from tests.cli.in_process import run

from groundsight.bench.records import read_run
from groundsight.suites import SUITES

RUN = ("bench", "run", "folder", "--engine", TOY, "--workers", "1")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return grey_folder(tmp_path_factory.mktemp("greys"))


def test_every_suite_is_listed_with_its_rule() -> None:
    told = run("bench", "list").stdout
    assert all(name in told and SUITES[name].rule in told for name in SUITES)
    lines = run("bench", "list", "--format", "json").stdout.splitlines()
    trees = [json.loads(line) for line in lines]
    assert [tree["name"] for tree in trees] == list(SUITES)
    assert any(row["values"] for tree in trees for row in tree["published"])


def test_every_perturbation_is_listed() -> None:
    told = run("bench", "perturbations").stdout
    assert "jpeg-75" in told and "social-messenger" in told


def test_a_run_prints_figures_and_curves_and_writes_the_report(data: Path, tmp_path: Path) -> None:
    done = run(*RUN, "--data", data, "--out", tmp_path, "--perturb", "jpeg-50")
    assert done.returncode == 0, done.stderr
    assert "16 of 16 scored" in done.stdout and "accuracy under perturbations:" in done.stdout
    accuracy = next(line for line in done.stdout.splitlines() if line.startswith("  accuracy "))
    assert "0.750  [0." in accuracy and accuracy.endswith("of 8")
    for name in ("report.html", "report.md", "report.tex", "run.json", "scores.jsonl"):
        assert (tmp_path / name).stat().st_size > 0
    assert f"open {tmp_path / 'report.html'}" in done.stderr


def test_figures_over_everything_come_before_those_of_groups(data: Path, tmp_path: Path) -> None:
    done = run(*RUN, "--data", data, "--out", tmp_path, "--no-report")
    names = [line.split()[0] for line in done.stdout.splitlines() if line.startswith("  ")]
    assert names[0] == "accuracy" and "auc" in names
    assert max(names.index(name) for name in names if "[" not in name) < min(
        names.index(name) for name in names if "[" in name
    )


def test_json_is_the_run_file(data: Path, tmp_path: Path) -> None:
    done = run(*RUN, "--data", data, "--out", tmp_path, "--no-report", "--format", "json")
    assert json.loads(done.stdout) == json.loads((tmp_path / "run.json").read_text("utf-8"))


def test_what_was_not_answered_is_told_and_exits_3(tmp_path: Path) -> None:
    mig = mig_folder(tmp_path)
    box = "<think>there</think><answer>Image 2: [20, 15, 60, 45]</answer>"
    replies = write_recording(tmp_path / "replies.jsonl", {"mig_bench/common/0000": box})
    done = run(
        *("bench", "run", "mig_bench", "--data", mig, "--out", tmp_path / "out"),
        *("--engine", f"replay:{replies}", "--no-report"),
    )
    assert done.returncode == 3
    assert "not answered: 1 not_recorded" in done.stderr
    assert "mean_acc@0.5" in done.stdout and "1 of 2 scored" in done.stdout


def test_ctrl_c_keeps_what_was_done_with_its_figures(data: Path, tmp_path: Path) -> None:
    stops = f"tests.bench.stopping_engine:make_stopping:{tmp_path / 'once'}"
    command = (
        *("bench", "run", "folder", "--engine", stops, "--workers", "1", "--no-report"),
        *("--data", str(data), "--out", str(tmp_path / "out")),
    )
    done = run(*command)
    assert done.returncode == 130 and "--resume goes on" in done.stderr
    half = read_run(tmp_path / "out")
    assert not half.complete and half.num_scored == {"none": 4}
    assert half.figures["none"][0].num == 4 and "(stopped;" in done.stdout
    done = run(*command, "--resume")
    assert done.returncode == 0 and "4 of 8 were answered already" in done.stderr
    assert read_run(tmp_path / "out").num_scored == {"none": 8}


def test_a_comparison_says_first_what_was_measured_otherwise(data: Path, tmp_path: Path) -> None:
    for name, engine in (("a", TOY), ("b", "tests.bench.dark_engine:make_dark")):
        done = run(
            *("bench", "run", "folder", "--engine", engine, "--workers", "1", "--no-report"),
            *("--data", data, "--out", tmp_path / name, "--seed", "1" if name == "b" else "0"),
        )
        assert done.returncode == 0, done.stderr
    done = run("bench", "compare", tmp_path / "a", tmp_path / "b")
    assert done.returncode == 0, done.stderr
    told = done.stdout
    assert "perturbations.seed: 0 → 1" in told
    assert told.index("what was measured otherwise") < told.index("mean over shared samples")
    assert "! they share only 8 samples" in told and "McNemar p =" in told
    tree = json.loads(
        run("bench", "compare", tmp_path / "a", tmp_path / "b", "--format", "json").stdout
    )
    assert tree["perturbations"][0]["num_shared"] == 8
    done = run("bench", "compare", tmp_path / "a", tmp_path / "b", "--out", tmp_path / "page")
    assert f"open {tmp_path / 'page' / 'comparison.html'}" in done.stderr
    assert "McNemar p" in (tmp_path / "page" / "comparison.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("bench", "compare", "nowhere", "nowhere"), "no benchmark run in nowhere"),
        (("bench", "run", "lokki", "--data", ".", "--out", "x"), "Did you mean 'loki'"),
        (("bench", "run", "folder", "--data", "gone", "--out", "x"), "no such file or folder"),
        (
            ("bench", "run", "folder", "--data", ".", "--out", "x", "--samples", "3"),
            "engine builtin takes no --samples",
        ),
    ],
)
def test_mistakes_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], words: str
) -> None:
    grey_folder(tmp_path)
    monkeypatch.chdir(tmp_path)
    done = run(*arguments)
    assert done.returncode == 2 and words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1 and not (tmp_path / "x").exists()
