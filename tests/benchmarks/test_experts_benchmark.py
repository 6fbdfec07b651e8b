"""The benchmark of experts: both sides say the same, rates are there."""

from pathlib import Path

from benchmarks.experts import MOST_DIFFERENCE, parse_arguments, run


def test_a_small_run_tells_equal_scores_and_rates(tmp_path: Path) -> None:
    options = ["--experts", "npr", "--num-pictures", "3", "--threads", "1", "--repeats", "1"]
    result = run(parse_arguments(options), tmp_path)
    (one,) = result["measured"]
    assert one["most_difference"] <= MOST_DIFFERENCE
    sides = {row["side"]: row for row in one["sides"]}
    assert set(sides) == {"plain, one by one", "plain, batches of 32", "ours"}
    assert all(row["pictures_per_s"] > 0 for row in sides.values())
    assert sides["ours"]["ratio"] == 1.0
