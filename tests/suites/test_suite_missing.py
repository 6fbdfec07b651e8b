"""One message for pictures that are not there."""

from pathlib import Path

from tests.suites.suite_files import save_picture

from groundsight.core.types import ImageRef, Sample
from groundsight.suites import SUITES
from groundsight.suites.missing import find_missing

SUITE = SUITES["mig_bench"]


def sample(number: int, *paths: str) -> Sample:
    images = tuple(ImageRef(path=path) for path in paths)
    return Sample(id=str(number), images=images, task="multi_image_grounding", question="where?")


def test_counts_and_message(tmp_path: Path) -> None:
    save_picture(tmp_path / "here.png")
    here, gone, table = (str(tmp_path / name) for name in ("here.png", "gone.png", "t.parquet"))
    samples = [
        sample(1, here),
        sample(2, here, gone),
        sample(3, gone, f"{table}::3/image"),
        sample(4, "a\0b.png"),
    ]
    missing = find_missing(SUITE, samples)
    assert (missing.num_samples, missing.num_incomplete) == (4, 3)
    assert (missing.num_pictures, missing.num) == (4, 3)
    assert missing.first == gone
    assert missing.message == (
        "MIG-Bench: 3 of 4 pictures are missing, so 3 of 4 samples cannot be asked; looked for "
        f"e.g. {gone}; get them from the hub's Michael4933/MIG-Bench, unpacked to "
        "MIG-Bench/images/, and name their folder with --pictures"
    )


def test_nothing_missing(tmp_path: Path) -> None:
    save_picture(tmp_path / "here.png")
    missing = find_missing(SUITE, [sample(1, str(tmp_path / "here.png"))])
    assert (missing.num, missing.num_incomplete) == (0, 0)
    assert missing.message == "MIG-Bench: all 1 pictures are there"
